"""The one who looks: a sample of the database every few seconds, for all screens, health and metrics.

In: links of its own. Out: the last value of each part, with its age, and why it is not younger. It sleeps
when nobody has asked for a while; whoever asks then waits for a fresh sample. One in each process.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, Generic, TypeVar

import msgspec
import psycopg

from rowcrew.admin import looks
from rowcrew.admin.looks import Crew
from rowcrew.model.errors import RowcrewError
from rowcrew.model.pace import RunCount
from rowcrew.table.link import Link, reason
from rowcrew.table.looks import QueueLook
from rowcrew.table.rows import ReasonCount
from rowcrew.web.links import Links
from rowcrew.web.tally import Tally

PERIOD_SECONDS: Final = 5.0
ASLEEP_SECONDS: Final = 15.0
LATE_SECONDS: Final = 3 * PERIOD_SECONDS
_FIRST_SECONDS: Final = 3.0

T = TypeVar("T")


class Part(msgspec.Struct, Generic[T]):
    """What was seen last of one thing.

    Attributes:
        value: None until it was seen once.
        at: when it was seen, by the monotonic clock.
        problem: why the last look failed; None = it did not.
    """

    value: T | None = None
    at: float = 0.0
    problem: str | None = None

    @property
    def age_seconds(self) -> float | None:
        return None if self.value is None else time.monotonic() - self.at

    @property
    def is_late(self) -> bool:
        age = self.age_seconds
        return age is None or age > LATE_SECONDS


class Sampler:
    """Looks at the database for everybody, as long as somebody wants to know.

    Args:
        links: on which it looks, at most two.
    """

    def __init__(self, links: Links) -> None:
        self._links = links
        self._asked_at = 0.0
        self._looking: asyncio.Task[None] | None = None
        self._round_ended = asyncio.Event()
        self.tally = Tally()
        self.queues: Part[list[QueueLook]] = Part()
        self.crew: Part[Crew] = Part()
        self.reasons: Part[list[ReasonCount]] = Part()
        self.ends: Part[list[RunCount]] = Part()
        self.counts: Part[bool] = Part()

    async def look(self) -> None:
        """Somebody wants to know: go on looking, and wait a moment if nobody has looked lately."""
        self._asked_at = time.monotonic()
        if self._looking is not None and not self._looking.done():
            if self.queues.value is not None:
                return
        else:
            self._round_ended.clear()
            self._looking = asyncio.create_task(self._look_while_asked())
        with suppress(TimeoutError):
            async with asyncio.timeout(_FIRST_SECONDS):
                await self._round_ended.wait()

    async def stop(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            with suppress(asyncio.CancelledError):
                await self._looking

    async def _look_while_asked(self) -> None:
        while time.monotonic() - self._asked_at < ASLEEP_SECONDS:
            await self._look_around()
            self._round_ended.set()
            await asyncio.sleep(PERIOD_SECONDS)

    async def _look_around(self) -> None:
        await self._see(self.queues, looks.queues)
        await self._see(self.crew, looks.crew)
        await self._see(self.reasons, looks.reasons)
        await self._see(self.ends, looks.recent_ends)
        await self._see(self.counts, self.tally.count)

    async def _see(self, part: Part[T], look: Callable[[Link], Awaitable[T]]) -> None:
        """A look that fails leaves what was seen before."""
        try:
            async with self._links.reading() as link:
                part.value = await look(link)
        except psycopg.errors.QueryCanceled:
            part.problem = "the database did not answer in time"
        except (psycopg.Error, RowcrewError) as error:
            part.problem = reason(error)
        else:
            part.at, part.problem = time.monotonic(), None
