"""A job with all that came of it: looked at, cancelled, or run again as far as it failed.

In: a link and an id. Out: the jobs of the tree in the order of reading, and answers to changes. Called by
every face.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from rowcrew.admin import looks
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


class Family(NamedTuple):
    """What a look at a job's family has found.

    Attributes:
        members: from the oldest ancestor on, each below its parent, else below what it waits for.
        is_whole: whether there are no further ones, but for those beyond the limit.
    """

    members: list[PlacedJob]
    is_whole: bool


async def tree(link: Link, id: int, *, limit: int, reach: int | None = None) -> Family | None:
    """A job's family from its oldest ancestor on, at most so many; None when there is no such job.

    Args:
        reach: members are looked for among so many ids behind each that is known, which takes as long however
            many jobs there are; None = among all that are younger than the oldest.
    """
    path = await operator.ancestors(link, id)
    if not path:
        return None
    if reach is None:
        edges, is_whole = await _edges(link, after=path[0]), True
    else:
        edges, is_whole = await _near_edges(link, path, reach=reach, enough=limit)
    placed = places(path[0], edges)[:limit]
    jobs = {job.id: job for job in await operator.tree_jobs(link, [place.id for place in placed])}
    return Family([PlacedJob(place, jobs[place.id]) for place in placed if place.id in jobs], is_whole)


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
        ids = sorted(descendants(id, await _edges(link, after=id)))
        jobs = await operator.tree_jobs(link, ids)
        due = [job.id for job in jobs if job.status in wanted and job.id not in answers]
        if not due:
            break
        answers |= {answer.id: answer for answer in await change_jobs(link, change, due)}
        if change == "requeue":  # what runs again may fail again, and have children
            break
    return list(answers.values())


async def _edges(link: Link, *, after: int, until: int | None = None) -> list[Edges]:
    """From the jobs behind an id, up to another, to older ones; None = to the newest."""
    edges: list[Edges] = []
    while batch := await operator.links(link, after=after, until=until, limit=_BATCH):
        edges += batch
        after = batch[-1].id
        if len(batch) < _BATCH:
            break
    return edges


async def _near_edges(
    link: Link, path: Sequence[int], *, reach: int, enough: int
) -> tuple[list[Edges], bool]:
    """The same near the ancestors and what is found so, until there are enough; and whether that is all."""
    ancestors = await operator.tree_jobs(link, path)
    edges = {job.id: Edges(job.id, job.parent_id, job.waits_for) for job in ancestors}
    members, seen_to, has_gaps = set(path), path[0], False
    while len(members) < enough:
        until = max(id for id in members if id <= seen_to) + reach
        if until <= seen_to:  # all is seen behind those: go on at the next ancestor, if there is one
            next_ancestor = min((id for id in path if id > seen_to), default=None)
            if next_ancestor is None:
                break
            seen_to, until, has_gaps = next_ancestor, next_ancestor + reach, True
        edges |= {one.id: one for one in await _edges(link, after=seen_to, until=until)}
        seen_to = until
        members |= descendants(path[0], edges.values())
    newest = await looks.newest(link)
    return list(edges.values()), not has_gaps and (newest is None or newest <= seen_to)
