"""A job with all that came of it: looked at, cancelled, or run again as far as it failed.

In: a link and an id. Out: the jobs of the tree in the order of reading, and answers to changes. Called by
every face.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from rowcrew.admin.jobs import CHANGEABLE, Answer, change_jobs
from rowcrew.model.status import Status
from rowcrew.model.tree import Edges, Place, descendants, places
from rowcrew.table import operator
from rowcrew.table.link import Link
from rowcrew.table.rows import TreeAttempt, TreeJob

_BATCH: Final = 10_000
# Children that were enqueued while the tree was read are younger than what was seen.
_ROUNDS: Final = 5


class PlacedJob(NamedTuple):
    """A job and where it stands in its tree."""

    place: Place
    job: TreeJob


async def tree(link: Link, id: int, *, limit: int) -> list[PlacedJob] | None:
    """A job's whole family from its oldest ancestor on, at most so many; None when there is no such job."""
    root = await operator.oldest_ancestor(link, id)
    if root is None:
        return None
    placed = places(root, await _edges(link, root))[:limit]
    jobs = {job.id: job for job in await operator.tree_jobs(link, [place.id for place in placed])}
    return [PlacedJob(place, jobs[place.id]) for place in placed if place.id in jobs]


async def attempts(link: Link, placed: Sequence[PlacedJob]) -> list[TreeAttempt]:
    """The attempts of these jobs that did not complete, oldest first."""
    return await operator.tree_attempts(link, [one.job.id for one in placed if one.job.attempts])


async def change_tree(
    link: Link, change: Literal["cancel", "requeue"], id: int, *, statuses: tuple[Status, ...] | None = None
) -> list[Answer]:
    """Change a job and all that came of it, as far as it takes the change; the answers of those.

    What failed and what failed with it are requeued in one statement, so that nobody looks at a waiter before
    the job it waits for is live again.

    Args:
        statuses: only those that have one of these.
    """
    wanted = statuses or CHANGEABLE[change]
    answers: dict[int, Answer] = {}
    for _ in range(_ROUNDS):
        ids = sorted(descendants(id, await _edges(link, id)))
        jobs = await operator.tree_jobs(link, ids)
        due = [job.id for job in jobs if job.status in wanted and job.id not in answers]
        if not due:
            break
        answers |= {answer.id: answer for answer in await change_jobs(link, change, due)}
        if change == "requeue":  # what runs again may fail again, and have children
            break
    return list(answers.values())


async def _edges(link: Link, root: int) -> list[Edges]:
    """From the jobs younger than the root to older ones."""
    edges: list[Edges] = []
    after = root
    while batch := await operator.links(link, after=after, limit=_BATCH):
        edges += batch
        after = batch[-1].id
        if len(batch) < _BATCH:
            break
    return edges
