"""`rowcrew mcp`: what assistants may ask about jobs, over the Model Context Protocol."""

from __future__ import annotations

from rowcrew.cli.options import read_settings
from rowcrew.model.errors import RowcrewError


def mcp() -> None:
    """Let an assistant ask why jobs wait: a server of the Model Context Protocol.

    The assistant's program starts it, and speaks to it through standard input
    and output. It only looks, never at a payload or a result, and needs the
    extra `mcp`.
    """
    try:
        from rowcrew.assistant import server
    except ModuleNotFoundError as error:
        raise RowcrewError(f"{error.name} is not installed: pip install 'rowcrew[mcp]'") from error
    server(read_settings().require_database_url()).run("stdio")
