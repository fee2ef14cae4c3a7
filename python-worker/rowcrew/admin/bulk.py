"""Changes of many jobs, from the newest down: how many there are, and one part after the other.

In: a change, a search and the id above which nothing counts. Out: numbers and ids; each statement is bounded,
however large the table is. Called by the web.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

import msgspec

from rowcrew.admin import looks
from rowcrew.admin.jobs import CHANGEABLE, Change, change_jobs
from rowcrew.admin.search import spelled
from rowcrew.model.status import Status
from rowcrew.table import operator
from rowcrew.table.link import Link
from rowcrew.table.looks import Search

BulkChange = Change | Literal["edit"]

MOST_COUNTED: Final = 10_000
_PART: Final = 1_000
_COUNT_SECONDS: Final = 1.5


class Edit(NamedTuple):
    """How soon queued jobs run beside others, and when; None = that stays."""

    priority: int | None
    run_at: datetime | None


class Counted(msgspec.Struct, frozen=True, rename="camel"):
    """How many jobs a change would take.

    Attributes:
        more: there may be more: counting ended at 10,000, or after a second.
        to_id: the highest id that counts; null when there is no job at all.
    """

    jobs: int
    more: bool
    to_id: int | None


class Part(NamedTuple):
    """Some of the jobs; the next part lies below `before`, which is None when there is none."""

    ids: list[int]
    before: int | None


def takes(change: BulkChange) -> tuple[Status, ...]:
    """The statuses of jobs that a change takes."""
    return ("queued",) if change == "edit" else CHANGEABLE[change]


def narrowed(change: BulkChange, search: Search) -> Search | None:
    """The search for those jobs alone that the change takes; None when there can be none."""
    wanted = search.statuses or takes(change)
    statuses = tuple(one for one in wanted if one in takes(change))
    return msgspec.structs.replace(search, statuses=statuses) if statuses else None


def told(change: BulkChange, search: Search, to_id: int, edit: Edit | None) -> dict[str, Any]:
    """What the event of a bulk change says of it: not the texts, which stand in payloads."""
    q = spelled(msgspec.structs.replace(search, texts=None))
    tells = {"change": change, "q": q, "texts": len(search.texts or ()), "toId": to_id}
    return tells if edit is None else tells | {"priority": edit.priority, "runAt": edit.run_at}


async def count(link: Link, change: BulkChange, search: Search) -> Counted:
    """How many there are now; later ones do not count when the answer's `to_id` is given to the change."""
    to_id = await looks.newest(link)
    began, jobs = time.monotonic(), 0
    before = None if to_id is None else to_id + 1
    while before is not None and jobs < MOST_COUNTED and time.monotonic() - began < _COUNT_SECONDS:
        found = await part(link, change, search, before=before)
        jobs, before = jobs + len(found.ids), found.before
    return Counted(min(jobs, MOST_COUNTED), before is not None, to_id)


async def part(link: Link, change: BulkChange, search: Search, *, before: int) -> Part:
    """The next thousand that the change takes, or as many as there are in the next 200,000 ids."""
    wanted = narrowed(change, search)
    if wanted is None:
        return Part([], None)
    return Part(*await looks.ids(link, wanted, before=before, limit=_PART))


async def carry_out(link: Link, change: BulkChange, ids: Sequence[int], edit: Edit | None = None) -> int:
    """How many of them have changed; `edit` says how where the change is one."""
    if change == "edit":
        assert edit is not None
        return len(await operator.edit_job(link, ids, priority=edit.priority, run_at=edit.run_at))
    return sum(answer.changed for answer in await change_jobs(link, change, ids))
