"""Reserves whenever there is room, on two roads in turns; waits when a look found fewer rows than asked for.

In: room (`appetite`), moments (`looks`), wake-ups. Out: looks, on the open road and on the limited one.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import psycopg

from rowcrew.control.care.fence import FenceWatch
from rowcrew.control.clock import Clock
from rowcrew.control.ledger import Ledger
from rowcrew.control.road.appetite import Appetite, Ask
from rowcrew.control.road.comeback import Comeback
from rowcrew.control.road.limited import LimitedRoad
from rowcrew.control.road.looks import Looks
from rowcrew.control.road.open_road import OpenRoad
from rowcrew.table.link import is_outage


class Reserver:
    """The loop that takes rows, on one connection for the whole worker."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        fence: FenceWatch,
        appetite: Appetite,
        looks: Looks,
        open_road: OpenRoad,
        limited: LimitedRoad,
        comeback: Comeback,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._fence = fence
        self._appetite = appetite
        self._looks = looks
        self._open_road = open_road
        self._limited = limited
        self._comeback = comeback
        self._clock = clock
        self._due = clock.now()
        self._looked_at = float("-inf")
        self._limited_first = False
        self._rows_may_be_ready = False
        self._closed = asyncio.Event()
        self._quiet = asyncio.Event()
        self._quiet.set()

    def has_looked_since(self, moment: float) -> bool:
        """Whether a look that began after this moment has come back, and no queue waits for its first."""
        return self._looked_at >= moment and not self._limited.has_unseen

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
                await self._comeback.outlast(error, closed=self._closed)
                continue
            finally:
                self._quiet.set()
            self._comeback.passed()
            await self._until_due()
        await self._leave_places()

    async def look(self, ask: Ask) -> int:
        """Reserve once from the lines; how many rows it took."""
        began = self._clock.now()
        rows = await self._open_road.look(ask)
        self._looked_at = began
        if rows and self._open_road.took_apart:
            self.wake()
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
