"""What a periodic duty of a worker is, and the one way all of them are run.

In: chores. Out: `once()` of each, again and again. A chore that meets an outage says so once and tries again
when it is due; one that meets a surprise tells it in the log and is tried again as well: no chore is worth
the jobs of its worker.
"""

from __future__ import annotations

import asyncio
import random
import traceback
from typing import Final, Protocol

import psycopg

from rowcrew.control.clock import Clock
from rowcrew.control.outage import Outage
from rowcrew.log import Log
from rowcrew.model.cleaning import clean_text, describe
from rowcrew.table.link import Link

EVERY_MINUTE: Final = 60.0
UNTIL_WOKEN: Final = float("inf")
"""The period of a chore that found nothing to do. The round wakes it when there is something."""


class Chore(Protocol):
    """A periodic duty.

    Attributes:
        name: as the log calls it.
        period_seconds: from the end of one `once()` to the next; asked each time.
        jitter_seconds: the first comes at a random moment within these, so that workers which start together
            take turns.
    """

    @property
    def name(self) -> str: ...
    @property
    def period_seconds(self) -> float: ...
    @property
    def jitter_seconds(self) -> float: ...
    async def once(self) -> object:
        """Do it.

        Raises:
            psycopg.Error: the database was not reached, or refuses.
        """
        ...


class Routine:
    """A chore that is done again and again."""

    def __init__(self, chore: Chore, *, link: Link, clock: Clock, log: Log) -> None:
        self.name = chore.name
        self._chore = chore
        self._clock = clock
        self._log = log
        self._outage = Outage(link=link, purpose=chore.name, log=log)
        self._woken = asyncio.Event()
        self._pause_seconds = UNTIL_WOKEN

    def wake(self) -> None:
        """Have it done now, whenever it is due."""
        self._woken.set()

    def wake_idle(self) -> None:
        """Have it done now, unless it comes round by itself. While it is at it, nobody knows that yet."""
        if self._pause_seconds == UNTIL_WOKEN:
            self._woken.set()

    async def run(self) -> None:
        await self._clock.sleep(random.uniform(0.0, self._chore.jitter_seconds))  # noqa: S311 - jitter
        while True:
            self._woken.clear()
            self._pause_seconds = UNTIL_WOKEN
            await self.once()
            self._pause_seconds = self._chore.period_seconds
            await self._clock.wait(self._woken, self._pause_seconds)

    async def once(self) -> None:
        """Do the chore, whatever comes of it."""
        try:
            await self._chore.once()
        except psycopg.Error as error:
            self._outage.met(error)
        except Exception as error:
            trace = clean_text("".join(traceback.format_exception(error)))
            self._log.event("chore.failed", chore=self.name, error=describe(error), traceback=trace)
        else:
            self._outage.passed()
