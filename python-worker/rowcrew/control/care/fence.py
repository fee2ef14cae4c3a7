"""Stops all runs before others may take them: when no heartbeat was acknowledged for too long.

In: proofs of life from `heartbeat`. Out: killed runners, and the word to `reserve` whether it may go on.
When that is too long is `model.fence`.
"""

from __future__ import annotations

import asyncio
from typing import Final

from rowcrew.control.clock import Clock
from rowcrew.control.ledger import Ledger
from rowcrew.control.road.stopping import Stopping
from rowcrew.control.run import StopReason
from rowcrew.log import Log
from rowcrew.model.fence import Fence

_AGAIN_SECONDS: Final = 1.0


class FenceWatch:
    """The watch over one fence. On a task of its own: a beat that hangs must not delay it.

    Args:
        seconds: how long after the last proof of life the runs are stopped.

    Attributes:
        sound: set while reserving is allowed: the last beat was acknowledged and the fence is open.
    """

    def __init__(self, *, seconds: float, ledger: Ledger, stopping: Stopping, clock: Clock, log: Log) -> None:
        self._seconds = seconds
        self._ledger = ledger
        self._stopping = stopping
        self._clock = clock
        self._log = log
        self._fence = Fence(seconds=seconds, now=clock.now())
        self.sound = asyncio.Event()

    async def run(self) -> None:
        while True:
            await self._clock.sleep(self.once())

    def once(self) -> float:
        """Close the fence if it is time; in how many seconds to look again."""
        remaining = self._fence.remaining(self._clock.now())
        if remaining > 0:
            return remaining
        if self.sound.is_set() or self._ledger.in_flight:
            self.sound.clear()
            self._log.event("fence.closed", seconds=self._seconds)
            self._stopping.kill_all(StopReason.FENCED)
        return _AGAIN_SECONDS

    def open(self, sent: float) -> None:
        """A heartbeat sent at this time was acknowledged."""
        self._fence.proven(sent)
        self.sound.set()

    def refused(self, sent: float) -> None:
        """A heartbeat sent at this time was refused by a database that serves nobody."""
        self._fence.proven(sent)

    def declared_lost(self) -> None:
        """Others have taken the jobs already: stop all runs, and reserve nothing until the next proof."""
        self.sound.clear()
        self._stopping.kill_all(StopReason.TAKEN)
