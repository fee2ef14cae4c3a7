"""Acknowledges rows that somebody changed while their run was on: the run is dead, the row is free.

In: jobs from `road.ending` and `road.record`. Out: rows that others may reserve; without a word from here
they wait for 30 seconds.
"""

from __future__ import annotations

import asyncio

import psycopg

from rowcrew.log import Log
from rowcrew.model.job import Job
from rowcrew.table import worker as table
from rowcrew.table.link import Link, reason


class LettingGo:
    """One short statement for each such row, each on its own: they are rare."""

    def __init__(self, *, link: Link, log: Log) -> None:
        self._link = link
        self._log = log
        self._under_way: set[asyncio.Task[None]] = set()

    def let_go(self, job: Job) -> None:
        """Acknowledge soon; nothing waits for it but `done`."""
        task = asyncio.create_task(self.acknowledge(job))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def acknowledge(self, job: Job) -> None:
        try:
            await table.ack(self._link, id=job.id, lease_id=job.lease_id)
        except psycopg.Error as error:
            self._log.event("database.lost", purpose="acknowledge", reason=reason(error))

    async def done(self) -> None:
        """Wait until every acknowledgement so far was sent."""
        await asyncio.gather(*self._under_way)
