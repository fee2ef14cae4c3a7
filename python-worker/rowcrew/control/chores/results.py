"""Empties the results of completed jobs that were kept for their time; the rows stay, and say when it was.

How long that is a type says, else its queue, else JOB_RESULT_TTL; where none of them does, nothing is read.
Each minute it goes on where it last found something, and through a stretch of the other rows in turn.
`rowcrew prune` walks the whole table at once.
"""

from __future__ import annotations

import psycopg

from rowcrew.control.chores.chore import EVERY_MINUTE
from rowcrew.control.chores.prune import IDLE_BATCHES
from rowcrew.control.chores.walk import past_odd, walk
from rowcrew.log import Log
from rowcrew.table import retention as table
from rowcrew.table.link import Link, reason


class EmptyResults:
    """The chore that keeps results no longer than somebody wants them."""

    name = "results"
    period_seconds = EVERY_MINUTE
    jitter_seconds = EVERY_MINUTE

    def __init__(self, *, link: Link, keep_seconds: int | None, log: Log) -> None:
        self._link = link
        self._keep_seconds = keep_seconds
        self._log = log
        self._front = 0
        self._place = 0

    async def once(self) -> None:
        if not await self._is_wanted():
            return
        emptied, _ = await self._walk(self._front, idle_batches=IDLE_BATCHES)
        more, self._place = await self._walk(self._place, idle_batches=IDLE_BATCHES)
        if emptied + more:
            self._log.event("results.emptied", emptied=emptied + more)

    async def everything(self) -> int:
        """Walk the whole table; how many results were emptied."""
        if not await self._is_wanted():
            return 0
        emptied, _ = await self._walk(0, idle_batches=None)
        return emptied

    async def _is_wanted(self) -> bool:
        return self._keep_seconds is not None or await table.results_expire(self._link)

    async def _walk(self, after: int, *, idle_batches: int | None) -> tuple[int, int]:
        return await walk(self._step, after, start=0, idle_batches=idle_batches)

    async def _step(self, after: int, batch: int) -> tuple[int | None, int]:
        came_to, emptied = await past_odd(self._empty, self._pass_over, after, batch)
        if emptied:
            self._front = max(self._front, after)
        return came_to, emptied

    async def _empty(self, after: int, batch: int) -> tuple[int | None, int]:
        return await table.empty_results(self._link, after=after, batch=batch, keep_result=self._keep_seconds)

    async def _pass_over(self, after: int, error: psycopg.Error) -> tuple[int | None, int]:
        came_to = await table.next_job(self._link, after)
        self._log.event("results.odd", job_id=came_to, reason=reason(error))
        return came_to, 0
