"""Looks after launched workers in other places: those that ended before they came, and those that do not end.

In: a link and the launchers. Out: closed rows, workers that their place is asked to end, a line for each.
Called by `care`. A place is asked nothing while all is well: it is far away, and counts the questions.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import time
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Final, TypeVar

from rowcrew.log import Log
from rowcrew.model.cleaning import describe
from rowcrew.spawn.launcher import Launcher, PlaceFailed
from rowcrew.spawn.places import COMMAND, Places
from rowcrew.table import spawn as table
from rowcrew.table.link import Link
from rowcrew.table.spawn import WorkerElsewhere

T = TypeVar("T")
LOOK_SECONDS: Final = 10.0


class Elsewhere:
    """The care of one spawner for workers that run on no machine of its own.

    Args:
        queues: those whose workers it knows where to find; None = all.
    """

    def __init__(self, *, link: Link, places: Places, queues: Sequence[str] | None, log: Log) -> None:
        self._link = link
        self._places = places
        self._queues = queues
        self._log = log
        self._ended: set[str] = set()
        self._looked_at: dict[str, float] = {}
        self._told: dict[str, str] = {}

    async def once(self, *, grace: float) -> None:
        """See to those that are late to come or to go; `grace` is how many seconds they have for that.

        Raises:
            psycopg.Error: the database was not reached.
        """
        late = await table.late_elsewhere(self._link, queues=self._queues, grace=grace)
        self._ended &= {worker.handle for worker in late}
        for launcher, workers in itertools.groupby(late, key=attrgetter("launcher")):
            await self._see_to(launcher, list(workers))

    async def end(self, launcher: str, handle: str) -> None:
        """Ask its place to end a worker, which may be waiting there for room; a command has no such place."""
        if launcher != COMMAND:
            await self._ask(launcher, lambda place: place.end(handle))

    async def _see_to(self, launcher: str, workers: Sequence[WorkerElsewhere]) -> None:
        for worker in workers:
            if worker.over_seconds is not None and worker.handle not in self._ended:
                await self._end_late(launcher, worker, worker.over_seconds)
        missing = [worker for worker in workers if not worker.registered]
        now = time.monotonic()
        if missing and now - self._looked_at.get(launcher, -math.inf) >= LOOK_SECONDS:
            self._looked_at[launcher] = now
            running = await self._ask(launcher, lambda place: place.running())
            if running is not None:
                await self._bury([worker for worker in missing if worker.handle not in running])

    async def _end_late(self, launcher: str, worker: WorkerElsewhere, seconds: float) -> None:
        await self.end(launcher, worker.handle)
        if launcher not in self._told:
            self._ended.add(worker.handle)
            self._log.event(
                "worker.over_time_elsewhere", name=worker.name, seconds=seconds, launcher=launcher
            )

    async def _bury(self, gone: Sequence[WorkerElsewhere]) -> None:
        """Close the rows of workers that will not come any more: nobody waits the whole time for them."""
        for worker in gone:
            message = f"it ended before it registered: {worker.launcher} has its reason"
            if await table.fail_launch(self._link, worker=worker.id, message=message):
                self._log.event(
                    "worker.never_came",
                    name=worker.name,
                    label=worker.queue,
                    reason=message,
                    worker=worker.id,
                )

    async def _ask(self, launcher: str, question: Callable[[Launcher], T]) -> T | None:
        """What its place answers; None when it does not, which is told once and not at every check."""
        try:
            place = self._places.launcher(launcher, None)
            answer = await asyncio.to_thread(question, place)
        except Exception as error:
            reason = str(error) if isinstance(error, PlaceFailed) else describe(error)
            if self._told.get(launcher) != reason:
                self._told[launcher] = reason
                self._log.event("place.failed", launcher=launcher, reason=reason)
            return None
        self._told.pop(launcher, None)
        return answer
