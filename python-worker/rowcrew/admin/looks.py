"""What a screen or a page of a list shows: bounded looks at a table of any size.

In: a link. Out: rows, and pages of jobs with the place where the next begins. Called by the monitor and by
the web.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

import msgspec
import psycopg

from rowcrew.model.standing import QueueLook
from rowcrew.table import looks, operator, stats
from rowcrew.table.link import Link
from rowcrew.table.looks import Departure, EndedRuns, HeldJob, Launch, PagedJob, Search, SeenError
from rowcrew.table.rows import ReasonCount

LOOKED_THROUGH: Final = 200_000
"""Ids that one page looks through at most, however few jobs it finds."""

READ_THROUGH: Final = 100_000
"""The same where each payload is read for a text."""

_READ_SECONDS: Final = 1.5
# Payloads may be large: it begins with few, and takes more at a time while that is quick.
_FIRST_READ: Final = 500
_MOST_READ: Final = 25_000
_QUICK_SECONDS: Final = 0.2
_READ_OF_BULK: Final = 5_000

_LARGEST_ID: Final = 2**63 - 1


class Page(msgspec.Struct, frozen=True):
    """Jobs, newest first.

    Attributes:
        before: the next page has the jobs with lower ids; None when there are none.
        looked_through: how many ids.
        is_cut: whether the time was up before that was enough.
    """

    jobs: list[PagedJob]
    before: int | None
    looked_through: int = 0
    is_cut: bool = False


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
    if search.texts:
        return await _page_of_texts(link, search, top=top, limit=limit)
    bottom = top - LOOKED_THROUGH + 1
    found = await looks.list_page(link, search, top=top, bottom=bottom, limit=limit)
    before = await _next(link, [job.id for job in found], bottom=bottom, limit=limit)
    return Page(found, before, LOOKED_THROUGH)


async def _page_of_texts(link: Link, search: Search, *, top: int, limit: int) -> Page:
    """The same, reading payloads: some at a time, until there are enough or the time is up."""
    found: list[PagedJob] = []
    began, bottom, at_once = time.monotonic(), top + 1, _FIRST_READ
    while len(found) < limit and bottom > 1 and top - bottom + 1 < READ_THROUGH:
        step = time.monotonic()
        lowest = max(1, bottom - at_once)
        try:
            found += await looks.list_page(
                link, search, top=bottom - 1, bottom=lowest, limit=limit - len(found)
            )
        except psycopg.errors.QueryCanceled:
            if bottom > top:
                raise
            return Page(found, bottom, top - bottom + 1, is_cut=True)
        bottom = lowest
        if time.monotonic() - began >= _READ_SECONDS and len(found) < limit and bottom > 1:
            return Page(found, bottom, top - bottom + 1, is_cut=True)
        if time.monotonic() - step < _QUICK_SECONDS:
            at_once = min(_MOST_READ, 4 * at_once)
    before = await _next(link, [job.id for job in found], bottom=bottom, limit=limit)
    return Page(found, before, top - bottom + 1)


async def ids(link: Link, search: Search, *, before: int, limit: int) -> tuple[list[int], int | None]:
    """The ids of such a page, and where the next begins."""
    top = await looks.newest_id(link, top=before - 1)
    if top is None:
        return [], None
    bottom = top - (_READ_OF_BULK if search.texts else LOOKED_THROUGH) + 1
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
