"""The statements of people at a terminal, over one connection that is theirs for a command.

In: ids and filters that the command line has read. Out: rows as dictionaries by column name, JSON columns as
undecoded JSON, so that what is shown is what the row holds. Every error becomes one sentence with a remedy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, Literal

import msgspec
import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import set_json_loads

from rowcrew.model.errors import DatabaseUnavailable, RowcrewError, SchemaMismatch
from rowcrew.model.why import JobFacts, Reason, Service, reasons
from rowcrew.settings import Settings
from rowcrew.table.address import for_psycopg, without_password
from rowcrew.table.link import KEEPALIVE, reason
from rowcrew.table.statements import SQL

Record = dict[str, Any]
Connection = psycopg.Connection[Record]
Change = Literal["cancel", "requeue"]

_CONFLICT_ROUNDS: Final = 20


@contextmanager
def connected(settings: Settings) -> Iterator[Connection]:
    """A connection in autocommit to the database of the settings.

    Raises:
        DatabaseUnavailable: no connection, or it broke.
        SchemaMismatch: the tables are missing or of another version.
        RowcrewError: PostgreSQL refused a statement, for a reason given in its words.
    """
    address = settings.require_database_url()
    try:
        with connect(address) as connection:
            yield connection
    except psycopg.Error as error:
        raise explained(error, address) from error


def connect(address: str) -> Connection:
    """The same for any address, with the driver's errors as they are."""
    connection = psycopg.connect(
        for_psycopg(address),
        autocommit=True,
        prepare_threshold=None,
        application_name="rowcrew command line",
        row_factory=dict_row,
        client_encoding="UTF8",  # else text comes as bytes out of a database in SQL_ASCII
        **KEEPALIVE,
    )
    set_json_loads(msgspec.Raw, connection)
    return connection


def explained(error: psycopg.Error, address: str) -> RowcrewError:
    """The error as a finished sentence for the one who typed the command."""
    match error:
        case psycopg.errors.UndefinedTable() | psycopg.errors.UndefinedColumn():
            return SchemaMismatch(f"{reason(error)}; run `rowcrew migrate` on this database")
        case psycopg.OperationalError():
            return DatabaseUnavailable(
                f"no connection to {without_password(address)}: {reason(error)}; `rowcrew doctor` tells more"
            )
    return RowcrewError(reason(error))


def list_jobs(
    connection: Connection,
    *,
    statuses: Sequence[str] | None,
    types: Sequence[str] | None,
    queues: Sequence[str] | None,
    limit: int,
) -> list[Record]:
    """The newest jobs; None = any."""
    parameters = {
        "statuses": _array(statuses),
        "types": _array(types),
        "queues": _array(queues),
        "limit": limit,
    }
    return rows(connection, "operator/list_jobs", parameters)


def show_job(connection: Connection, id: int) -> Record | None:
    """Every column of a job, and under `job_attempts` the attempts that did not complete."""
    with connection.transaction():
        jobs = rows(connection, "operator/show_job", {"id": id})
        attempts = rows(connection, "operator/show_attempts", {"id": id})
    return {**jobs[0], "job_attempts": attempts} if jobs else None


def change_jobs(connection: Connection, change: Change, ids: Sequence[int]) -> list[Record]:
    """Cancel or requeue jobs; for each id, in the order given, how it stands now and whether this was it.

    A record has id, changed, status (None: no such job) and liveId, the live job with the same unique key.
    """
    changed = {row["id"] for row in _changed(connection, change, list(ids))}
    standing = {row["id"]: row for row in rows(connection, "operator/job_standing", {"ids": list(ids)})}
    unknown = {"status": None, "liveId": None}
    return [
        {**standing.get(id, {"id": id, **unknown}), "changed": id in changed} for id in dict.fromkeys(ids)
    ]


def list_types(connection: Connection) -> list[Record]:
    return rows(connection, "operator/list_types", {})


def show_type(connection: Connection, type: str) -> Record | None:
    types = rows(connection, "operator/show_type", {"type": type})
    return types[0] if types else None


def list_queues(connection: Connection) -> list[Record]:
    """Every queue with its jobs by status, what waits, and who serves it."""
    return rows(connection, "operator/list_queues", {})


def why(connection: Connection, id: int) -> tuple[JobFacts, list[Reason]] | None:
    """What is known of a job, and why it is where it is; None when there is no such job."""
    with connection.transaction():
        found = rows(connection, "operator/job_facts", {"id": id})
        if not found:
            return None
        job = msgspec.convert(found[0], JobFacts)
        service = services(connection, [(job.queue, job.type)])[job.queue, job.type]
    return job, reasons(job, service)


def waiting(connection: Connection) -> list[Record]:
    """What waits, by queue and type: ready, oldestSeconds, later; the fifty largest crowds."""
    return rows(connection, "operator/waiting", {})


def services(connection: Connection, pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Service]:
    """What live workers offer each pair of queue and type."""
    parameters = {"queues": [queue for queue, _ in pairs], "types": [type for _, type in pairs]}
    return {
        (row["queue"], row["type"]): msgspec.convert(row, Service)
        for row in rows(connection, "operator/service", parameters)
    }


def _changed(connection: Connection, change: Change, ids: list[int]) -> list[Record]:
    for _ in range(_CONFLICT_ROUNDS):
        try:
            return rows(connection, f"operator/{change}_job", {"ids": ids})
        except psycopg.errors.UniqueViolation:  # somebody enqueued the key meanwhile: look again
            continue
    raise RowcrewError("producers take the unique keys of these jobs ever again: requeue them one by one")


def rows(connection: Connection, name: str, parameters: Record) -> list[Record]:
    """What a statement file answers."""
    return connection.execute(SQL[name], parameters).fetchall()


def _array(values: Sequence[str] | None) -> list[str] | None:
    return list(values) if values else None
