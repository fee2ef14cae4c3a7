"""What workers have cost and what a backlog will, for every face. Reads no ended job.

In: a link. Out: figures of `model/cost.py`. Called by the command line.
"""

from __future__ import annotations

from typing import Final

from rowcrew.model.cost import DAY_SECONDS, Expense, Spent, Waiting
from rowcrew.table import operator
from rowcrew.table.link import Link
from rowcrew.table.retention import WORKERS_KEPT_DAYS

KEPT_DAYS: Final = WORKERS_KEPT_DAYS
"""How far back the rows of workers go that have left."""


async def spent(link: Link, *, days: float) -> Expense:
    """What the workers did within these days, the most expensive first; jobs as workers have counted them."""
    seconds = days * DAY_SECONDS
    first = await operator.first_worker(link, seconds=seconds)
    lived = {one.queue: one for one in await operator.worker_seconds(link, seconds=seconds)}
    ran: dict[str | None, float] = {}
    for runs in await operator.count_runs(link, seconds=round(seconds)):
        ran[runs.queue] = ran.get(runs.queue, 0.0) + runs.run_seconds
    found = [
        Spent(
            queue,
            lived[queue].workers if queue in lived else 0,
            lived[queue].worker_seconds if queue in lived else 0.0,
            ran.get(queue, 0.0),
        )
        for queue in lived.keys() | ran.keys()
    ]
    found.sort(key=lambda one: (-one.worker_seconds, -one.job_seconds, one.queue or ""))
    if first is None:
        return Expense(found, None, days)
    return Expense(found, first.since, first.seconds / DAY_SECONDS)


async def waiting(link: Link, *, queue: str | None = None) -> list[Waiting]:
    """The jobs that are left, with what a completed run of their type has taken; None = of any queue."""
    means: dict[str, tuple[int, float]] = {}
    for runs in await operator.count_runs(link, seconds=KEPT_DAYS * DAY_SECONDS):
        if runs.outcome == "completed":
            count, seconds = means.get(runs.type, (0, 0.0))
            means[runs.type] = count + runs.count, seconds + runs.run_seconds
    return [
        Waiting(one.queue, one.type, one.jobs, means[one.type][1] / means[one.type][0])
        if one.type in means
        else Waiting(one.queue, one.type, one.jobs, None)
        for one in await operator.count_live(link, queue=queue)
    ]
