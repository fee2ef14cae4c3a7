"""Writes progress and checkpoints of running jobs, and touches runs that take long.

Once a second at most, or as soon as these values are so many that runners must keep theirs.
A run longer than a minute moves its "updatedAt", so that looking for rows that stand still never shows a
healthy one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

import msgspec
import psycopg

from rowcrew.control.clock import Clock
from rowcrew.control.ledger import Ledger
from rowcrew.control.outage import Outage
from rowcrew.control.road.backlog import Backlog
from rowcrew.control.run import Run
from rowcrew.control.set_aside import one_by_one
from rowcrew.log import Log
from rowcrew.table import worker as table
from rowcrew.table.link import Link, reason

Item = TypeVar("Item")

EVERY_SECONDS: Final = 1.0
TOUCH_SECONDS: Final = 30.0
MOST_BYTES: Final = 4 * 1024 * 1024


class Notes:
    """The writer of what runs say about themselves. In: runs with something new. Out: rows."""

    def __init__(self, *, link: Link, ledger: Ledger, backlog: Backlog, clock: Clock, log: Log) -> None:
        self._link = link
        self._ledger = ledger
        self._backlog = backlog
        self._clock = clock
        self._log = log
        self._outage = Outage(link=link, purpose="progress", log=log)
        self._noted: dict[str, Run] = {}
        self._arrived = asyncio.Event()

    def add(self, run: Run) -> None:
        """This run has new progress or a new checkpoint."""
        self._noted[run.job.lease_id] = run
        self._count(run, _size(run))
        self._arrived.set()

    def _count(self, run: Run, size: int) -> None:
        if not run.is_over:  # else its end has taken the values along, and their count
            self._backlog.add(size - run.bytes_noted)
            run.bytes_noted = size

    async def run(self) -> None:
        while True:
            await self._clock.wait(self._arrived, TOUCH_SECONDS / 2)
            self._arrived.clear()
            if await self.once():
                await self._clock.wait(self._backlog.full, EVERY_SECONDS)
            else:
                await self._clock.sleep(EVERY_SECONDS)

    async def once(self) -> bool:
        """Write what is new, and touch what takes long; whether the database was there for all of it."""
        due = self._due()
        return all([await self._write(runs) for runs in portions(due, [_size(run) for run in due])])

    def _due(self) -> list[Run]:
        noted, self._noted = self._noted, {}
        untouched = self._clock.now() - TOUCH_SECONDS
        long = [run for run in self._ledger if run.started_at is not None and run.written_at < untouched]
        due = {**noted, **{run.job.lease_id: run for run in long}}
        return [run for run in due.values() if not run.is_over]

    async def _write(self, runs: list[Run]) -> bool:
        try:
            async for _ in one_by_one(runs, self._note, self._give_up):
                pass
        except psycopg.Error as error:  # said again, a second later
            self._outage.met(error)
            self._noted = {run.job.lease_id: run for run in runs} | self._noted
            self._arrived.set()
            return False
        self._outage.passed()
        return True

    async def _note(self, runs: Sequence[Run]) -> None:
        sent = {run.job.lease_id: (run, run.progress, run.checkpoint) for run in runs}
        for lease_id in await table.note(self._link, _document(runs)):
            run, progress, checkpoint = sent.pop(lease_id)
            run.told(progress, checkpoint, self._clock.now())
            self._count(run, _size(run))
        for run, _, _ in sent.values():
            self._count_no_more(run)

    def _count_no_more(self, run: Run) -> None:
        """Its row takes nothing: it is locked, or not ours any more. The values wait for the run's end.

        That may wait in its runner for room, which these values must not take.
        """
        if run.job.lease_id not in self._noted:
            self._count(run, 0)

    async def _give_up(self, run: Run, error: Exception) -> None:
        """Its row takes no note now; what comes later may pass, and the end brings the last."""
        self._count_no_more(run)
        self._log.event("job.unstorable", job_id=run.job.id, reason=reason(error))


def _size(run: Run) -> int:
    return len(run.progress or b"") + len(run.checkpoint or b"")


def portions(items: list[Item], sizes: Sequence[int]) -> Iterator[list[Item]]:
    """All of them in order, so many at a time that one statement stays small; a large one stands alone."""
    if sum(sizes) <= MOST_BYTES:  # nearly always, and for ends this is on every job's path
        if items:
            yield items
        return
    portion: list[Item] = []
    size = 0
    for item, more in zip(items, sizes, strict=True):
        if portion and size + more > MOST_BYTES:
            yield portion
            portion, size = [], 0
        portion.append(item)
        size += more
    if portion:
        yield portion


def _document(runs: Sequence[Run]) -> str:
    notes = [
        {
            "id": run.job.id,
            "lease": run.job.lease_id,
            "progress": raw(run.progress),
            "checkpoint": raw(run.checkpoint),
        }
        for run in runs
    ]
    return msgspec.json.encode(notes).decode()


def raw(data: bytes | None) -> msgspec.Raw | None:
    """JSON text as it stands, inside other JSON."""
    return None if data is None else msgspec.Raw(data)
