"""Takes ready rows: whenever there is room, from above the floors, best first.

In: room (`appetite`), moments (`looks`), places (`places`), wake-ups. Out: jobs to `dispatch`. Waits only
when it found fewer rows than it asked for. While the table has no queued row one small query a poll is all
it sends.
"""

from __future__ import annotations

import asyncio
import functools
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final

import psycopg

from rowcrew.control.care.fence import FenceWatch
from rowcrew.control.care.heartbeat import Heartbeat
from rowcrew.control.clock import Clock
from rowcrew.control.identity import Identity
from rowcrew.control.ledger import Ledger
from rowcrew.control.outage import Outage
from rowcrew.control.road.appetite import Appetite, Ask
from rowcrew.control.road.dispatch import Dispatcher
from rowcrew.control.road.limited import LimitedRoad
from rowcrew.control.road.looks import Looks
from rowcrew.control.road.odd_rows import OddRows
from rowcrew.control.road.places import Places
from rowcrew.log import Log
from rowcrew.model.floors import BOTTOM, Probes
from rowcrew.model.job import Job
from rowcrew.table import limits
from rowcrew.table import worker as table
from rowcrew.table.link import Link, is_about_data, is_outage
from rowcrew.table.opening import CALL_SECONDS, DeadlineOver

_FIRST_PAUSE_SECONDS: Final = 0.05
_LONGEST_PAUSE_SECONDS: Final = 5.0


class Reserver:
    """The loop that takes rows, on one connection for the whole worker.

    Args:
        queues: the queues to serve; none = all.
        by_priority: whether more urgent jobs come first, or the smallest ids.
    """

    def __init__(
        self,
        *,
        link: Link,
        queues: tuple[str, ...],
        by_priority: bool,
        identity: Identity,
        ledger: Ledger,
        dispatcher: Dispatcher,
        heartbeat: Heartbeat,
        fence: FenceWatch,
        appetite: Appetite,
        looks: Looks,
        places: Places,
        limited: LimitedRoad,
        odd_rows: OddRows,
        clock: Clock,
        log: Log,
    ) -> None:
        self._link = link
        self._queues = queues or None
        self._by_priority = by_priority
        self._identity = identity
        self._ledger = ledger
        self._dispatcher = dispatcher
        self._heartbeat = heartbeat
        self._fence = fence
        self._appetite = appetite
        self._looks = looks
        self._places = places
        self._limited = limited
        self._odd_rows = odd_rows
        self._clock = clock
        self._outage = Outage(link=link, purpose="reserve", log=log)
        self._due = clock.now()
        self._limited_first = False
        self._rows_may_be_ready = False
        self._closed = asyncio.Event()
        self._quiet = asyncio.Event()
        self._quiet.set()

    def wake(self) -> None:
        """Rows may be ready."""
        self._rows_may_be_ready = True
        self._ledger.woken.set()

    def places_free(self) -> None:
        """Runs of other workers have ended whose places under limits these do not fill."""
        self._limited.woken(place=True)
        self._ledger.woken.set()

    def close(self) -> None:
        """Reserve no more."""
        self._closed.set()
        self._ledger.woken.set()
        self._ledger.changed.set()

    async def quiet(self) -> None:
        """Wait until no reserve is under way: what it takes is then with `dispatch`."""
        await self._quiet.wait()

    async def run(self) -> None:
        """Until closed: wait for room, look, and wait for rows when a look found fewer than it asked for."""
        while not self._closed.is_set():
            await self._fence.sound.wait()
            ask = await self._room()
            if self._closed.is_set():
                break
            self._quiet.clear()
            try:
                await self._look_as_due(ask)
            except psycopg.Error as error:
                if not is_outage(error):
                    raise
                await self._outlast(error)
                continue
            finally:
                self._quiet.set()
            self._outage.passed()
            await self._until_due()
        await self._leave_places()

    async def look(self, ask: Ask) -> int:
        """Reserve once, now and then from further down than the floors; how many rows it took."""
        look = self._looks.begin(self._clock.now())
        lowest = {"full": BOTTOM, "short": self._places.recent, None: None}[look.sweep]
        if look.learns:
            lines = await table.lines(self._link, self._queues)
            self._places.learn(lines)
            self._limited.learn(lines)
            self._looks.learned(self._clock.now())
        rows = 0
        if self._places.has_rows or not look.learns:
            jobs = await self._reserve(ask, lowest)
            rows = len(jobs)
            if jobs:
                self._dispatcher.take(jobs)
            elif self._places.with_keys:
                await self._pass_keyed(ask)
        if look.sweep is not None:
            self._looks.swept(look.sweep, self._clock.now())
        return rows

    async def look_under_limits(self, ask: Ask) -> int:
        """Reserve from the queues under limits that are due, into free slots; how many rows it took."""
        return await self._limited.look(ask.room - ask.ahead)

    async def _look_as_due(self, ask: Ask) -> None:
        """The rows under limits and all others have the room first in turns."""
        limited_is_due = bool(self._ledger.freed) or self._limited.due <= self._clock.now()
        if self._rows_may_be_ready:
            self._limited.woken()
        self._limited_first = not self._limited_first
        if limited_is_due and self._limited_first:
            ask = ask.less(await self.look_under_limits(ask))
        if ask.room > 0 and self._clock.now() >= self._due:
            rows = await self.look(ask)
            more = self._appetite.found(ask, rows, self._clock.now())
            self._due = self._clock.now() + (0.0 if more else self._looks.pause())
            ask = ask.less(rows)
        if limited_is_due and not self._limited_first:
            await self.look_under_limits(ask)

    async def _pass_keyed(self, ask: Ask) -> None:
        """Rows that only limits let start would be read again at every look."""
        probes = self._places.lines_with_keys(ask.types)
        self._places.passed(ask.types, await limits.skip_keyed(self._link, probes=probes, per_key=False))

    async def _room(self) -> Ask:
        """What to ask for, when there is room for it."""
        while True:
            now = self._clock.now()
            ask = self._appetite.ask(now, limited=bool(self._ledger.freed) or self._limited.due <= now)
            if self._closed.is_set() or ask.fits:
                return ask
            if self._ledger.freed:  # no room for what waits for these places
                await self._announce()
            self._ledger.changed.clear()
            await self._ledger.changed.wait()

    async def _reserve(self, ask: Ask, lowest: str | None) -> list[Job]:
        if self._odd_rows.suspected:
            lowest = BOTTOM  # a reserve that nobody waits for any more may have hidden rows from other looks
        probes = self._places.probes(ask.types, lowest)
        # A sweep reads what looks pass over, so what it takes is not learned from them.
        seconds = None if lowest is None else CALL_SECONDS
        take = functools.partial(self._take, ask, probes, seconds=seconds)
        jobs = None if self._odd_rows.suspected else await self._taken_together(take)
        if jobs is None:
            jobs = await self._odd_rows.take(ask, probes, take)
            if jobs:
                self.wake()
        jobs.sort(key=self._order)
        self._places.move(ask.types, jobs, filled=len(jobs) == ask.room, swept=lowest is not None)
        self._appetite.took(ask, jobs, self._clock.now())
        return jobs

    def _order(self, job: Job) -> tuple[int, str, int]:
        return (-job.priority, job.run_at, job.id) if self._by_priority else (0, "", job.id)

    async def _taken_together(self, take: Callable[[], Awaitable[list[Job]]]) -> list[Job] | None:
        """None when one of the rows is odd."""
        try:
            return await take()
        except (psycopg.Error, UnicodeError) as error:
            if not is_about_data(error):
                raise
            return None

    async def _take(
        self, ask: Ask, probes: Probes, only: Sequence[int] | None = None, seconds: float | None = None
    ) -> list[Job]:
        self._ledger.reserving_since = self._clock.now()
        try:
            reserve = table.reserve if self._by_priority else table.reserve_by_id
            return await reserve(
                self._link,
                worker=self._identity.worker_id,
                types=ask.types,
                room=ask.room if only is None else len(only),
                probes=probes,
                only=only,
                seconds=seconds,
            )
        finally:
            self._ledger.reserving_since = None

    async def _announce(self) -> None:
        with suppress(psycopg.Error):  # without this others find the places when they poll
            await self._limited.announce()

    async def _leave_places(self) -> None:
        """Once closed, whatever its last runs leave is for others."""
        while True:
            await self._ledger.woken.wait()
            self._ledger.woken.clear()
            await self._announce()

    async def _until_due(self) -> None:
        """Wait for a wake-up, a free place, or until a look is due."""
        seconds = min(self._due, self._limited.due) - self._clock.now()
        if seconds <= 0 or not await self._clock.wait(self._ledger.woken, seconds):
            return
        if self._rows_may_be_ready:
            await self._clock.sleep(self._looks.pace(self._clock.now()))
            self._rows_may_be_ready = False
            self._looks.woken()
            self._limited.woken()
            self._due = self._clock.now()
        self._ledger.woken.clear()

    async def _outlast(self, error: psycopg.Error) -> None:
        """After an outage ask first what the database knows: the answer to the last look may be lost."""
        self._outage.met(error)
        if isinstance(error, DeadlineOver) and error.seconds >= CALL_SECONDS:
            self._odd_rows.suspected = True
        if self._link.is_open:
            await self._clock.sleep(_FIRST_PAUSE_SECONDS)
            return
        pause = _FIRST_PAUSE_SECONDS
        while not self._closed.is_set():
            await self._clock.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
            try:
                await self._heartbeat.check(nothing_in_flight=True)
            except psycopg.Error:
                continue
            return
