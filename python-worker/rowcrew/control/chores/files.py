"""Deletes files of jobs in `blobs` whose time has passed, whether or not the job has a row.

If no time is set they stay, and `blobs` is not asked at all.
"""

from __future__ import annotations

from typing import Final

from rowcrew.control.chores.chore import EVERY_MINUTE
from rowcrew.control.chores.walk import walk
from rowcrew.settings import Settings
from rowcrew.table.link import Link
from rowcrew.table.statements import SQL
from rowcrew.table.worker import CHORE_SECONDS

FILE_BYTES: Final = 64 * 2**20  # a file's deletion costs by its size


class PruneFiles:
    """The chore that deletes old files, a batch a minute."""

    name = "files"
    period_seconds = EVERY_MINUTE
    jitter_seconds = EVERY_MINUTE

    def __init__(self, *, link: Link, settings: Settings) -> None:
        self._link = link
        self._keep_seconds = settings.keep_files_seconds
        self._place = ""

    async def once(self) -> None:
        self._place = await self._walk(self._place, idle_batches=1)

    async def everything(self) -> None:
        """Walk the whole table."""
        await self._walk("", idle_batches=None)

    async def _walk(self, after: str, *, idle_batches: int | None) -> str:
        if self._keep_seconds is None:
            return ""
        _, came_to = await walk(self._step, after, start="", idle_batches=idle_batches)
        return came_to

    async def _step(self, after: str, batch: int) -> tuple[str | None, int]:
        parameters = {
            "after": after,
            "batch": batch,
            "keep_files": self._keep_seconds,
            "most_bytes": FILE_BYTES,
        }
        ((came_to, gone),) = await self._link.fetch(SQL["files/prune_files"], parameters, CHORE_SECONDS)
        return came_to, gone
