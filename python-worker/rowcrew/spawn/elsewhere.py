"""Looks after launched workers in other places: those that ended before they came, and those that do not end.

In: a link and the launchers. Out: closed rows, workers that their place is asked to end, a line for each.
Called by `care`. A place is asked nothing while all is well: it is far away, and counts the questions.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import time
from collections.abc import Sequence
from operator import attrgetter
from typing import Final

from rowcrew.log import Log
from rowcrew.spawn.launcher import Launcher, PlaceFailed
from rowcrew.spawn.places import COMMAND, Places
from rowcrew.table import spawn as table
from rowcrew.table.link import Link
from rowcrew.table.spawn import WorkerElsewhere

LOOK_SECONDS: Final = 10.0


class Elsewhere:
    """The care of one spawner for workers that run on no machine of its own."""

    def __init__(self, *, link: Link, places: Places, log: Log) -> None:
        self._link = link
        self._places = places
        self._log = log
        self._ended: set[str] = set()
        self._looked_at: dict[str, float] = {}
        self._told: dict[str, str] = {}

    async def once(self, *, grace: float) -> None:
        """See to those that are late to come or to go; `grace` is how many seconds they have for that.

        Raises:
            psycopg.Error: the database was not reached.
        """
        late = await table.late_elsewhere(self._link, grace=grace)
        for launcher, workers in itertools.groupby(late, key=attrgetter("launcher")):
            await self._see_to(launcher, list(workers))

    async def end(self, launcher: str, handle: str) -> None:
        """Ask its place to end a worker, which may be waiting there for room; a command has no such place."""
        if launcher == COMMAND:
            return
        try:
            place = self._places.launcher(launcher, None)
            await asyncio.to_thread(place.end, handle)
        except PlaceFailed as error:
            self._tell(launcher, error)

    async def _see_to(self, launcher: str, workers: Sequence[WorkerElsewhere]) -> None:
        for worker in workers:
            if worker.over_seconds is not None and worker.handle not in self._ended:
                self._ended.add(worker.handle)
                self._log.event(
                    "worker.over_time_elsewhere",
                    name=worker.name,
                    seconds=worker.over_seconds,
                    launcher=launcher,
                )
                await self.end(launcher, worker.handle)
        if missing := [worker for worker in workers if not worker.registered]:
            try:
                await self._look_for(self._places.launcher(launcher, None), missing)
            except PlaceFailed as error:
                self._tell(launcher, error)

    async def _look_for(self, place: Launcher, missing: Sequence[WorkerElsewhere]) -> None:
        """Close the rows of workers that will not come any more: nobody waits the whole time for them."""
        now = time.monotonic()
        if now - self._looked_at.get(place.name, -math.inf) < LOOK_SECONDS:
            return
        self._looked_at[place.name] = now
        running = await asyncio.to_thread(place.running)
        for worker in missing:
            if running is None or worker.handle in running:
                continue
            message = f"it ended before it registered: {place.name} has its reason"
            if await table.fail_launch(self._link, worker=worker.id, message=message):
                self._log.event(
                    "worker.never_came",
                    name=worker.name,
                    label=worker.queue,
                    reason=message,
                    worker=worker.id,
                )

    def _tell(self, launcher: str, error: PlaceFailed) -> None:
        """A place that does not answer is told once, not at every check."""
        if self._told.get(launcher) != str(error):
            self._told[launcher] = str(error)
            self._log.event("place.failed", launcher=launcher, reason=str(error))
