"""Writes progress and checkpoints of running jobs, once a second at most, and touches runs that take long.

A run longer than a minute moves its "updatedAt", so that looking for rows that stand still never shows a
healthy one.
"""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec
import psycopg

from rowcrew.control.clock import Clock
from rowcrew.control.ledger import Ledger
from rowcrew.control.outage import Outage
from rowcrew.control.run import Run
from rowcrew.log import Log
from rowcrew.table import worker as table
from rowcrew.table.link import Link, is_outage, reason

EVERY_SECONDS: Final = 1.0
TOUCH_SECONDS: Final = 30.0


class Notes:
    """The writer of what runs say about themselves. In: runs with something new. Out: rows."""

    def __init__(self, *, link: Link, ledger: Ledger, clock: Clock, log: Log) -> None:
        self._link = link
        self._ledger = ledger
        self._clock = clock
        self._log = log
        self._outage = Outage(link=link, purpose="progress", log=log)
        self._noted: dict[str, Run] = {}
        self._arrived = asyncio.Event()

    def add(self, run: Run) -> None:
        """This run has new progress or a new checkpoint."""
        self._noted[run.job.lease_id] = run
        self._arrived.set()

    async def run(self) -> None:
        while True:
            await self._clock.wait(self._arrived, TOUCH_SECONDS / 2)
            self._arrived.clear()
            await self.once()
            await self._clock.sleep(EVERY_SECONDS)

    async def once(self) -> None:
        """Write what is new, and touch what takes long."""
        if runs := self._due():
            await self._write(runs)

    def _due(self) -> list[Run]:
        noted, self._noted = self._noted, {}
        untouched = self._clock.now() - TOUCH_SECONDS
        long = [run for run in self._ledger if run.started_at is not None and run.written_at < untouched]
        due = {**noted, **{run.job.lease_id: run for run in long}}
        return [run for run in due.values() if not run.is_over]

    async def _write(self, runs: list[Run]) -> None:
        sent = {run.job.lease_id: (run, run.progress, run.checkpoint) for run in runs}
        try:
            written = await table.note(self._link, _document(runs))
        except psycopg.Error as error:
            # Said again, a second later. Only a value that no column takes is given up.
            if is_outage(error) and not isinstance(error, psycopg.errors.ProgramLimitExceeded):
                self._outage.met(error)
                self._noted = {lease: run for lease, (run, _, _) in sent.items()} | self._noted
                self._arrived.set()
            else:
                self._log.event("job.unstorable", job_id=[run.job.id for run in runs], reason=reason(error))
            return
        self._outage.passed()
        for lease_id in written:
            run, progress, checkpoint = sent[lease_id]
            run.told(progress, checkpoint, self._clock.now())


def _document(runs: list[Run]) -> str:
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
