"""Jobs as an operator handles them: list, show, cancel, requeue, delete, and why one waits.

In: a link, ids, filters. Out: rows and answers, one for each id. Called by every face.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec
import psycopg

from rowcrew.model.errors import RowcrewError
from rowcrew.model.status import ENDED, LIVE, Status
from rowcrew.model.why import JobFacts, Reason, reasons
from rowcrew.table import operator, worker
from rowcrew.table.compatibility import hidden
from rowcrew.table.link import Link
from rowcrew.table.rows import Attempt, JobCount, ListedJob, Said, Standing, WholeJob

Change = Literal["cancel", "requeue", "delete"]

CHANGEABLE: Final[Mapping[Change, tuple[Status, ...]]] = {
    "cancel": LIVE,
    "requeue": ENDED,
    "delete": ENDED,
}
"""The statuses of jobs that a change takes."""

_BATCH: Final = 1_000

_CONFLICT_ROUNDS: Final = 20


class Answer(msgspec.Struct, frozen=True, rename="camel"):
    """How one job stands after a change was asked for, and whether this change was the cause.

    Attributes:
        status: None when there is no such job.
        live_id: the other live job with the same type and unique key.
    """

    id: int
    status: Status | None
    live_id: int | None
    changed: bool


class Filter(msgspec.Struct, frozen=True):
    """Which jobs a change is for; None = any."""

    statuses: tuple[Status, ...]
    types: tuple[str, ...] | None = None
    queues: tuple[str, ...] | None = None


class ShownJob(msgspec.Struct, frozen=True):
    """A job with every column, and its attempts that did not complete."""

    job: WholeJob
    attempts: list[Attempt]


class Explained(msgspec.Struct, frozen=True):
    """What is known of a job, and why it is where it is."""

    job: JobFacts
    reasons: list[Reason]


async def list_jobs(
    link: Link,
    *,
    statuses: Sequence[Status] | None = None,
    types: Sequence[str] | None = None,
    queues: Sequence[str] | None = None,
    limit: int = 20,
) -> list[ListedJob]:
    """The newest jobs, newest first; None = any."""
    return await operator.list_jobs(link, statuses=statuses, types=types, queues=queues, limit=limit)


async def show_job(link: Link, id: int) -> ShownJob | None:
    """None when there is no such job."""
    job = await operator.show_job(link, id)
    return None if job is None else ShownJob(job, await operator.show_attempts(link, id))


async def job_lines(link: Link, id: int, after: int = 0) -> list[Said] | None:
    """What the job has said after a row, oldest first; None when there is no such job."""
    said = await operator.job_lines(link, id, after)
    return said or (said if await operator.job_standing(link, [id]) else None)


async def has_ended(link: Link, id: int) -> bool:
    """Whether the job has ended, or is gone."""
    return all(row.status in ENDED for row in await operator.job_standing(link, [id]))


async def change_jobs(link: Link, change: Change, ids: Sequence[int]) -> list[Answer]:
    """Cancel, requeue or delete jobs; one answer for each id, in the order given.

    Raises:
        RowcrewError: producers keep retaking the unique keys of these jobs.
    """
    changed = set(await _changed(link, change, ids))
    standing = {row.id: row for row in await operator.job_standing(link, ids)}
    return [_answer(id, standing.get(id), id in changed) for id in dict.fromkeys(ids)]


async def edit_job(
    link: Link,
    id: int,
    *,
    priority: int | None = None,
    run_at: datetime | None = None,
    seen: datetime | None = None,
) -> bool:
    """Change when a queued job runs. False where it is not queued, or was changed since `seen`."""
    return bool(await operator.edit_job(link, [id], priority=priority, run_at=run_at, seen=seen))


async def count_jobs(link: Link, filter: Filter) -> list[JobCount]:
    """How many jobs match, by type and status; the largest number first."""
    return await operator.count_jobs(link, **msgspec.structs.asdict(filter))


async def change_matching(link: Link, change: Change, filter: Filter, at: datetime) -> int:
    """Change the jobs that matched at the moment of a count, a thousand in a transaction; how many changed.

    Raises:
        RowcrewError: producers keep retaking the unique keys of these jobs.
    """
    changed, after = 0, 0
    criteria = msgspec.structs.asdict(filter)
    while ids := await operator.match_jobs(link, **criteria, at=at, after=after, limit=_BATCH):
        changed += len(await _changed(link, change, ids))
        after = ids[-1]
    return changed


async def why(link: Link, id: int) -> Explained | None:
    """Why the job is where it is; None when there is no such job."""
    job = await operator.job_facts(link, id)
    if job is None:
        return None
    [service] = await operator.service(link, queues=[job.queue], types=[job.type])
    ready = job.status == "queued" and job.due_in_seconds <= 0
    held_back = await operator.held_back(link, queue=job.queue, key=job.concurrency_key) if ready else []
    return Explained(job, reasons(job, service, held_back))


async def unseen(link: Link, id: int) -> str:
    """Why there is no such job for this role, as a sentence."""
    found = await worker.hidden_tables(link)
    for one in found:
        if one.table == "jobs" and not one.open:
            return ": ".join(hidden(["jobs"], one.role))
        if one.table == "jobs":
            return f"there is no job {id} among those that row level security shows the role {one.role}"
    return f"there is no job {id}; workers delete ended jobs after some time"


async def _changed(link: Link, change: Change, ids: Sequence[int]) -> list[int]:
    match change:
        case "cancel":
            return await operator.cancel_job(link, ids)
        case "delete":
            return await operator.delete_job(link, ids)
    for _ in range(_CONFLICT_ROUNDS):
        try:
            return await operator.requeue_job(link, ids)
        except psycopg.errors.UniqueViolation:  # somebody has enqueued the key meanwhile: look again
            continue
    raise RowcrewError("producers keep retaking these jobs' unique keys: requeue the jobs one by one")


def _answer(id: int, standing: Standing | None, changed: bool) -> Answer:
    if standing is None:
        return Answer(id, None, None, changed)
    return Answer(id, standing.status, standing.live_id, changed)
