"""What the doctor asks a database: its server, schema and rights, and whether two addresses are one.

In: addresses and connections of `console`. Out: records, sentences, words. Nothing here writes.
"""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime
from typing import Any, Final, Literal

import psycopg
from psycopg.conninfo import conninfo_to_dict

from rowcrew.family import installed
from rowcrew.table.address import for_psycopg
from rowcrew.table.compatibility import complaint
from rowcrew.table.console import Connection, Record, rows
from rowcrew.table.link import is_lent
from rowcrew.table.rights import worker_rights

OLDEST_SERVER: Final = 15
NEWEST_SERVER: Final = 18

Sameness = Literal["same", "other-table", "other"]


def place(address: str) -> Record | None:
    """Host, port, database and role that an address names; None when it cannot be read.

    What libpq says of such an address is not passed on: it quotes from it, and so from the password.
    """
    try:
        parts = conninfo_to_dict(for_psycopg(address))
    except psycopg.ProgrammingError:
        return None
    port, database = str(parts.get("port") or "5432"), str(parts.get("dbname") or parts.get("user") or "")
    if not all(number.isdecimal() for number in port.split(",")) or "@" in database:
        return None  # a special character of the password has cut the address in the wrong place
    host = parts.get("host") or parts.get("hostaddr") or "a local socket"
    return {"host": host, "port": port, "database": database, "role": parts.get("user") or "of the system"}


def server_facts(connection: Connection) -> Record:
    """Version, role, limits; whether a pooler is in between; how many seconds the server's clock is ahead.

    `tls` is whether the connection, as far as we see it, is encrypted.
    """
    before, started = datetime.now(UTC), time.monotonic()
    [facts] = rows(connection, "operator/server_facts", {})
    middle = before.timestamp() + (time.monotonic() - started) / 2
    return {
        **facts,
        "clockAheadSeconds": facts["clock"].timestamp() - middle,
        "pooled": is_lent(connection, facts["backendPid"]),
        "tls": connection.pgconn.ssl_in_use,
    }


def schema_complaint(connection: Connection) -> tuple[int | None, str | None]:
    """The schema's revision, None without one; and why a worker of this version must not serve it, if so.

    Raises:
        psycopg.errors.InsufficientPrivilege: the role may not even read the revision.
    """
    try:
        found = rows(connection, "worker/schema_revision", {})
    except psycopg.errors.UndefinedTable:
        found = []
    if not found:
        return None, complaint(None)
    return found[0]["revision"], complaint(found[0]["revision"], found[0]["minimumWorker"])


def schemas_with_tables(connection: Connection) -> list[str]:
    """Where Rowcrew's tables are, if not on the search path."""
    return [row["schema"] for row in rows(connection, "operator/schemas_with_tables", {})]


def missing_rights(connection: Connection) -> list[str]:
    """What a worker's role must be granted and is not."""
    needed = worker_rights(installed())
    return [row["missing"] for row in rows(connection, "operator/missing_rights", needed)]


def absent_tables(connection: Connection) -> dict[str, list[str]]:
    """The tables that installed families have and the database lacks, by the family's name."""
    tables = {family.name: family.tables for family in installed()}
    wanted = {"tables": [table for names in tables.values() for table in names]}
    absent = {row["table"] for row in rows(connection, "operator/absent_tables", wanted)}
    return {name: lacking for name, names in tables.items() if (lacking := [t for t in names if t in absent])}


def live_workers(connection: Connection) -> int:
    [row] = rows(connection, "operator/live_workers", {})
    return int(row["live"])


def last_completed(connection: Connection) -> Record | None:
    return next(iter(rows(connection, "operator/last_completed", {})), None)


def sameness(ours: Connection, theirs: Connection) -> Sameness:
    """Whether two connections have reached one database, and in it one table `jobs`.

    A lock of our transaction is visible in the database that we are in and nowhere else, whatever the
    addresses say; nor do poolers hide it, because a transaction keeps its session.
    """
    name: dict[str, Any] = {"first": secrets.randbelow(2**31), "second": secrets.randbelow(2**31)}
    with ours.transaction():
        [here] = rows(ours, "operator/probe_hold", name)
        [there] = rows(theirs, "operator/probe_seen", name)
    if not there["seen"]:
        return "other"
    return "same" if here["jobs"] == there["jobs"] else "other-table"
