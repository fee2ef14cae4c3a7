"""When each job of a workflow waited and ran, as bars on one axis.

In: the jobs of a family, their attempts that did not complete, the database's clock. Out: bars with their
places. Called by the page of a workflow.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from rowcrew.admin.tree import PlacedJob
from rowcrew.table.rows import TreeAttempt, TreeJob
from rowcrew.web.pages.shapes import Axis, Mark, marks


class Bar(NamedTuple):
    """A stretch of a lane: how it looks, its place in per cent, and what it is in words."""

    look: str
    x: float
    width: float
    title: str


class Gantt(NamedTuple):
    """A lane for each job, by its id, the marks of their axis, and where the present is."""

    lanes: dict[int, list[Bar]]
    ticks: list[Mark]
    now: float | None


def gantt(family: Sequence[PlacedJob], attempts: Sequence[TreeAttempt], now: datetime) -> Gantt:
    """The axis goes from the first insert to the last end, or to the present while something is open."""
    jobs = [placed.job for placed in family]
    is_open = any(job.finished_at is None for job in jobs)
    ends = [job.finished_at for job in jobs if job.finished_at is not None]
    last = now if is_open else max(ends, default=now)
    axis = Axis(min(job.created_at for job in jobs), last)
    by_job: defaultdict[int, list[TreeAttempt]] = defaultdict(list)
    for attempt in attempts:
        by_job[attempt.job_id].append(attempt)
    lanes = {job.id: list(_lane(axis, job, by_job[job.id], now)) for job in jobs}
    return Gantt(lanes, marks(axis), axis.at(now) if is_open else None)


def _lane(axis: Axis, job: TreeJob, attempts: Sequence[TreeAttempt], now: datetime) -> Iterator[Bar]:
    """What it waited is hollow, what ran is filled; what ran in vain is red."""
    free_since = job.created_at
    for attempt in attempts:
        began = attempt.started_at or attempt.finished_at
        yield from _bar(axis, "wait", free_since, began, "waited")
        look = "dead" if attempt.outcome in ("failed", "lost", "retried") else "done"
        yield from _bar(
            axis, look, began, attempt.finished_at, f"attempt {attempt.attempt} {attempt.outcome}"
        )
        free_since = attempt.finished_at
    if job.status == "queued":
        yield from _bar(axis, "wait", free_since, now, "waits")
    elif job.started_at is not None and job.started_at >= free_since:
        yield from _bar(axis, "wait", free_since, job.started_at, "waited")
        look = {"processing": "run", "failed": "dead"}.get(job.status, "done")
        yield from _bar(axis, look, job.started_at, job.finished_at or now, job.status)


def _bar(axis: Axis, look: str, begin: datetime, end: datetime, title: str) -> Iterator[Bar]:
    if end > begin:
        yield Bar(look, axis.at(begin), axis.width(begin, end), title)
