"""Text out of a database that checks none.

A database in SQL_ASCII takes any bytes, and refuses to send those that are no UTF-8 to a session that asked
for it: one such row hides all others of its list. In: the session of somebody who only looks. Out: the same
session, which reads such bytes as U+FFFD. Called by links of operators.
"""

from __future__ import annotations

from typing import Any, Final

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Loader

from rowcrew.table.statements import SQL

_TEXTS: Final = ("text", "varchar", "bpchar", "name", "json", "jsonb")


class AnyTextLoader(Loader):
    """Loads text, whatever its bytes."""

    def load(self, data: Buffer) -> str:
        return bytes(data).decode("utf-8", "replace")


async def read_any_text(connection: psycopg.AsyncConnection[Any]) -> None:
    """Costs nothing where the server checks its text."""
    if connection.info.parameter_status("server_encoding") == "SQL_ASCII":
        asked = {"names": ["client_encoding"], "values": ["SQL_ASCII"], "local": False}
        await connection.execute(SQL["link/set_config"], asked)
        for name in _TEXTS:
            connection.adapters.register_loader(name, AnyTextLoader)
