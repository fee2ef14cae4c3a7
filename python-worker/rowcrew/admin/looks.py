"""What a screen or a page of a list shows: bounded looks at a table of any size.

In: a link. Out: rows, and pages of jobs with the place where the next begins. Called by the monitor.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from rowcrew.model.standing import QueueLook
from rowcrew.model.status import Status
from rowcrew.table import looks, stats
from rowcrew.table.link import Link
from rowcrew.table.looks import PagedJob
from rowcrew.table.rows import ReasonCount

LOOKED_THROUGH: Final = 200_000
"""Ids that one page looks through at most, however few jobs it finds."""

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


async def now(link: Link) -> datetime:
    """The moment by the database's clock."""
    return await stats.moment(link)
