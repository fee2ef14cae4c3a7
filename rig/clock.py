"""A clock that stands still until a test moves it, for organs of control that are ticked by hand."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from typing import Any


class MovedTimer:
    """A call that is still to come, unless it is cancelled."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self._call: Callable[[], Any] | None = call

    def cancel(self) -> None:
        self._call = None

    def fire(self) -> None:
        if self._call is not None:
            self._call()


class MovedClock:
    """Fits control's `Clock`. `move` fires the timers that fall due, in order, and wakes those who sleep."""

    def __init__(self, now: float = 1000.0) -> None:
        self._now = now
        self._numbers = itertools.count()
        self._timers: list[tuple[float, int, MovedTimer]] = []

    @property
    def timers(self) -> int:
        """How many calls and sleepers wait."""
        return len(self._timers)

    def now(self) -> float:
        return self._now

    def move(self, seconds: float) -> None:
        """Let so much time pass, and do what falls due in it, also what that sets up."""
        end = self._now + seconds
        while self._timers and self._timers[0][0] <= end:
            due, _, timer = heapq.heappop(self._timers)
            self._now = max(self._now, due)
            timer.fire()
        self._now = end

    def call_later(self, seconds: float, call: Callable[..., Any], *arguments: Any) -> MovedTimer:
        timer = MovedTimer(lambda: call(*arguments))
        # Timers of one moment fire in the order in which they were set.
        heapq.heappush(self._timers, (self._now + seconds, next(self._numbers), timer))
        return timer

    async def sleep(self, seconds: float) -> None:
        await self.wait(asyncio.Event(), seconds)

    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        """Wait for the event, so many seconds of this clock at most; whether it came."""
        over = asyncio.Event()
        timer = self.call_later(seconds, over.set)
        waiting = [asyncio.create_task(one.wait()) for one in (event, over)]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            return event.is_set()
        finally:
            timer.cancel()
            for task in waiting:
                task.cancel()
