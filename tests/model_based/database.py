"""What the statements of the lease protocol do to one job, as pure functions from values to values.

Two readers: `lease_model` explores every interleaving of them, and `test_statements` holds each of them
against its .sql file on a real PostgreSQL. Times are reduced to one fact: `waits`, "not yet due".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

MAX_ATTEMPTS: Final = 2
ENDED: Final = ("completed", "failed", "cancelled")


class Row(NamedTuple):
    """The row of `jobs`. Lease 0 is none yet, holder 0 is nobody.

    `waits`: its "runAt" is in the future. `begun`: it has a "startedAt".
    """

    status: str = "queued"
    attempts: int = 0
    lease: int = 0
    holder: int = 0
    waits: bool = False
    begun: bool = False


class Database(NamedTuple):
    """The row, the leases with a row in `job_attempts`, heartbeats by worker, and who was declared lost."""

    row: Row = Row()
    told: frozenset[int] = frozenset()
    beats: tuple[int, ...] = (0, 0, 0)
    lost: frozenset[int] = frozenset()


class End(NamedTuple):
    """What a worker wants to write: the lease and attempt it holds, and how the run ended."""

    lease: int
    attempt: int
    outcome: str


# outcome: (next status, attempts given back, whether the row then waits)
VERDICTS: Final = {
    "completed": ("completed", 0, False),
    "retried": ("queued", 0, True),
    "failed": ("failed", 0, False),
    "cancelled": ("cancelled", 0, False),
    "released": ("queued", 1, False),
    "snoozed": ("queued", 1, True),
}

Fence = Callable[[Row, End, int], bool]


def by_lease(row: Row, end: End, _worker: int) -> bool:
    """The fence of Rowcrew."""
    return row.status == "processing" and row.lease == end.lease


def is_ready(database: Database, worker: int) -> bool:
    """Whether this worker gets the row when it reserves."""
    return database.row.status == "queued" and not database.row.waits and worker not in database.lost


def reserve(database: Database, worker: int, lease: int) -> Database:
    row = database.row
    return database._replace(row=Row("processing", row.attempts + 1, lease, worker, begun=True))


def record(database: Database, worker: int, end: End, fence: Fence = by_lease) -> tuple[Database, str]:
    row = database.row
    if not fence(row, end, worker):
        completed = row.status == "completed" == end.outcome and row.lease == end.lease
        return database, "ALREADY" if completed or end.lease in database.told else "STALE"
    status, refund, waits = VERDICTS[end.outcome]
    told = database.told if end.outcome == "completed" else database.told | {end.lease}
    row = Row(status, row.attempts - refund, row.lease, 0, waits, row.begun)
    return database._replace(row=row, told=told), "DONE"


def beat(database: Database, worker: int) -> tuple[Database, bool]:
    """False: this worker was declared lost."""
    if worker in database.lost:
        return database, False
    beats = tuple(n + (number == worker) for number, n in enumerate(database.beats))
    return database._replace(beats=beats), True


def rescue(database: Database, worker: int, beats: int | None) -> Database:
    """Declare a worker lost if its heartbeats stand where they were seen (None: without looking).

    Here a worker never says that it runs one job alone, so nobody is blamed.
    """
    if beats not in (None, database.beats[worker]):
        return database
    row = database.row
    if row.status == "processing" and row.holder == worker:
        row = row._replace(status="queued", attempts=row.attempts - 1, holder=0, waits=False)
    return database._replace(row=row, lost=database.lost | {worker})


def acknowledge(database: Database, lease: int) -> Database:
    """The run of a row that was changed by hand is dead."""
    row = database.row
    if row.lease != lease or row.status == "processing" or (row.status == "queued" and row.begun):
        return database
    return database._replace(row=row._replace(holder=0, waits=row.waits and row.status != "queued"))


def cancel(database: Database) -> Database:
    row = database.row
    if row.status in ENDED:
        return database
    return database._replace(row=row._replace(status="cancelled"))


def requeue(database: Database, *, waits: bool = True) -> Database:
    """By hand: ready at once, unless whoever holds the row, or held it before, may still be running it."""
    row = database.row
    if row.status == "queued":
        return database
    waited = row.waits and row.lease != 0 and row.attempts == 0 and not row.begun
    return database._replace(row=Row("queued", 0, row.lease, 0, waited or (waits and row.holder != 0)))


def enter(database: Database) -> Database:
    """A worker gets a number that no other ever had."""
    return database._replace(beats=(*database.beats, 0))


def due(database: Database) -> Database:
    """Half a minute goes by."""
    return database._replace(row=database.row._replace(waits=False))
