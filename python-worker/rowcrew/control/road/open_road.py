"""The open road: takes ready rows that no limit holds back, from above the floors, best first.

In: what `reserve` asks for, kinds of looks (`looks`), places (`places`). Out: jobs to `dispatch`, and lines
to the `limited` road. While the table has no queued row one small query a look is all it sends.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

from rowcrew.control.clock import Clock
from rowcrew.control.identity import Identity
from rowcrew.control.ledger import Ledger
from rowcrew.control.road.appetite import Appetite, Ask
from rowcrew.control.road.dispatch import Dispatcher
from rowcrew.control.road.limited import LimitedRoad
from rowcrew.control.road.looks import Looks
from rowcrew.control.road.odd_rows import OddRows
from rowcrew.control.road.places import Places
from rowcrew.model.floors import BOTTOM, Probes
from rowcrew.model.job import Job
from rowcrew.table import limits
from rowcrew.table import worker as table
from rowcrew.table.link import Link
from rowcrew.table.opening import CALL_SECONDS


class OpenRoad:
    """The lines of one worker, and the looks at them.

    Args:
        queues: the queues to serve; none = all.
        by_priority: whether more urgent jobs come first, or the smallest ids.

    Attributes:
        took_apart: whether the last look took rows one by one, so that more may be ready.
    """

    def __init__(
        self,
        *,
        link: Link,
        queues: tuple[str, ...],
        by_priority: bool,
        identity: Identity,
        ledger: Ledger,
        dispatcher: Dispatcher,
        appetite: Appetite,
        looks: Looks,
        places: Places,
        limited: LimitedRoad,
        odd_rows: OddRows,
        clock: Clock,
    ) -> None:
        self._link = link
        self._queues = queues or None
        self._by_priority = by_priority
        self._identity = identity
        self._ledger = ledger
        self._dispatcher = dispatcher
        self._appetite = appetite
        self._looks = looks
        self._places = places
        self._limited = limited
        self._odd_rows = odd_rows
        self._clock = clock
        self.took_apart = False

    async def look(self, ask: Ask) -> int:
        """Reserve once, now and then from further down than the floors; how many rows it took."""
        look = self._looks.begin(self._clock.now())
        lowest = {"full": BOTTOM, "short": self._places.recent, None: None}[look.sweep]
        if look.learns:
            await self._learn()
        rows = 0
        if self._places.has_rows or not look.learns:
            with self._ledger.reserving():
                jobs = await self._reserve(ask, lowest)
                if jobs:
                    self._dispatcher.take(jobs)
            rows = len(jobs)
            if not jobs and self._places.with_keys:
                await self._pass_keyed(ask)
        if look.sweep is not None:
            self._looks.swept(look.sweep, self._clock.now())
        return rows

    async def _learn(self) -> None:
        lines = await table.lines(self._link, self._queues)
        self._places.learn(lines)
        self._limited.learn(lines)
        self._looks.learned(self._clock.now())

    async def _pass_keyed(self, ask: Ask) -> None:
        """Rows that only limits let start would be read again at every look."""
        probes = self._places.lines_with_keys(ask.types)
        self._places.passed(ask.types, await limits.skip_keyed(self._link, probes=probes, per_key=False))

    async def _reserve(self, ask: Ask, lowest: str | None) -> list[Job]:
        if self._odd_rows.suspected:
            lowest = BOTTOM  # a reserve that nobody waits for any more may have hidden rows from other looks
        probes = self._places.probes(ask.types, lowest)
        # A sweep reads what looks pass over, so what it takes is not learned from them.
        seconds = None if lowest is None else CALL_SECONDS
        take = functools.partial(self._take, ask, probes, seconds=seconds)
        jobs = await self._odd_rows.together(take)
        self.took_apart = jobs is None
        if jobs is None:
            jobs = await self._odd_rows.take(ask, probes, take)
        jobs.sort(key=self._order)
        self._places.move(ask.types, jobs, filled=len(jobs) == ask.room, swept=lowest is not None)
        self._appetite.took(ask, jobs, self._clock.now())
        return jobs

    def _order(self, job: Job) -> tuple[int, str, int]:
        return (-job.priority, job.run_at, job.id) if self._by_priority else (0, "", job.id)

    async def _take(
        self, ask: Ask, probes: Probes, only: Sequence[int] | None = None, seconds: float | None = None
    ) -> list[Job]:
        reserve = table.reserve if self._by_priority else table.reserve_by_id
        return await reserve(
            self._link,
            worker=self._identity.worker_id,
            types=ask.types,
            room=ask.room if only is None else len(only),
            probes=probes,
            only=only,
            seconds=seconds,
        )
