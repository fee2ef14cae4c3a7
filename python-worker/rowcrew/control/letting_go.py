"""Acknowledges rows that somebody changed while their run was on: the run is dead, the row is free.

In: jobs from `road.ending` and `road.record`. Out: rows that others may reserve; without a word from here
they wait for 30 seconds. Nothing waits for a row that somebody has locked: it is asked for again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import psycopg

from rowcrew.control.clock import Clock
from rowcrew.control.outage import Outage
from rowcrew.control.set_aside import one_by_one
from rowcrew.log import Log
from rowcrew.model.job import Job
from rowcrew.table import worker as table
from rowcrew.table.link import Link, reason

AGAIN_SECONDS: Final = 1.0


class LettingGo:
    """All that have come by now in one statement; those whose rows are locked a second later once more."""

    def __init__(self, *, link: Link, clock: Clock, log: Log) -> None:
        self._link = link
        self._clock = clock
        self._log = log
        self._outage = Outage(link=link, purpose="acknowledge", log=log)
        self._dead: dict[str, Job] = {}
        self._sending: asyncio.Task[None] | None = None

    def let_go(self, job: Job) -> None:
        """Acknowledge soon; nothing waits for it but `done`."""
        self._dead[job.lease_id] = job
        self._send_soon()

    async def done(self) -> None:
        """Wait until everything so far was sent; what is locked is sent once more, and left."""
        self._send_soon()
        if self._sending is not None:
            await self._sending

    def _send_soon(self) -> None:
        if self._dead and (self._sending is None or self._sending.done()):
            self._sending = asyncio.create_task(self._send())

    async def _send(self) -> None:
        left: list[Job] = []
        while self._dead:
            jobs, self._dead = list(self._dead.values()), {}
            left += await self._acknowledge(jobs)
        if left:
            self._dead = {job.lease_id: job for job in left}
            self._clock.call_later(AGAIN_SECONDS, self._send_soon)

    async def _acknowledge(self, jobs: Sequence[Job]) -> list[Job]:
        """Those of the jobs that are to be acknowledged again."""
        locked: set[int] = set()
        try:
            async for some in one_by_one(jobs, self._ack, self._give_up):
                locked |= some
        except psycopg.Error as error:
            self._outage.met(error)
            return list(jobs)
        self._outage.passed()
        return [job for job in jobs if job.id in locked]

    async def _ack(self, jobs: Sequence[Job]) -> set[int]:
        ids, leases = [job.id for job in jobs], [job.lease_id for job in jobs]
        answers = await table.ack(self._link, ids=ids, leases=leases)
        return {answer.id for answer in answers if answer.is_locked}

    async def _give_up(self, job: Job, error: Exception) -> None:
        """Its row takes no word: whoever mends it finds it free after thirty seconds."""
        self._log.event("job.unstorable", job_id=job.id, reason=reason(error))
