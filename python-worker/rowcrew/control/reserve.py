"""Takes ready rows: whenever there is room, from above the floors, best first.

In: room (from `ledger`), wake-ups, the poll interval. Out: jobs to `dispatch`. Waits only when it found fewer
rows than it asked for. Sweeps from further down now and then find what appeared below the floors. While the
table has no queued row one small query a poll is all it sends.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Sequence
from typing import Final, NamedTuple

import psycopg

from rowcrew.control.dispatch import Dispatcher
from rowcrew.control.heartbeat import Heartbeat
from rowcrew.control.identity import Identity
from rowcrew.control.ledger import Ledger
from rowcrew.control.outage import Outage
from rowcrew.log import Log
from rowcrew.model.appetite import LARGEST_BATCH, BatchSize, RunTimes, jobs_ahead
from rowcrew.model.floors import BOTTOM, Floor, Floors
from rowcrew.model.job import Job
from rowcrew.settings import Settings
from rowcrew.table import worker as table
from rowcrew.table.link import Link, is_outage

# After a wake-up rows may commit a moment later: look again soon, then poll. Some looks also learn the lines.
QUICK_LOOKS: Final = ((0.005, False), (0.020, True), (0.080, False), (0.320, True))
SHORT_SWEEP_SECONDS: Final = 0.1
FULL_SWEEP_SECONDS: Final = 5.0
SWEEP_SHARE: Final = 20  # a sweep may take one twentieth of the time
LEVEL_SECONDS: Final = 0.1
# In a steady stream of rows one look takes what four milliseconds brought; an idle worker looks at once.
PACE_SECONDS: Final = 0.004
MOST_UNRECORDED: Final = 2_000
_FIRST_PAUSE_SECONDS: Final = 0.05
_LONGEST_PAUSE_SECONDS: Final = 5.0


class Ask(NamedTuple):
    """What to ask for next: so many rows of these types, as soon as there is room for at least `least`."""

    types: tuple[str, ...]
    room: int
    least: int


class _Sweep:
    """When a look from further down is due: not too often, and never for more than its share of the time.

    It passes over the entries of rows reserved before, while an old snapshot keeps vacuum away all of them.
    """

    def __init__(self, every_seconds: float) -> None:
        self._every_seconds = every_seconds
        self._due = time.monotonic()

    @property
    def is_due(self) -> bool:
        return time.monotonic() >= self._due

    def done(self, cost_seconds: float) -> None:
        self._due = time.monotonic() + max(self._every_seconds, SWEEP_SHARE * cost_seconds)


class Reserver:
    """One reserving connection for the whole worker."""

    def __init__(
        self,
        *,
        link: Link,
        identity: Identity,
        ledger: Ledger,
        dispatcher: Dispatcher,
        heartbeat: Heartbeat,
        run_times: RunTimes,
        settings: Settings,
        log: Log,
    ) -> None:
        self._link = link
        self._outage = Outage(link=link, purpose="reserve", log=log)
        self._identity = identity
        self._ledger = ledger
        self._dispatcher = dispatcher
        self._heartbeat = heartbeat
        self._run_times = run_times
        self._slots = settings.slots
        self._poll_seconds = settings.poll_seconds
        self._queues = list(settings.queues) or None
        self._batch = BatchSize(cap=settings.batch_size or LARGEST_BATCH)
        self._types: tuple[str, ...] = ()
        self._floors: dict[tuple[str, ...], Floors] = {}
        self._lines: list[tuple[str, int]] = []
        self._settled = BOTTOM
        self._recent = BOTTOM
        self._short_sweep = _Sweep(SHORT_SWEEP_SECONDS)
        self._full_sweep = _Sweep(FULL_SWEEP_SECONDS)
        self._learning = _Sweep(0.0)
        self._level_due = time.monotonic()
        self._looked_at = 0.0
        self._has_backlog = False
        self._quick_looks = deque[tuple[float, bool]]()
        self._learn_next = True
        self._woken = asyncio.Event()
        self._closed = asyncio.Event()
        self._quiet = asyncio.Event()
        self._quiet.set()

    def wake(self) -> None:
        """Rows may be ready."""
        self._woken.set()

    def serve(self, types: Sequence[str]) -> None:
        """Begin with these types; no others are ever reserved."""
        self._types = tuple(types)

    def close(self) -> None:
        """Reserve no more."""
        self._closed.set()
        self._woken.set()
        self._ledger.changed.set()

    async def quiet(self) -> None:
        """Wait until no reserve is under way: what it takes is then with `dispatch`."""
        await self._quiet.wait()

    async def run(self) -> None:
        """Until closed: wait for room, look, and wait for rows when a look found fewer than it asked for."""
        while not self._closed.is_set():
            await self._heartbeat.sound.wait()
            ask = await self._room()
            if self._closed.is_set():
                return
            self._quiet.clear()
            try:
                rows = await self._look(ask)
            except psycopg.Error as error:
                if not is_outage(error):
                    raise
                await self._outlast(error)
                continue
            finally:
                self._quiet.set()
            self._outage.ended()
            self._has_backlog = rows >= ask.room
            if not self._has_backlog:
                await self._nothing_more(ask)

    async def _room(self) -> Ask:
        """What to ask for, when there is room for it."""
        while True:
            ask = self._next_ask()
            if self._closed.is_set() or ask.room >= ask.least:
                return ask
            self._ledger.changed.clear()
            await self._ledger.changed.wait()

    def _next_ask(self) -> Ask:
        """Any type for a free slot; of a backlog short types ahead too, all types having turns in between."""
        if self._ledger.unrecorded > MOST_UNRECORDED or not self._dispatcher.takes_jobs:
            return Ask(self._types, 0, 1)
        free = self._slots - self._ledger.in_flight
        batch = self._batch.value()
        short = tuple(type for type in self._types if self._dispatcher.is_short(type))
        others_turn = len(short) < len(self._types) and time.monotonic() >= self._level_due
        if not (self._has_backlog and short and self._dispatcher.takes_ahead) or others_turn:
            return Ask(self._types, min(batch, free), 1)
        ahead = jobs_ahead(self._slots - self._ledger.long_in_flight, self._run_times.longest_short(), batch)
        least = min(batch, self._slots + ahead) // 2 if ahead else 1
        return Ask(short, min(batch, free + ahead), max(1, least))

    async def _look(self, ask: Ask) -> int:
        """Reserve once, now and then from further down than the floors; how many rows it took."""
        self._looked_at = started = time.monotonic()
        sweep, lowest = self._next_sweep()
        learns = (self._learn_next and self._learning.is_due) or sweep is self._full_sweep
        if learns:
            await self._learn_lines()
            self._learning.done(time.monotonic() - started)
        rows = 0 if learns and not self._lines else await self._reserve(ask, lowest)
        if sweep is not None:
            sweep.done(time.monotonic() - started)
        return rows

    def _next_sweep(self) -> tuple[_Sweep | None, str | None]:
        if self._full_sweep.is_due:
            return self._full_sweep, BOTTOM
        if self._short_sweep.is_due:
            return self._short_sweep, self._recent
        return None, None

    async def _learn_lines(self) -> None:
        """Which queues and priorities have rows, and what time it is for the database."""
        self._learn_next = False
        rows = await table.lines(self._link, self._queues)
        self._settled, self._recent = rows[0].settled, rows[0].recent
        self._lines = [
            (row.queue, row.priority) for row in rows if row.queue is not None and row.priority is not None
        ]
        for floors in self._floors.values():
            floors.learn(self._lines)
            floors.forget(self._lines)
            if not self._lines:  # then nothing is reserved either, and no row was passed over
                floors.settle(self._settled)

    async def _reserve(self, ask: Ask, lowest: str | None) -> int:
        floors = self._floors_of(ask.types)
        probes = floors.probes(lowest)
        self._ledger.reserving_since = time.monotonic()
        try:
            jobs = await table.reserve(
                self._link,
                worker=self._identity.worker_id,
                types=ask.types,
                room=ask.room,
                queues=probes.queues,
                priorities=probes.priorities,
                floors=probes.floors,
                floor_ids=probes.floor_ids,
            )
        finally:
            self._ledger.reserving_since = None
        jobs.sort(key=lambda job: (-job.priority, job.run_at, job.id))
        self._move_floors(floors, jobs, filled=len(jobs) == ask.room, swept=lowest is not None)
        self._batch.learn(ask.room, len(jobs), sum([len(job.payload) for job in jobs]))
        if ask.types == self._types:
            self._level_due = time.monotonic() + LEVEL_SECONDS
        if jobs:
            self._dispatcher.take(jobs)
        return len(jobs)

    def _floors_of(self, types: tuple[str, ...]) -> Floors:
        """Floors hold for a set of types: what was passed over as of another type lies below them."""
        if types not in self._floors:
            floors = Floors(self._queues or ("default",))
            floors.learn(self._lines)
            self._floors = {known: self._floors[known] for known in self._floors if known == self._types}
            self._floors[types] = floors
        return self._floors[types]

    def _move_floors(self, floors: Floors, jobs: Sequence[Job], *, filled: bool, swept: bool) -> None:
        last = {(job.queue, job.priority): job for job in jobs}  # they are in the order of the ready line
        places = [(queue, priority, Floor(job.run_at, job.id)) for (queue, priority), job in last.items()]
        if filled and swept:
            floors.fall(places)
        else:
            floors.rise(places)
        if not filled:
            floors.settle(self._settled)

    async def _nothing_more(self, ask: Ask) -> None:
        """Wait for a wake-up, the next quick look or the poll interval."""
        if ask.types != self._types:
            self._level_due = time.monotonic()  # short ones are done; look at once whether others wait
            return
        pause, self._learn_next = (
            self._quick_looks.popleft() if self._quick_looks else (self._poll_seconds, True)
        )
        try:
            async with asyncio.timeout(pause):
                await self._woken.wait()
        except TimeoutError:
            return
        await asyncio.sleep(max(0.0, self._looked_at + PACE_SECONDS - time.monotonic()))
        self._woken.clear()
        self._learn_next = False
        self._quick_looks = deque(QUICK_LOOKS)

    async def _outlast(self, error: psycopg.Error) -> None:
        """After an outage ask first what the database knows: the answer to the last look may be lost."""
        self._outage.began(error)
        if self._link.is_open:
            await asyncio.sleep(_FIRST_PAUSE_SECONDS)
            return
        pause = _FIRST_PAUSE_SECONDS
        while not self._closed.is_set():
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
            try:
                await self._heartbeat.check(nothing_in_flight=True)
            except psycopg.Error:
                continue
            return
