"""The chore of schedules: due ticks become jobs, and ticks that are long past are forgotten.

In: the rows of `schedules`. Out: what `rowcrew.ticks` makes of them. Without schedules nothing is asked but
by the round.
"""

from __future__ import annotations

from typing import Final

from rowcrew.control.chores.chore import UNTIL_WOKEN
from rowcrew.control.clock import Clock
from rowcrew.log import Log
from rowcrew.table import schedules as table
from rowcrew.table.link import Link
from rowcrew.ticks import Ticks

_JITTER_SECONDS: Final = 1.0
_PRUNE_SECONDS: Final = 3600.0


class Schedules:
    """The chore that fires due ticks. Its period ends when the next is due; of a far one the round tells."""

    name = "schedules"
    jitter_seconds = _JITTER_SECONDS

    def __init__(self, *, link: Link, clock: Clock, log: Log) -> None:
        self._link = link
        self._clock = clock
        self._ticks = Ticks(link=link, log=log)
        self._prune_at = clock.now() + _PRUNE_SECONDS
        self.period_seconds = UNTIL_WOKEN

    async def once(self) -> None:
        self.period_seconds = UNTIL_WOKEN
        again = await self._ticks.fire()
        if again is not None:
            self.period_seconds = again
        await self._prune()

    async def _prune(self) -> None:
        if self._clock.now() >= self._prune_at:
            self._prune_at = self._clock.now() + _PRUNE_SECONDS
            await table.prune_ticks(self._link)
