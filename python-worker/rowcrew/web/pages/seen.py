"""What a page shows alike to everybody is looked at once for all, and stays known while the database is late.

In: the sampler, and links for what it does not look at. Out: parts, each with its value, age and problem, and
glances at what only one page shows. Nobody looks while nobody asks. Called by the pages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

from rowcrew.admin.check import Check
from rowcrew.admin.database import DatabaseNow
from rowcrew.admin.now import Now
from rowcrew.table.link import Link
from rowcrew.table.rows import ReasonCount
from rowcrew.web.links import Links
from rowcrew.web.pages.glances import Glances
from rowcrew.web.sampler import Part, Sampler

YOUNG_SECONDS: Final = 4.0
"""A value as young is shown to the next who asks, without another look."""

_PATIENCE_SECONDS: Final = 3.0

T = TypeVar("T")


class Seen:
    """What the sampler sees, and what only single pages want to see.

    Args:
        sampler: looks at all queues and at why jobs wait.
        links: for the rest.

    Attributes:
        glances: at what only one page shows.
    """

    def __init__(self, sampler: Sampler, links: Links) -> None:
        self._sampler = sampler
        self._links = links
        self.glances = Glances(links)
        self._parts: dict[str, Part[Any]] = {}
        self._looking: dict[Part[Any], asyncio.Task[None]] = {}

    async def now(self) -> Part[Now]:
        await self._sampler.look()
        return self._sampler.now

    async def reasons(self) -> Part[list[ReasonCount]]:
        await self._sampler.look()
        return self._sampler.reasons

    async def database(self) -> Part[DatabaseNow]:
        await self._sampler.look_at_database()
        return self._sampler.database

    def checks(self) -> Part[list[Check]]:
        return self._sampler.checks

    async def see(self, name: str, look: Callable[[Link], Awaitable[T]]) -> Part[T]:
        """The part of this name, fresh or at most a few seconds old; older while the database is late."""
        part: Part[T] = self._parts.setdefault(name, Part(look, every_seconds=YOUNG_SECONDS))
        if part not in self._looking and part.is_due:
            self._looking[part] = asyncio.create_task(self._look(part))
        if part in self._looking:
            with suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    await asyncio.shield(self._looking[part])
        return part

    async def renew(self) -> None:
        """Somebody has changed something, and wants to see it."""
        self._parts.clear()
        self.glances.forget()
        self._sampler.database.outdate()
        await self._sampler.now.see(self._links)
        await self._sampler.reasons.see(self._links)

    async def stop(self) -> None:
        for task in list(self._looking.values()):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await self.glances.stop()

    async def _look(self, part: Part[Any]) -> None:
        try:
            await part.see(self._links)
        finally:
            del self._looking[part]
