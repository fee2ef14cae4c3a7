"""What a screen, a scrape or a page of a list shows: bounded looks at a table of any size.

In: a link. Out: rows, and pages of jobs with the place where the next begins. Called by the web.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from rowcrew.model.pace import RECENT_SECONDS, RunCount
from rowcrew.model.status import Status
from rowcrew.table import looks, operator, stats
from rowcrew.table.link import Link
from rowcrew.table.looks import Departure, EndedRuns, PagedJob, QueueLook
from rowcrew.table.rows import ListedWorker, ReasonCount

LOOKED_THROUGH: Final = 200_000
"""Ids that one page looks through at most, however few jobs it finds."""

MOST_WORKERS: Final = 200

_LARGEST_ID: Final = 2**63 - 1


class Search(msgspec.Struct, frozen=True):
    """Which jobs a page is of; None = any. A key is a unique key or a concurrency key."""

    statuses: tuple[Status, ...] | None = None
    types: tuple[str, ...] | None = None
    queues: tuple[str, ...] | None = None
    keys: tuple[str, ...] | None = None


class Page(msgspec.Struct, frozen=True):
    """Jobs, newest first.

    Attributes:
        before: the next page has the jobs with lower ids; None when there are none.
    """

    jobs: list[PagedJob]
    before: int | None


class Crew(msgspec.Struct, frozen=True):
    """The workers heard last, and what ended since the one of them that lives longest began.

    Attributes:
        eldest: None while no worker lives.
        processed: runs that ended in its time, as far as workers have written it: they do once a minute.
    """

    workers: list[ListedWorker]
    eldest: ListedWorker | None
    processed: int


async def page(link: Link, search: Search, *, before: int | None, limit: int) -> Page:
    """The newest jobs with ids below `before` (None = all), as many as `limit`.

    It looks through LOOKED_THROUGH ids, and may find fewer jobs than there are further down.
    """
    top = await looks.newest_id(link, top=_LARGEST_ID if before is None else before - 1)
    if top is None:
        return Page([], None)
    bottom = top - LOOKED_THROUGH + 1
    found = await looks.list_page(link, top=top, bottom=bottom, **msgspec.structs.asdict(search), limit=limit)
    lowest = found[-1].id if len(found) == limit else bottom
    is_last = await looks.newest_id(link, top=lowest - 1) is None
    return Page(found, None if is_last else lowest)


async def queues(link: Link) -> list[QueueLook]:
    """How the queues stand. Reads no ended job."""
    return await looks.look_at_queues(link)


async def reasons(link: Link) -> list[ReasonCount]:
    """Why jobs are not running: of the first thousand jobs of each queue, the largest crowd first."""
    return sorted(await looks.look_at_reasons(link), key=lambda one: -one.jobs)


async def crew(link: Link) -> Crew:
    workers = await operator.list_workers(link, limit=MOST_WORKERS)
    living = [worker for worker in workers if worker.state == "live"]
    eldest = max(living, key=lambda worker: worker.up_seconds, default=None)
    if eldest is None:
        return Crew(workers, None, 0)
    counts = await operator.count_runs(link, seconds=round(eldest.up_seconds))
    return Crew(workers, eldest, sum(one.count for one in counts))


async def recent_ends(link: Link) -> list[RunCount]:
    """What ended within the last five minutes, by queue, type and outcome."""
    return await operator.count_runs(link, seconds=RECENT_SECONDS)


async def ended_since(link: Link, moment: datetime) -> tuple[Sequence[EndedRuns], Sequence[Departure]]:
    """What workers have counted, minute by minute, and which workers have gone."""
    return await looks.ended_runs(link, since=moment), await looks.departures(link, since=moment)


async def now(link: Link) -> datetime:
    """The moment by the database's clock."""
    return await stats.moment(link)
