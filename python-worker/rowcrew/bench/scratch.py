"""A schema of its own for a benchmark: made, migrated, and dropped whatever happens.

In: the address of a database, perhaps one in production. Out: an address whose tables are those of the
scratch schema, so that nothing reads or writes the jobs beside it. Called by `rowcrew bench`.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import psycopg
import sqlalchemy
from psycopg import sql

from rowcrew.bench.statements import SQL
from rowcrew.bench.table import connected
from rowcrew.model.errors import DatabaseUnavailable, RowcrewError
from rowcrew.table.address import without_password
from rowcrew.table.link import reason
from rowcrew.table.migrate import migrate


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
        create_schema(url, name)
    try:
        with _explained(url):
            _require_inside(inside, name)
        yield inside
    finally:
        drop_schema(url, name)


def create_schema(url: str, name: str) -> None:
    with connected(url) as connection:
        connection.execute(sql.SQL(SQL["create_schema"]).format(sql.Identifier(name)))


def drop_schema(url: str, name: str) -> None:
    with connected(url) as connection:
        connection.execute(sql.SQL(SQL["drop_schema"]).format(sql.Identifier(name)))


def current_schema(url: str) -> str | None:
    """Where tables are made that name no schema; None where none can be."""
    with connected(url) as connection:
        [(name,)] = connection.execute(SQL["current_schema"]).fetchall()
    return None if name is None else str(name)


def _address_inside(url: str, schema: str) -> str:
    base, _, query = url.partition("?")
    others = [pair for pair in query.split("&") if pair and not pair.startswith("schema=")]
    return f"{base}?{'&'.join([*others, f'schema={quote(schema)}'])}"


def _require_inside(inside: str, schema: str) -> None:
    """A pooler that drops start-up parameters would put our tables beside the real ones."""
    if current_schema(inside) != schema:
        raise RowcrewError(
            "a pooler stands before this database: set DATABASE_DIRECT_URL to an address past it"
        )


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
