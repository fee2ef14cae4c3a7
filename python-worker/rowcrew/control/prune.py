"""Deletes ended jobs whose retention, or their queue's, has passed, in small batches that block nobody.

With a job go its attempts.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from typing import Any, Final

import psycopg

from rowcrew.log import Log
from rowcrew.settings import Settings
from rowcrew.table import worker as table
from rowcrew.table.link import Link, reason
from rowcrew.table.statements import SQL
from rowcrew.table.worker import CHORE_SECONDS

EVERY_SECONDS: Final = 60.0
BATCH: Final = 2_000
IDLE_BATCHES: Final = 10
_BREATH_SECONDS: Final = 0.05


class Prune:
    """Walks the table by primary key, so that no index is needed for it."""

    def __init__(
        self, *, link: Link, settings: Settings, log: Log, queue_limits: Callable[[Mapping[str, float]], None]
    ) -> None:
        self._link = link
        self._settings = settings
        self._log = log
        self._queue_limits = queue_limits

    async def run(self) -> None:
        """Each minute the oldest rows, where most has to go, and a stretch of the others in turn.

        From a random moment of the first minute: workers that start together take turns, and a worker that
        starts because jobs wait does not begin with this.
        """
        place = 0
        await asyncio.sleep(random.uniform(0.0, EVERY_SECONDS))  # noqa: S311 - jitter
        while True:
            try:
                await self.read_queues()
                deleted, came_to = await self._walk_jobs(0, idle_batches=IDLE_BATCHES)
                if came_to:  # not the end of the table
                    more, place = await self._walk_jobs(max(place, came_to), idle_batches=IDLE_BATCHES)
                    deleted += more
                deleted += await self._beyond_count()
                if deleted:
                    self._log.event("prune.done", deleted=deleted)
                await table.prune_workers(self._link)
            except psycopg.Error as error:
                self._log.event("prune.failed", reason=reason(error))
            await asyncio.sleep(EVERY_SECONDS)

    async def read_queues(self) -> None:
        self._queue_limits(dict(await table.queue_limits(self._link)))

    async def once(self) -> int:
        """Walk the whole table; how many jobs were deleted."""
        deleted, _ = await self._walk_jobs(0, idle_batches=None)
        deleted += await self._beyond_count()
        await table.prune_workers(self._link)
        return deleted

    async def _walk_jobs(self, after: int, *, idle_batches: int | None) -> tuple[int, int]:
        """From the row after this id to the end, or until so many batches in a row had nothing to delete.

        Answers how many jobs were deleted, and the id to go on from: 0 after the end.
        """
        limits = {
            "batch": BATCH,
            "keep_completed": self._settings.keep_completed_seconds,
            "keep_failed": self._settings.keep_failed_seconds,
        }
        deleted, idle = 0, 0
        while idle_batches is None or idle < idle_batches:
            parameters: dict[str, Any] = {"after": after, **limits}
            ((came_to, gone),) = await self._link.fetch(SQL["worker/prune"], parameters, CHORE_SECONDS)
            if came_to is None:
                return deleted, 0
            deleted, after = deleted + gone, came_to
            idle = 0 if gone else idle + 1
            await asyncio.sleep(_BREATH_SECONDS)
        return deleted, after

    async def _beyond_count(self) -> int:
        deleted = 0
        while gone := await table.prune_by_count(self._link, BATCH):
            deleted += gone
        return deleted
