"""The table as any backend sees it, over a plain connection: insert, look, change by hand, wait for rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, LiteralString

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from rig.waiting import eventually
from rowcrew.model.status import ENDED

Row = dict[str, Any]


class Table:
    """The database of a test, as any backend sees it; connects anew when the server was restarted."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._connection: psycopg.Connection[Row] | None = None

    def rows(self, query: LiteralString, *parameters: Any) -> list[Row]:
        """Rows of a query that may run twice: a lost connection is replaced."""
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self.address, autocommit=True, row_factory=dict_row)
        cursor = self._connection.execute(query, parameters)
        return cursor.fetchall() if cursor.description else []

    def row(self, id: int) -> Row:
        (row,) = self.rows("SELECT * FROM jobs WHERE id = %s", id)
        return row

    def enqueue(self, type: str, payload: Mapping[str, Any] | None = None, **columns: Any) -> int:
        """Insert a job as a backend would, with plain SQL."""
        columns = {"type": type, "payload": Jsonb(payload or {}), **columns}
        names = ", ".join(f'"{name}"' for name in columns)
        places = ", ".join(["%s"] * len(columns))
        query: Any = f"INSERT INTO jobs ({names}) VALUES ({places}) RETURNING id"
        return int(self.rows(query, *columns.values())[0]["id"])

    def write_past_triggers(self, query: LiteralString, *parameters: Any) -> None:
        """Send a change of which nobody is told, and whose consequences nobody puts right."""
        self.rows("SET session_replication_role = replica")
        self.rows(query, *parameters)
        self.rows("RESET session_replication_role")

    def set_status(self, id: int, status: str) -> None:
        self.rows("UPDATE jobs SET status = %s WHERE id = %s", status, id)

    def attempts(self, id: int) -> list[Row]:
        return self.rows('SELECT * FROM job_attempts WHERE "jobId" = %s ORDER BY "finishedAt"', id)

    def outcomes(self, id: int) -> list[str]:
        return [attempt["outcome"] for attempt in self.attempts(id)]

    def until(self, id: int, *statuses: str, seconds: float = 30) -> Row:
        """Wait until the job has one of these statuses (by default: has ended); its row."""
        wanted = statuses or ENDED

        def reached() -> Row | None:
            row = self.row(id)
            assert row["status"] in wanted or row["status"] not in ENDED, f"ended otherwise: {row}"
            return row if row["status"] in wanted else None

        return some(reached, seconds)

    def count(self, status: str) -> int:
        return int(self.rows("SELECT count(*) AS n FROM jobs WHERE status = %s", status)[0]["n"])

    def drained(self, seconds: float = 60) -> None:
        """Wait until every job has ended."""
        live = "SELECT count(*) AS live FROM jobs WHERE status IN ('queued', 'processing')"
        eventually(lambda: self.rows(live)[0]["live"] == 0, seconds)

    def connections_of_workers(self) -> list[Row]:
        return self.rows(
            "SELECT pid, application_name AS name FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name LIKE 'rowcrew%%'"
        )

    @contextmanager
    def another(self) -> Iterator[psycopg.Connection[Row]]:
        """A second connection, in transactions."""
        with psycopg.connect(self.address, row_factory=dict_row) as connection:
            yield connection

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()


def some(probe: Callable[[], Row | None], seconds: float = 30) -> Row:
    """Wait for a row, also while the server is away."""

    def answer() -> Row | None:
        with suppress(psycopg.OperationalError):
            return probe()
        return None

    found = eventually(answer, seconds)
    assert found is not None
    return found
