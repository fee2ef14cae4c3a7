"""Records how runs ended: all since the last write in one statement, durable before it is believed.

In: runs and their outcomes from `ending`, stray leases from `heartbeat`. Out: rows, through `writing`, and
what is written to `closing`. A write whose answer got lost is written again: the lease makes that harmless.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from typing import Final

import psycopg
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential

from rowcrew.control.chores.chore import Routine
from rowcrew.control.clock import Clock
from rowcrew.control.outage import Outage
from rowcrew.control.road.backlog import Backlog
from rowcrew.control.road.closing import Closing
from rowcrew.control.road.notes import portions
from rowcrew.control.road.writing import End, Writer, as_failed, size_of
from rowcrew.control.run import Run
from rowcrew.control.set_aside import FIRST_PAUSE_SECONDS, SetAside
from rowcrew.log import Log
from rowcrew.model.catalogue import Catalogue
from rowcrew.model.job import Job
from rowcrew.model.outcome import Completed, Outcome, Recorded
from rowcrew.model.verdict import Verdict, verdict
from rowcrew.table.link import Link, is_outage

LOCKED_PAUSE_SECONDS: Final = 1.0
# In a steady stream of ends one write takes what eight milliseconds brought; the first is written at once.
PACE_SECONDS: Final = 0.008


class Recorder:
    """Group commit of ends, on a connection of its own."""

    def __init__(
        self,
        *,
        link: Link,
        writer: Writer,
        examine: Routine,
        closing: Closing,
        backlog: Backlog,
        set_aside: SetAside,
        catalogue: Catalogue,
        clock: Clock,
        log: Log,
    ) -> None:
        self._writer = writer
        self._examine = examine
        self._closing = closing
        self._backlog = backlog
        self._set_aside = set_aside
        self._catalogue = catalogue
        self._clock = clock
        self._pending: list[End] = []
        self._arrived = asyncio.Event()
        self._flushed = asyncio.Event()
        self._busy = False
        self._locked = 0
        self._outage = Outage(link=link, purpose="record", log=log)

    def take(self, run: Run, outcome: Outcome) -> None:
        """Take a run's end; it is written with all others that come meanwhile."""
        job = run.job
        delay = 0.0 if isinstance(outcome, Completed) else self._backoff_seconds(job)
        decided = verdict(job, outcome, delay)
        seconds = run.seconds(self._clock.now())
        if decided is None:
            if isinstance(outcome, Recorded) and outcome.tells:
                self._examine.wake()
            self._closing.close_recorded(job, seconds)
            return
        size = size_of(decided, run.progress, run.checkpoint)
        self._pending.append(
            End(job.id, job.lease_id, decided, job, run.progress, run.checkpoint, size, seconds)
        )
        if size:
            self._backlog.add(size)
        self._arrived.set()

    def give_back(self, id: int, lease_id: str) -> None:
        """Give back a row that the database says is held here, though nothing here holds it."""
        why = "reserved, but the answer was lost"
        self._add_again([End(id, lease_id, Verdict("queued", "released", error=why, refund=1))])

    async def run(self) -> None:
        """Write whatever has ended, again and again."""
        began = 0.0
        while True:
            await self._arrived.wait()
            await self._clock.sleep(max(0.0, began + PACE_SECONDS - self._clock.now()))
            began = self._clock.now()
            await self.once()

    async def once(self) -> None:
        """Write what has ended by now, however often it takes."""
        self._arrived.clear()
        ends, self._pending = self._pending, []
        self._busy = True
        shares = deque(portions(ends, [end.size for end in ends]))
        ends = []  # what is written is let go share by share
        while shares:
            await self._write_surely(shares.popleft())
        self._busy = False
        self._flushed.set()

    async def flushed(self) -> None:
        """Wait until everything taken so far is written, but for what no row takes."""
        while self._pending or self._busy or self._locked:
            self._flushed.clear()
            await self._flushed.wait()

    def _add_again(self, ends: list[End]) -> None:
        self._pending.extend(ends)
        self._arrived.set()

    def _backoff_seconds(self, job: Job) -> float:
        backoff = self._catalogue.backoff(job.type)
        return backoff.delay(job.attempt, random.random())  # noqa: S311 - jitter

    async def _write_surely(self, ends: list[End]) -> None:
        """Again until it is done: every row is fenced, so writing twice is harmless."""
        async for attempt in AsyncRetrying(
            sleep=self._clock.sleep,
            retry=retry_if_exception(is_outage),
            wait=wait_random_exponential(multiplier=0.1, max=2),
            before_sleep=self._tell_outage,
        ):
            with attempt:
                written = await self._writer.write(ends)
        if self._writer.tells:  # committed by now
            self._writer.tells = False
            self._examine.wake()
        if len(written.locked) < len(ends):  # else the statement that was given up may still hold the rows
            self._outage.passed()
        self._closing.close(written)
        if written.locked:
            self._locked += len(written.locked)
            self._clock.call_later(LOCKED_PAUSE_SECONDS, self._try_locked, written.locked)
        kept = {end.lease_id for end in written.locked} | {end.lease_id for end, _ in written.odd}
        settled = [end for end in ends if end.lease_id not in kept] if kept else ends
        self._backlog.let_go(sum([end.size for end in settled]), (end.lease_id for end in settled))
        for end in written.locked:  # where there is no room aside they count on: nobody fails them for a lock
            self._backlog.put_aside(end.lease_id, end.size)
        for end, error in written.odd:
            await self._put_aside(end, error)

    async def _put_aside(self, end: End, error: Exception) -> None:
        """Where there is no room, the row will be failed as soon as it takes anything."""
        if not self._backlog.put_aside(end.lease_id, end.size):
            self._backlog.add(-end.size)
            end = as_failed(end, error)
        self._clock.call_later(await self._set_aside_for(end, error), self._add_again, [end])

    async def _set_aside_for(self, end: End, error: Exception) -> float:
        """For how many seconds; its slot is free, and nothing waits for it."""
        try:
            return await self._set_aside.held(end.id, error)
        except psycopg.Error:
            return FIRST_PAUSE_SECONDS

    def _try_locked(self, ends: list[End]) -> None:
        self._locked -= len(ends)
        self._add_again(ends)

    def _tell_outage(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome is not None else None
        if error is not None:
            self._outage.met(error)
