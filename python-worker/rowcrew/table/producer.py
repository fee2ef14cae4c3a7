"""What producers ask of the table: one function for each statement in `sql/producer/`, of the same name.

In: JSON arrays and ids. Out: rows with names. Each function yields a `Question`, because producers lend us
connections of every kind. Called by `rowcrew.client`, and by a worker that enqueues for its runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rowcrew.model.status import Status
from rowcrew.table.question import Asking, Question
from rowcrew.table.statements import SQL


class EnqueuedJob(NamedTuple):
    """A job that was inserted: its id, type and unique key."""

    id: int
    type: str
    unique_key: str | None


class LiveJob(NamedTuple):
    """The live job that has a unique key."""

    id: int
    type: str
    unique_key: str


class JobRow(NamedTuple):
    """One job as its row stands; `progress` and `result` are JSON texts, times are texts as in JSON."""

    id: int
    type: str
    queue: str
    status: Status
    priority: int
    attempts: int
    max_attempts: int
    progress: str | None
    result: str | None
    error_message: str | None
    created_at: str
    updated_at: str
    run_at: str
    started_at: str | None
    finished_at: str | None


class JobEnd(NamedTuple):
    """How a job stands; `result` is a JSON text, `emptied` says that it had been kept for its time."""

    id: int
    type: str
    status: Status
    attempts: int
    max_attempts: int
    result: str | None
    error_message: str | None
    emptied: bool


def enqueue(jobs: str) -> Asking[list[EnqueuedJob]]:
    """Insert jobs, a JSON array; those whose unique key is taken are left out."""
    rows = yield Question(SQL["producer/enqueue"], {"jobs": jobs})
    return [EnqueuedJob(*row) for row in rows]


def wait(*, id: int, ids: Sequence[int], policy: str) -> Asking[bool]:
    """Hold a job back until these have ended; False when it is not queued, or hidden from this role."""
    rows = yield Question(SQL["producer/wait"], {"id": id, "ids": list(ids), "policy": policy})
    return bool(rows)


def live_job(jobs: str) -> Asking[list[LiveJob]]:
    """The live jobs of these types and unique keys, a JSON array of objects."""
    rows = yield Question(SQL["producer/live_job"], {"jobs": jobs})
    return [LiveJob(*row) for row in rows]


def emit(events: str) -> Asking[list[int]]:
    """Write events, a JSON array of `NewEvent`; their ids."""
    rows = yield Question(SQL["producer/emit"], {"events": events})
    return [id for (id,) in rows]


def get_job(id: int) -> Asking[JobRow | None]:
    rows = yield Question(SQL["producer/get_job"], {"id": id})
    return JobRow(*rows[0]) if rows else None


def ends(ids: list[int]) -> Asking[list[JobEnd]]:
    """How these jobs stand; none for those that have no row."""
    rows = yield Question(SQL["producer/ends"], {"ids": ids})
    return [JobEnd(*row) for row in rows]


def expect(ids: list[str]) -> Asking[int]:
    """Ask workers to tell the ends of jobs: ids with commas between, each text less than 8,000 bytes."""
    ((asked,),) = yield Question(SQL["producer/expect"], {"ids": ids})
    return int(asked)
