"""What goes when its time has passed: a function for each statement in `sql/retention/`, by its name.

In: a link, and how long is kept. Out: how far a walk came, and what went. Called by the chores that prune.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from rowcrew.table.link import CHORE_SECONDS, Link
from rowcrew.table.statements import SQL

WORKERS_KEPT_DAYS: Final = 7


class Walked(NamedTuple):
    """How a walk over a stretch of rows went; `came_to` is None when there was no row left."""

    came_to: int | None
    deleted: int


class Emptied(NamedTuple):
    """Where a walk came to, None after the end, and how many results it emptied."""

    came_to: int | None
    emptied: int


async def prune(link: Link, *, after: int, batch: int, keep_completed: float, keep_failed: float) -> Walked:
    """Look at the next `batch` rows after this id; the last two in seconds."""
    parameters = {
        "after": after,
        "batch": batch,
        "keep_completed": keep_completed,
        "keep_failed": keep_failed,
    }
    (row,) = await link.fetch(SQL["retention/prune"], parameters, CHORE_SECONDS)
    return Walked(*row)


async def empty_results(link: Link, *, after: int, batch: int, keep_result: float | None) -> Emptied:
    """Look at the next `batch` rows after this id; the last in seconds, None = for ever."""
    parameters = {"after": after, "batch": batch, "keep_result": keep_result}
    (row,) = await link.fetch(SQL["retention/empty_results"], parameters, CHORE_SECONDS)
    return Emptied(*row)


async def results_expire(link: Link) -> bool:
    ((expire,),) = await link.fetch(SQL["retention/results_expire"], {}, CHORE_SECONDS)
    return bool(expire)


async def next_job(link: Link, after: int) -> int | None:
    ((id,),) = await link.fetch(SQL["retention/next_job"], {"after": after}, CHORE_SECONDS)
    return None if id is None else int(id)


async def beyond_count(link: Link, *, batch: int, besides: Sequence[int]) -> list[int]:
    """At most a batch of ids, without those of `besides`."""
    parameters = {"batch": batch, "besides": list(besides)}
    return [id for (id,) in await link.fetch(SQL["retention/beyond_count"], parameters, CHORE_SECONDS)]


async def prune_by_count(link: Link, *, only: Sequence[int]) -> int:
    """How many were deleted."""
    ((deleted,),) = await link.fetch(SQL["retention/prune_by_count"], {"only": list(only)}, CHORE_SECONDS)
    return int(deleted)


async def prune_workers(link: Link) -> None:
    await link.fetch(SQL["retention/prune_workers"], {"days": WORKERS_KEPT_DAYS}, CHORE_SECONDS)


async def prune_aside(link: Link) -> None:
    await link.fetch(SQL["retention/prune_aside"], {}, CHORE_SECONDS)
