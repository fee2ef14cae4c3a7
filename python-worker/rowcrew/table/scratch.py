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
from rowcrew.table.address import for_psycopg, without_password
from rowcrew.table.arrays import ArrayDumper
from rowcrew.table.link import for_session, reason
from rowcrew.table.migrate import migrate
from rowcrew.table.statements import SQL

_TYPE: Final = "bench_noop"


@contextmanager
def scratch_schema(url: str) -> Iterator[str]:
    """The address of a new, migrated schema in this database; the schema goes when the block ends.

    Raises:
        DatabaseUnavailable: no connection.
        RowcrewError: the role may not create a schema, or a pooler in between loses the schema's name.
    """
    with empty_schema(url) as inside:
        with _explained(url):
            migrate(inside)
        yield inside


@contextmanager
def empty_schema(url: str) -> Iterator[str]:
    """As `scratch_schema`, without any table."""
    name = f"rowcrew_bench_{secrets.token_hex(4)}"
    inside = _address_inside(url, name)
    with _explained(url):
        _execute(url, "CREATE SCHEMA {}", name)
    try:
        with _explained(url):
            _require_inside(inside, name)
        yield inside
    finally:
        _execute(url, "DROP SCHEMA {} CASCADE", name)


def open_connection(url: str, *, synchronous_commit: str) -> psycopg.Connection[Any]:
    """A connection in autocommit, set as one of a worker's."""
    connection = psycopg.connect(for_psycopg(url), autocommit=True, application_name="rowcrew bench")
    connection.adapters.register_dumper(list, ArrayDumper)
    settings = for_session({"synchronous_commit": synchronous_commit})
    connection.execute(SQL["link/set_config"], settings)
    return connection


@contextmanager
def held_snapshot(url: str) -> Iterator[None]:
    """A transaction beside that reads the past: until it ends, no row that died since can be cleaned up.

    Raises:
        DatabaseUnavailable: the server ended it meanwhile.
    """
    with psycopg.connect(for_psycopg(url), application_name="rowcrew bench") as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.execute("SELECT 1")
        yield
        try:
            connection.execute("SELECT 1")
        except psycopg.OperationalError as error:
            raise DatabaseUnavailable(f"the snapshot was not held to the end: {reason(error)}") from error


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
            self.fill(jobs, type)
            self.connection.execute("ANALYZE jobs")
            yield

    def fill(self, jobs: int, type: str = _TYPE) -> int:
        """Ready jobs at once; the newest id."""
        return int(self._value("bench/fill", {"type": type, "jobs": jobs}))

    def send(self, type: str) -> int:
        """One ready job, the way a producer makes it; its id."""
        return int(self._value("bench/send", {"type": type}))

    def has_worker(self, pid: int) -> bool:
        return bool(self._value("bench/entered", {"pid": pid}))

    def newest(self) -> int:
        """The newest id; 0 without any job."""
        return self._newest()[0]

    def has_ended(self, id: int) -> bool:
        return bool(self._value("bench/has_ended", {"id": id}))

    def is_drained(self, jobs: int, after: int = 0) -> bool:
        """Whether the newest job has ended and so many after the given one have completed."""
        id, ended = self._newest()
        return ended and id > after and self.span(after)[0] >= jobs

    def span(self, after: int = 0) -> tuple[int, float]:
        """Completed jobs, and the seconds from first reservation to last end by the database's clock."""
        [(completed, seconds)] = self._rows("bench/span", {"after": after})
        return completed, seconds or 0.0

    def thirds(self, after: int = 0) -> list[tuple[int, float]]:
        """Jobs and seconds of each third of what has completed, in order; also by the database's clock."""
        return self._rows("bench/thirds", {"after": after})

    def runs(self, after: int = 0) -> list[tuple[int, int, float, float]]:
        """Of jobs whose handlers answer with a time: id, number in the payload, when reserved, that time."""
        return self._rows("bench/runs", {"after": after})

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

    def _newest(self) -> tuple[int, bool]:
        return next(iter(self._rows("bench/newest", {})), (0, False))

    def _value(self, statement: str, parameters: dict[str, Any]) -> Any:
        return next(iter(self._rows(statement, parameters)), (None,))[0]

    def _rows(self, statement: str, parameters: dict[str, Any]) -> list[Any]:
        return self.connection.execute(SQL[statement], parameters).fetchall()


def _address_inside(url: str, schema: str) -> str:
    base, _, query = url.partition("?")
    others = [pair for pair in query.split("&") if pair and not pair.startswith("schema=")]
    return f"{base}?{'&'.join([*others, f'schema={quote(schema)}'])}"


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
