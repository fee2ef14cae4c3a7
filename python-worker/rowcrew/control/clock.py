"""The clock of control: durations, timers and waits. Every organ gets one, so that a test can move time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Protocol


class Timer(Protocol):
    """A call that is still to come."""

    def cancel(self) -> None: ...


class Clock(Protocol):
    """Seconds of one monotonic clock, which runners share."""

    def now(self) -> float: ...
    def call_later(self, seconds: float, call: Callable[..., Any], *arguments: Any) -> Timer: ...
    async def sleep(self, seconds: float) -> None: ...
    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        """Wait for the event, so many seconds at most; whether it came."""
        ...


class MonotonicClock:
    """The system's monotonic clock, and the timers of the running event loop."""

    now = staticmethod(time.monotonic)
    sleep = staticmethod(asyncio.sleep)

    def call_later(self, seconds: float, call: Callable[..., Any], *arguments: Any) -> Timer:
        return asyncio.get_running_loop().call_later(seconds, call, *arguments)

    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return False
        return True
