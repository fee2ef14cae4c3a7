"""A clock that stands still until a test moves it."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from typing import Any


class _Timer:
    def __init__(self, call: Callable[[], Any]) -> None:
        self.call: Callable[[], Any] | None = call

    def cancel(self) -> None:
        self.call = None


class MovedClock:
    """Fits `rowcrew.control.clock.Clock`. Timers fire in `move`, in order; sleepers wake then as well."""

    def __init__(self, now: float = 1000.0) -> None:
        self._now = now
        self._numbers = itertools.count()
        self._timers: list[tuple[float, int, _Timer]] = []

    @property
    def timers(self) -> int:
        """How many calls and sleepers wait."""
        return len(self._timers)

    def now(self) -> float:
        return self._now

    def move(self, seconds: float) -> None:
        """Let so much time pass, and do what falls due in it."""
        end = self._now + seconds
        while self._timers and self._timers[0][0] <= end:
            due, _, timer = heapq.heappop(self._timers)
            self._now = max(self._now, due)
            if timer.call is not None:
                timer.call()
        self._now = end

    def call_later(self, seconds: float, call: Callable[..., Any], *arguments: Any) -> _Timer:
        timer = _Timer(lambda: call(*arguments))
        heapq.heappush(self._timers, (self._now + seconds, next(self._numbers), timer))
        return timer

    async def sleep(self, seconds: float) -> None:
        await self.wait(asyncio.Event(), seconds)

    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
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
