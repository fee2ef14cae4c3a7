"""Reserves all but the odd row when reserving together fails: a row no statement takes, or too large to send.

In: what `reserve` asked for, and how it takes rows of given ids. Out: the jobs of the good rows; the odd one
goes to `set_aside`.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

import psycopg

from rowcrew.control.road.appetite import Ask
from rowcrew.control.set_aside import SetAside, one_by_one
from rowcrew.model.floors import Probes
from rowcrew.model.job import Job
from rowcrew.table import worker as table
from rowcrew.table.link import Link, is_about_data
from rowcrew.table.opening import CALL_SECONDS, DeadlineOver

# As stored, which is compressed: text in JSON may be a hundred times as long.
LARGE_BYTES: Final = 256 * 1024
ALONE_SECONDS: Final = 2 * CALL_SECONDS


TakeAll = Callable[[], Awaitable[list[Job]]]


class Take(Protocol):
    """Reserves those of these rows that are ready."""

    async def __call__(self, *, only: Sequence[int], seconds: float | None = None) -> list[Job]: ...


class OddRows:
    """The careful way to reserve.

    Attributes:
        suspected: a reserve had no answer for long, perhaps because of a payload that takes long to send.
    """

    def __init__(self, *, link: Link, set_aside: SetAside) -> None:
        self._link = link
        self._set_aside = set_aside
        self.suspected = False
        self._had_small = False

    async def together(self, take: TakeAll) -> list[Job] | None:
        """All in one statement; None when one of the rows is odd, or may be: then `take` them apart."""
        if self.suspected:
            return None
        try:
            return await take()
        except (psycopg.Error, UnicodeError) as error:
            if not is_about_data(error):
                raise
            return None

    async def take(self, ask: Ask, probes: Probes, take: Take, *, limited: bool = False) -> list[Job]:
        """Large rows each alone and last, the others together as far as they go.

        Raises:
            psycopg.Error: the statement fails without any row as well, or the database was not reached.
        """
        await take(only=[])
        ready = await table.ready(self._link, types=ask.types, room=ask.room, probes=probes, limited=limited)
        small = [row.id for row in ready if row.payload_bytes < LARGE_BYTES]
        large = [row.id for row in ready if row.payload_bytes >= LARGE_BYTES]
        jobs: list[Job] = []
        try:
            if self._takes_small(large):
                async for some in one_by_one(small, lambda ids: take(only=ids), self._set_aside.queued):
                    jobs += some
            if not jobs:
                jobs = await self._first_of(large, take)
        except psycopg.Error:
            if not jobs:
                raise  # else the next look meets it, and these jobs are not lost
        return jobs

    def _takes_small(self, large: Sequence[int]) -> bool:
        """In turns with the large ones, which would else wait for the end of a steady stream."""
        self._had_small = not (self._had_small and large)
        return self._had_small

    async def _first_of(self, large: Sequence[int], take: Take) -> list[Job]:
        """While none can be taken, one may still be locked by the reserve that nobody waits for."""
        alone = functools.partial(_take_alone, take)
        for id in large:
            try:
                async for jobs in one_by_one([id], alone, self._set_aside.queued):
                    if jobs:
                        return jobs
            except DeadlineOver as error:
                await self._set_aside.held(id, error)
        self.suspected = bool(large)
        return []


async def _take_alone(take: Take, ids: Sequence[int]) -> list[Job]:
    return await take(only=ids, seconds=ALONE_SECONDS)
