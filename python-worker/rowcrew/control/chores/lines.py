"""Deletes what was said by jobs that are no more: deleted by hand, or gone before their last words came.

Pruning deletes the lines of its jobs itself. Each minute another stretch of the table, in turn.
"""

from __future__ import annotations

from rowcrew.control.chores.chore import EVERY_MINUTE
from rowcrew.control.chores.prune import IDLE_BATCHES
from rowcrew.control.chores.walk import walk
from rowcrew.table import job_lines as table
from rowcrew.table.link import Link


class SweepLines:
    """The chore that leaves no lines without a job."""

    name = "sweep lines"
    period_seconds = EVERY_MINUTE
    jitter_seconds = EVERY_MINUTE

    def __init__(self, *, link: Link) -> None:
        self._link = link
        self._place = 0

    async def once(self) -> None:
        _, self._place = await walk(self._step, self._place, start=0, idle_batches=IDLE_BATCHES)

    async def _step(self, after: int, batch: int) -> tuple[int | None, int]:
        return await table.sweep_lines(self._link, after=after, batch=batch)
