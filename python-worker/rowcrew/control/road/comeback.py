"""Comes back to reserving after an outage, and asks first what the database knows.

In: errors that `reserve` met. Out: nothing, once the database has answered; the answer to the last look may
be lost, and the heartbeat finds the rows that it took.
"""

from __future__ import annotations

import asyncio
import random
from typing import Final

import psycopg

from rowcrew.control.care.heartbeat import Heartbeat
from rowcrew.control.clock import Clock
from rowcrew.control.outage import Outage
from rowcrew.control.road.odd_rows import OddRows
from rowcrew.log import Log
from rowcrew.table.link import Link
from rowcrew.table.opening import CALL_SECONDS, DeadlineOver

_FIRST_PAUSE_SECONDS: Final = 0.05
_LONGEST_PAUSE_SECONDS: Final = 5.0


class Comeback:
    """The patience of the reserving connection."""

    def __init__(
        self, *, link: Link, heartbeat: Heartbeat, odd_rows: OddRows, clock: Clock, log: Log
    ) -> None:
        self._link = link
        self._heartbeat = heartbeat
        self._odd_rows = odd_rows
        self._clock = clock
        self._outage = Outage(link=link, purpose="reserve", log=log)

    def passed(self) -> None:
        """A look was answered."""
        self._outage.passed()

    async def outlast(self, error: psycopg.Error, *, closed: asyncio.Event) -> None:
        """Wait until the database answers, or until nothing is reserved any more."""
        self._outage.met(error)
        if isinstance(error, DeadlineOver) and error.seconds >= CALL_SECONDS:
            self._odd_rows.suspected = True
        if self._link.is_open:
            await self._clock.sleep(_FIRST_PAUSE_SECONDS)
            return
        pause = _FIRST_PAUSE_SECONDS
        while not closed.is_set():
            await self._clock.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
            try:
                await self._heartbeat.check(nothing_in_flight=True)
            except psycopg.Error:
                continue
            return
