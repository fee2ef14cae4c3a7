"""`rowcrew web`: the API, metrics and health over HTTP, for programs and browsers of this machine."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from rowcrew.cli import SUCCESS, UsageError
from rowcrew.cli.options import read_settings
from rowcrew.model.errors import RowcrewError


def web(
    *,
    host: Annotated[str, Parameter(help="Address to listen on, of this machine alone.")] = "127.0.0.1",
    port: Annotated[
        int, Parameter(validator=Number(gte=0, lte=65535), help="Port; 0 = any free one.")
    ] = 8000,
) -> int:
    """Serve the API and metrics until SIGTERM or SIGINT.

    There is no login, so only programs and browsers of this machine are
    answered. From elsewhere: ssh -L 8000:127.0.0.1:8000 HOST
    """
    try:
        from rowcrew.web.app import application
        from rowcrew.web.guard import is_loopback
        from rowcrew.web.serving import listen, serve
    except ModuleNotFoundError as error:
        raise RowcrewError(f"{error.name} is not installed: pip install 'rowcrew[web]'") from error
    address = read_settings().require_database_url()
    if not is_loopback(host):
        raise UsageError(
            f"--host {host}: without a login only this machine may ask; listen on 127.0.0.1,"
            f" and from elsewhere use ssh -L {port}:127.0.0.1:{port} HOST"
        )
    try:
        listener = listen(host, port)
    except OSError as error:
        raise RowcrewError(f"--host {host} --port {port}: {error.strerror}; choose another") from error
    with listener:
        named = f"[{host}]" if ":" in host else host
        print(f"Serving http://{named}:{listener.getsockname()[1]}", flush=True)
        web = application(address)
        serve(web.app, listener, on_stop=web.stop)
    return SUCCESS
