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

    `waits`: its own time is in the future. `begun`: it has a "startedAt". `placed`: it has a "placeAt".
    `lingers`: it has one, runs no longer, and was changed in the last 30 seconds. `dependent`: it names jobs
    that it waits for. `parked`: these have not ended, as far as anybody has looked.
    """

    status: str = "queued"
    attempts: int = 0
    lease: int = 0
    holder: int = 0
    waits: bool = False
    begun: bool = False
    placed: bool = False
    lingers: bool = False
    dependent: bool = False
    parked: bool = False


class Database(NamedTuple):
    """The row, the leases with a row in `job_attempts`, heartbeats by worker, and who was declared lost.

    `limited`: the row's queue has a limit, so that whoever reserves it takes the road of limits.
    """

    row: Row = Row()
    told: frozenset[int] = frozenset()
    beats: tuple[int, ...] = (0, 0, 0)
    lost: frozenset[int] = frozenset()
    limited: bool = False


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
    "waiting": ("queued", 1, False),
}

Fence = Callable[[Row, End, int], bool]


def by_lease(row: Row, end: End, _worker: int) -> bool:
    """The fence of Rowcrew."""
    return row.status == "processing" and row.lease == end.lease


def is_ready(database: Database, worker: int) -> bool:
    """Whether this worker gets the row when it reserves."""
    row = database.row
    return row.status == "queued" and not row.waits and not row.parked and worker not in database.lost


def reserve(database: Database, worker: int, lease: int) -> Database:
    row = database.row
    run = Row("processing", row.attempts + 1, lease, worker, begun=True, dependent=row.dependent)
    return database._replace(row=run._replace(placed=database.limited))


def record(database: Database, worker: int, end: End, fence: Fence = by_lease) -> tuple[Database, str]:
    row = database.row
    if not fence(row, end, worker):
        completed = row.status == "completed" == end.outcome and row.lease == end.lease
        return database, "ALREADY" if completed or end.lease in database.told else "STALE"
    status, refund, waits = VERDICTS[end.outcome]
    told = database.told if end.outcome == "completed" else database.told | {end.lease}
    row = row._replace(status=status, attempts=row.attempts - refund, holder=0, waits=waits, placed=False)
    if end.outcome == "waiting":
        row = row._replace(dependent=True, parked=True)
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
        row = row._replace(status="queued", attempts=row.attempts - 1, holder=0, waits=False, placed=False)
    return database._replace(row=row, lost=database.lost | {worker})


def acknowledge(database: Database, lease: int) -> Database:
    """The run of a row that was changed by hand is dead. One that waits for others keeps its own time."""
    row = database.row
    if row.status == "queued":
        is_let_go = row.waits and not row.begun and not row.parked
    else:
        is_let_go = row.status in ENDED and row.holder != 0
    if row.lease != lease or not is_let_go:
        return database
    waits = row.waits and row.status != "queued"
    return database._replace(row=row._replace(holder=0, waits=waits, placed=False, lingers=False))


def adopt(database: Database) -> Database:
    """A run that began before its queue had a limit gets a place."""
    row = database.row
    return database._replace(row=row._replace(placed=row.placed or row.status == "processing"))


def takes_a_place(row: Row) -> bool:
    return row.placed and (row.status == "processing" or row.lingers)


def cancel(database: Database) -> Database:
    row = database.row
    if row.status in ENDED:
        return database
    return database._replace(row=row._replace(status="cancelled", parked=False, lingers=row.placed))


def requeue(database: Database, *, waits: bool = True) -> Database:
    """By hand: ready at once, unless whoever holds the row, or held it before, may still be running it."""
    row = database.row
    if row.status == "queued":
        return database._replace(row=row._replace(lingers=row.placed))
    waited = row.waits and row.lease != 0 and row.attempts == 0 and not row.begun
    again = Row("queued", 0, row.lease, waits=waited or (waits and row.holder != 0), placed=row.placed)
    again = again._replace(lingers=row.placed, dependent=row.dependent, parked=row.dependent)
    return database._replace(row=again)


def let_run(database: Database) -> Database:
    """What it waited for has ended, as its policy wants it."""
    row = database.row
    return database._replace(row=row._replace(parked=False, lingers=row.placed)) if row.parked else database


def fail_waiting(database: Database) -> Database:
    """What it waited for has ended otherwise than its policy wants it."""
    row = database.row
    failed = row._replace(status="failed", parked=False, lingers=row.placed)
    return database._replace(row=failed) if row.parked else database


def enter(database: Database) -> Database:
    """A worker gets a number that no other ever had."""
    return database._replace(beats=(*database.beats, 0))


def due(database: Database) -> Database:
    """Half a minute goes by."""
    return database._replace(row=database.row._replace(waits=False, lingers=False))
