"""Deletes ended jobs whose retention, or their queue's, has passed, and workers that left long ago.

With a job go its attempts. Each minute the oldest rows, where most has to go, and a stretch of the others in
turn. `rowcrew prune` walks the whole table at once.
"""

from __future__ import annotations

import functools
from typing import Final

import psycopg

from rowcrew.control.chores.chore import EVERY_MINUTE
from rowcrew.control.chores.walk import BATCH, past_odd, walk
from rowcrew.control.set_aside import one_by_one
from rowcrew.log import Log
from rowcrew.settings import Settings
from rowcrew.table import events
from rowcrew.table import retention as table
from rowcrew.table.link import Link, reason

IDLE_BATCHES: Final = 10


class Prune:
    """The chore that keeps the table small. A worker that starts because jobs wait does not begin with it."""

    name = "prune"
    period_seconds = EVERY_MINUTE
    jitter_seconds = EVERY_MINUTE

    def __init__(self, *, link: Link, settings: Settings, log: Log) -> None:
        self._link = link
        self._settings = settings
        self._log = log
        self._place = 0

    async def once(self) -> None:
        deleted, came_to = await self._walk(0, idle_batches=IDLE_BATCHES)
        if came_to:  # not the end of the table
            more, self._place = await self._walk(max(self._place, came_to), idle_batches=IDLE_BATCHES)
            deleted += more
        await table.prune_workers(self._link)
        await table.prune_aside(self._link)
        await events.prune_events(self._link, keep=self._settings.keep_events_seconds)
        deleted += await self._beyond_count()
        if deleted:
            self._log.event("prune.done", deleted=deleted)

    async def everything(self) -> int:
        """Walk the whole table; how many jobs were deleted."""
        deleted, _ = await self._walk(0, idle_batches=None)
        deleted += await self._beyond_count()
        await table.prune_workers(self._link)
        while await events.prune_events(self._link, keep=self._settings.keep_events_seconds):
            pass
        return deleted

    async def _walk(self, after: int, *, idle_batches: int | None) -> tuple[int, int]:
        return await walk(self._step, after, start=0, idle_batches=idle_batches)

    async def _step(self, after: int, batch: int) -> tuple[int | None, int]:
        """The next rows; a row that cannot be deleted is passed over, and the others go."""
        return await past_odd(self._prune, self._pass_over, after, batch)

    async def _pass_over(self, after: int, error: psycopg.Error) -> tuple[int | None, int]:
        came_to = await table.next_job(self._link, after)
        self._log.event("prune.odd", job_id=came_to, reason=reason(error))
        return came_to, 0

    async def _prune(self, after: int, batch: int) -> tuple[int | None, int]:
        return await table.prune(
            self._link,
            after=after,
            batch=batch,
            keep_completed=self._settings.keep_completed_seconds,
            keep_failed=self._settings.keep_failed_seconds,
        )

    async def _beyond_count(self) -> int:
        """Jobs that somebody has locked stay until the next round, and so do odd ones."""
        deleted = 0
        odd: list[int] = []

        async def pass_over(id: int, error: Exception) -> None:
            odd.append(id)
            self._log.event("prune.odd", job_id=id, reason=reason(error))

        prune = functools.partial(table.prune_by_count, self._link)
        while ids := await table.beyond_count(self._link, batch=BATCH, besides=odd):
            before = deleted + len(odd)
            async for gone in one_by_one(ids, lambda ids: prune(only=ids), pass_over):
                deleted += gone
            if deleted + len(odd) == before:
                break
        return deleted
