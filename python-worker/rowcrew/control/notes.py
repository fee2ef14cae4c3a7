"""Writes progress and checkpoints of running jobs, once a second at most, and touches runs that take long.

A run longer than a minute moves its "updatedAt", so that looking for rows that stand still never shows a
healthy one.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Final

import msgspec
import psycopg

from rowcrew.control.ledger import Ledger, Run
from rowcrew.control.outage import Outage
from rowcrew.log import Log
from rowcrew.table import worker as table
from rowcrew.table.link import Link, is_outage, reason

EVERY_SECONDS: Final = 1.0
TOUCH_SECONDS: Final = 30.0


class Notes:
    """In: runs with something new to say. Out: rows."""

    def __init__(self, *, link: Link, ledger: Ledger, log: Log) -> None:
        self._link = link
        self._ledger = ledger
        self._log = log
        self._outage = Outage(link=link, purpose="progress", log=log)
        self._noted: dict[str, Run] = {}
        self._arrived = asyncio.Event()

    def noted(self, run: Run) -> None:
        self._noted[run.job.lease_id] = run
        self._arrived.set()

    async def run(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._arrived.wait(), TOUCH_SECONDS / 2)
            self._arrived.clear()
            runs = self._due()
            if runs:
                await self._write(runs)
            await asyncio.sleep(EVERY_SECONDS)

    def _due(self) -> list[Run]:
        noted, self._noted = self._noted, {}
        untouched = time.monotonic() - TOUCH_SECONDS
        long = [run for run in self._ledger if run.started_at is not None and run.written_at < untouched]
        return [run for run in {**noted, **{run.job.lease_id: run for run in long}}.values() if not run.ended]

    async def _write(self, runs: list[Run]) -> None:
        notes = [
            {
                "id": run.job.id,
                "lease": run.job.lease_id,
                "progress": raw(run.progress),
                "checkpoint": raw(run.checkpoint),
            }
            for run in runs
        ]
        sent = {run.job.lease_id: (run, run.progress, run.checkpoint) for run in runs}
        try:
            document = msgspec.json.encode(notes).decode()
            written = await table.note(self._link, document)
        except psycopg.Error as error:
            # Said again, a second later. Only a value that no column takes is given up.
            if is_outage(error) and not isinstance(error, psycopg.errors.ProgramLimitExceeded):
                self._outage.began(error)
                self._noted = {lease: run for lease, (run, _, _) in sent.items()} | self._noted
                self._arrived.set()
            else:
                self._log.event("job.unstorable", job_id=[run.job.id for run in runs], reason=reason(error))
            return
        self._outage.ended()
        for lease_id in written:
            run, progress, checkpoint = sent[lease_id]
            run.written_at = time.monotonic()
            run.progress = None if run.progress is progress else run.progress
            run.checkpoint = None if run.checkpoint is checkpoint else run.checkpoint


def raw(data: bytes | None) -> msgspec.Raw | None:
    """JSON text as it stands, inside other JSON."""
    return None if data is None else msgspec.Raw(data)
