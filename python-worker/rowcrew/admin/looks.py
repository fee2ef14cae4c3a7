"""What a screen or a page of a list shows: bounded looks at a table of any size.

In: a link. Out: rows, and pages of jobs with the place where the next begins. Called by the monitor and by
the web.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from rowcrew.model.standing import QueueLook
from rowcrew.table import looks, operator, stats
from rowcrew.table.link import Link
from rowcrew.table.looks import Departure, EndedRuns, HeldJob, Launch, PagedJob, Search, SeenError
from rowcrew.table.rows import ReasonCount

LOOKED_THROUGH: Final = 200_000
"""Ids that one page looks through at most, however few jobs it finds."""

_LARGEST_ID: Final = 2**63 - 1


class Page(msgspec.Struct, frozen=True):
    """Jobs, newest first.

    Attributes:
        before: the next page has the jobs with lower ids; None when there are none.
    """

    jobs: list[PagedJob]
    before: int | None


class Changes(NamedTuple):
    """What has happened since a moment."""

    runs: Sequence[EndedRuns]
    departures: Sequence[Departure]
    launches: Sequence[Launch]


async def page(link: Link, search: Search, *, before: int | None, limit: int) -> Page:
    """The newest jobs with ids below `before` (None = all), as many as `limit`.

    It looks through LOOKED_THROUGH ids, and may find fewer jobs than there are further down.
    """
    top = await looks.newest_id(link, top=_LARGEST_ID if before is None else before - 1)
    if top is None:
        return Page([], None)
    bottom = top - LOOKED_THROUGH + 1
    found = await looks.list_page(link, search, top=top, bottom=bottom, limit=limit)
    return Page(found, await _next(link, [job.id for job in found], bottom=bottom, limit=limit))


async def ids(link: Link, search: Search, *, before: int, limit: int) -> tuple[list[int], int | None]:
    """The ids of such a page, and where the next begins."""
    top = await looks.newest_id(link, top=before - 1)
    if top is None:
        return [], None
    bottom = top - LOOKED_THROUGH + 1
    found = await looks.list_ids(link, search, top=top, bottom=bottom, limit=limit)
    return found, await _next(link, found, bottom=bottom, limit=limit)


async def _next(link: Link, found: Sequence[int], *, bottom: int, limit: int) -> int | None:
    lowest = found[-1] if len(found) == limit else bottom
    return None if await looks.newest_id(link, top=lowest - 1) is None else lowest


async def newest(link: Link) -> int | None:
    """The highest id of all jobs; None when there is none."""
    return await looks.newest_id(link, top=_LARGEST_ID)


async def queues(link: Link) -> list[QueueLook]:
    """How the queues stand. Reads no ended job."""
    return await looks.look_at_queues(link)


async def reasons(link: Link) -> list[ReasonCount]:
    """Why jobs are not running: of the first thousand jobs of each queue, the largest crowd first."""
    return sorted(await looks.look_at_reasons(link), key=lambda one: -one.jobs)


async def runs_within(link: Link, seconds: float) -> int:
    """How many runs ended within the last seconds, as far as workers have written it: once a minute."""
    return sum(one.count for one in await operator.count_runs(link, seconds=round(seconds)))


async def since(link: Link, moment: datetime) -> Changes:
    """What workers have counted, minute by minute, which workers have gone, and which were started."""
    return Changes(
        await looks.ended_runs(link, since=moment),
        await looks.departures(link, since=moment),
        await looks.launches(link, since=moment),
    )


async def held_jobs(link: Link) -> list[HeldJob]:
    """The jobs at work, those that run longest first; up to five hundred."""
    return await looks.held_jobs(link)


async def errors(link: Link) -> list[SeenError]:
    """What went wrong among the newest 50,000 jobs, by type and message; what happened last first."""
    return await looks.look_at_errors(link)


async def now(link: Link) -> datetime:
    """The moment by the database's clock."""
    return await stats.moment(link)
