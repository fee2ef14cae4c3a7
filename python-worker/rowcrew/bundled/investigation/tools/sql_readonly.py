"""The tool sql_readonly: a question in SQL, to the database and with the role that the settings name.

In: arguments of a model. Out: rows as JSON, few and short. What is asked is read first (`sql_guard`), and
runs in a read-only transaction with limits of its own, on a connection of its own that is closed behind it.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Final

import msgspec
import psycopg
from msgspec import Meta

from rowcrew.bundled.investigation.statements import SQL
from rowcrew.bundled.investigation.tools.passages import MOST_CHARACTERS
from rowcrew.bundled.investigation.tools.sql_guard import LONGEST, guarded
from rowcrew.bundled.investigation.tools.tool import Arguments, CannotAnswer

MOST_ROWS: Final = 50
LONGEST_ROW: Final = 1_000
_CONNECT_SECONDS: Final = 10


class SqlArguments(Arguments, frozen=True, kw_only=True):
    """A question in SQL."""

    sql: Annotated[str, Meta(min_length=1, max_length=LONGEST)]


class Rows(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Rows as JSON texts, the longest of them cut; `there_is_more` = rows were left out."""

    rows: list[str]
    there_is_more: bool


class SqlReadonly:
    """Asks a database."""

    name: ClassVar = "sql_readonly"
    description: ClassVar = (
        "Ask a PostgreSQL database: one SELECT with plain functions, no comments. "
        "information_schema.columns tells its tables."
    )
    arguments: ClassVar[type[Arguments]] = SqlArguments

    def __init__(self, address: str) -> None:
        self._address = address

    def use(self, arguments: SqlArguments) -> Rows:
        question = guarded(arguments.sql)
        connection = psycopg.connect(
            self._address,
            connect_timeout=_CONNECT_SECONDS,
            client_encoding="UTF8",
            prepare_threshold=None,
            application_name="rowcrew investigation",
        )
        connection.read_only = True
        try:
            return self._rows(connection, question)
        except psycopg.Error as error:
            if connection.broken or error.diag.message_primary is None:
                raise
            # The first line alone: what follows may hold rows.
            raise CannotAnswer(error.diag.message_primary) from error
        finally:
            connection.close()

    def _rows(self, connection: psycopg.Connection[tuple[str]], question: str) -> Rows:
        connection.execute(SQL["limit_session"])
        # Parameters make the server take one statement and no more, whatever the text holds.
        statement = SQL["rows_of"].replace("{question}", question.replace("%", "%%"))
        parameters = {"longest": LONGEST_ROW, "most": MOST_ROWS + 1}
        found = [row for (row,) in connection.execute(statement.encode(), parameters)]
        rows: list[str] = []
        left = MOST_CHARACTERS
        for row in found[:MOST_ROWS]:
            left -= len(row)
            if left < 0:
                break
            rows.append(row)
        return Rows(rows=rows, there_is_more=len(rows) < len(found))
