"""A schema of its own for a benchmark: made, migrated, and dropped whatever happens.

In: the address of a database, perhaps one in production. Out: an address whose tables are those of the
scratch schema, so that nothing reads or writes the jobs beside it. Called by `rowcrew bench`.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import quote

import psycopg
import sqlalchemy
from psycopg import sql

from rowcrew.model.errors import DatabaseUnavailable, RowcrewError
from rowcrew.table import statements
from rowcrew.table.address import for_psycopg, without_password
from rowcrew.table.connection import reason
from rowcrew.table.migrate import migrate

_TYPE: Final = "bench_noop"


@contextmanager
def scratch_schema(url: str) -> Iterator[str]:
    """The address of a new, migrated schema in this database; the schema goes when the block ends.

    Raises:
        DatabaseUnavailable: no connection.
        RowcrewError: the role may not create a schema, or a pooler in between loses the schema's name.
    """
    name = f"rowcrew_bench_{secrets.token_hex(4)}"
    inside = _address_inside(url, name)
    with _explained(url):
        _execute(url, "CREATE SCHEMA {}", name)
    try:
        with _explained(url):
            _require_inside(inside, name)
            migrate(inside)
        yield inside
    finally:
        _execute(url, "DROP SCHEMA {} CASCADE", name)


def open_connection(url: str, *, synchronous_commit: str) -> psycopg.Connection[Any]:
    """A connection in autocommit, set as one of a worker's."""
    connection = psycopg.connect(for_psycopg(url), autocommit=True, application_name="rowcrew bench")
    connection.execute("SELECT set_config('synchronous_commit', %s, false)", (synchronous_commit,))
    return connection


class BenchTable:
    """The `jobs` of a scratch schema as a benchmark sees it, over one connection in autocommit."""

    def __init__(self, url: str) -> None:
        self.connection: psycopg.Connection[tuple[Any, ...]] = psycopg.connect(
            for_psycopg(url), autocommit=True, application_name="rowcrew bench"
        )

    def __enter__(self) -> BenchTable:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def clear(self) -> None:
        self.connection.execute("TRUNCATE jobs, job_attempts")

    @contextmanager
    def filled(self, jobs: int, type: str = _TYPE) -> Iterator[None]:
        """Ready jobs that appear, with statistics about them, at the end of the block."""
        with self.connection.transaction():
            self.connection.execute(statements.text("bench_fill"), {"type": type, "jobs": jobs})
            self.connection.execute("ANALYZE jobs")
            yield

    def has_worker(self, pid: int) -> bool:
        return bool(self._value("bench_entered", {"pid": pid}))

    def is_drained(self, jobs: int) -> bool:
        return bool(self._value("bench_newest")) and self.span()[0] >= jobs

    def span(self) -> tuple[int, float]:
        """Completed jobs, and the seconds from first reservation to last end by the database's clock."""
        [(completed, seconds)] = self.connection.execute(statements.text("bench_span")).fetchall()
        return completed, seconds or 0.0

    def server_facts(self) -> dict[str, str]:
        """What figures depend on most."""
        names = ("server_version", "shared_buffers", "fsync", "synchronous_commit")
        return {name: str(self._show(name)) for name in names}

    def server_pid(self) -> int:
        """The process of this connection's backend, meaningful where the server runs on this host."""
        return self.connection.info.backend_pid

    def _show(self, name: str) -> Any:
        [(value,)] = self.connection.execute(sql.SQL("SHOW {}").format(sql.Identifier(name))).fetchall()
        return value

    def _value(self, statement: str, parameters: dict[str, Any] | None = None) -> Any:
        row = self.connection.execute(statements.text(statement), parameters).fetchone()
        return None if row is None else row[0]


def _address_inside(url: str, schema: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}schema={quote(schema)}"


def _require_inside(inside: str, schema: str) -> None:
    """A pooler that drops start-up parameters would put our tables beside the real ones."""
    with psycopg.connect(for_psycopg(inside)) as connection:
        if connection.execute("SELECT current_schema()").fetchone() != (schema,):
            raise RowcrewError(
                "a pooler stands before this database: set DATABASE_DIRECT_URL to an address past it"
            )


def _execute(url: str, command: str, schema: str) -> None:
    with psycopg.connect(for_psycopg(url), autocommit=True) as connection:
        connection.execute(sql.SQL(command).format(sql.Identifier(schema)))


@contextmanager
def _explained(url: str) -> Iterator[None]:
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise RowcrewError(
            f"{reason(error)}: a benchmark needs a scratch schema; GRANT CREATE ON DATABASE to this role, "
            "or measure a private PostgreSQL with --embedded"
        ) from error
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(f"no connection to {without_password(url)}: {reason(error)}") from error
    except sqlalchemy.exc.DBAPIError as error:
        raise RowcrewError(f"the scratch schema could not be made: {reason(error.orig or error)}") from error
