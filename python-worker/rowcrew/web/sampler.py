"""The one who looks: a sample of the database every few seconds, for all screens, health and metrics.

In: links of its own. Out: the last value of each part, with its age, and why it is not younger. It sleeps
when nobody has asked for a while; whoever asks then waits for a fresh sample. One in each process.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, Generic, TypeVar

import psycopg

from rowcrew.admin import database, looks, now
from rowcrew.admin.check import Check
from rowcrew.admin.database import Database, DatabaseNow
from rowcrew.admin.now import Now
from rowcrew.model.errors import RowcrewError
from rowcrew.table.link import Link, reason
from rowcrew.table.rows import ListedWorker, ReasonCount
from rowcrew.web.links import Links
from rowcrew.web.tally import Tally

ASLEEP_SECONDS: Final = 15.0
LATE_SECONDS: Final = 10.0
"""How much older than its period a value is told to be old."""

_TICK_SECONDS: Final = 1.0
_FIRST_SECONDS: Final = 3.0

# A database that does not answer in time is left in peace: looks take a fifth of the time at most.
_REST: Final = 4

# Who looks takes nothing from who works: a look that takes long is taken the more rarely, up to a bound.
_CALM: Final = 100
_RAREST_SECONDS: Final = 15.0

T = TypeVar("T")


class Part(Generic[T]):
    """What was seen last of one thing.

    Args:
        look: how it is seen.
        every_seconds: how old it becomes before somebody looks again; older where looks take long.
        is_aside: whether only few want it, so that nobody looks while none of them asks for it.

    Attributes:
        value: None until it was seen once.
        problem: why the last look failed; None = it did not.
        tried: set after each look.
    """

    def __init__(
        self, look: Callable[[Link], Awaitable[T]], *, every_seconds: float, is_aside: bool = False
    ) -> None:
        self._look = look
        self._every_seconds = every_seconds
        self._wanted_until = float("-inf") if is_aside else float("inf")
        self._seen_at = 0.0
        self._tried_at = float("-inf")
        self._took_seconds = 0.0
        self.value: T | None = None
        self.problem: str | None = None
        self.tried = asyncio.Event()

    @property
    def age_seconds(self) -> float | None:
        return None if self.value is None else time.monotonic() - self._seen_at

    @property
    def is_due(self) -> bool:
        now = time.monotonic()
        return now < self._wanted_until and now - self._tried_at >= self._period_seconds

    @property
    def is_late(self) -> bool:
        age = self.age_seconds
        return age is None or age > self._period_seconds + LATE_SECONDS

    @property
    def _period_seconds(self) -> float:
        calm = 0.0 if self.problem else calm_seconds(self._took_seconds)
        return max(self._every_seconds, calm)

    def want(self) -> None:
        """Somebody asks for what is aside: it is looked at for a while."""
        self._wanted_until = max(self._wanted_until, time.monotonic() + ASLEEP_SECONDS)

    def outdate(self) -> None:
        """Somebody has changed something: the next who asks waits for a new look."""
        self._tried_at = float("-inf")

    async def see(self, links: Links) -> None:
        """A look that fails leaves what was seen before."""
        self._tried_at = began = time.monotonic()
        try:
            async with links.lent() as link:
                lent = time.monotonic()
                value = await self._look(link)
        except psycopg.errors.QueryCanceled:
            self.problem = "the database did not answer in time"
        except (psycopg.Error, RowcrewError) as error:
            self.problem = reason(error)
        else:
            # The mean with the look before: the first one finds nothing in memory, and is no measure.
            self._took_seconds = (self._took_seconds + time.monotonic() - lent) / 2
            if began >= self._seen_at:  # else somebody has changed something meanwhile, and looked again
                self.value, self._seen_at, self.problem = value, began, None
        finally:
            self.tried.set()


def calm_seconds(took_seconds: float) -> float:
    """How long to go without a look that takes so long."""
    return min(_CALM * took_seconds, _RAREST_SECONDS)


class Sampler:
    """Looks at the database for everybody, as long as somebody wants to know.

    Args:
        links: on which it looks.
    """

    def __init__(self, links: Links) -> None:
        self._links = links
        self._asked_at = 0.0
        self._looking: asyncio.Task[None] | None = None
        self._round_ended = asyncio.Event()
        self._hurry = asyncio.Event()
        self.tally = Tally()
        self.now: Part[Now] = Part(now.now, every_seconds=5)
        self.reasons: Part[list[ReasonCount]] = Part(looks.reasons, every_seconds=10)
        self.processed: Part[int] = Part(self._count_processed, every_seconds=30)
        self.counts: Part[bool] = Part(self.tally.count, every_seconds=30)
        self.database: Part[DatabaseNow] = Part(Database().look, every_seconds=20, is_aside=True)
        self.checks: Part[list[Check]] = Part(database.examine, every_seconds=60, is_aside=True)

    @property
    def parts(self) -> dict[str, Part[Any]]:
        """What is looked at as long as anybody asks for anything."""
        return {
            "now": self.now,
            "reasons": self.reasons,
            "processed": self.processed,
            "counts": self.counts,
        }

    @property
    def eldest(self) -> ListedWorker | None:
        """The live worker that has been up longest."""
        workers = self.now.value.workers if self.now.value else []
        living = [worker for worker in workers if worker.state == "live"]
        return max(living, key=lambda worker: worker.up_seconds, default=None)

    async def look(self) -> None:
        """Somebody wants to know: go on looking, and wait a moment if nobody has looked lately."""
        if self._go_on() and self.now.value is not None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(_FIRST_SECONDS):
                await self._round_ended.wait()

    async def look_at_database(self) -> None:
        """The same of what is aside: the database, and what the doctor says of it."""
        due = []
        for part in (self.database, self.checks):
            part.want()
            if part.is_due:
                part.tried.clear()
                due.append(part.tried.wait())
        if due and self.database.value is None:
            self._hurry.set()
        self._go_on()
        with suppress(TimeoutError):
            async with asyncio.timeout(_FIRST_SECONDS):
                await asyncio.gather(*due)

    def _go_on(self) -> bool:
        """Whether looks were going on already."""
        self._asked_at = time.monotonic()
        if self._looking is not None and not self._looking.done():
            return True
        self._round_ended.clear()
        self._looking = asyncio.create_task(self._look_while_asked())
        return False

    async def stop(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            with suppress(asyncio.CancelledError):
                await self._looking

    async def _look_while_asked(self) -> None:
        while time.monotonic() - self._asked_at < ASLEEP_SECONDS:
            began = time.monotonic()
            for part in (*self.parts.values(), self.database, self.checks):
                if part.is_due:
                    await part.see(self._links)
            self._round_ended.set()
            with suppress(TimeoutError):
                async with asyncio.timeout(max(_TICK_SECONDS, _REST * (time.monotonic() - began))):
                    await self._hurry.wait()  # a first look, without which a page has nothing to show
            self._hurry.clear()

    async def _count_processed(self, link: Link) -> int:
        eldest = self.eldest
        return 0 if eldest is None else await looks.runs_within(link, eldest.up_seconds)
