"""Gives back the jobs of workers that died, watched with this worker's own clock and eyes.

A worker is lost when this one saw its count of heartbeats unchanged for a whole lease, its own connection
being healthy throughout. No two machines' clocks are compared, so no clock that steps and no outage of the
database can make a living worker look dead. At the start, what nobody can have touched for long is released
at once.
"""

from __future__ import annotations

import asyncio
import socket
import time
from typing import Any, Final, NamedTuple

import psycopg

from rowcrew.control.identity import Identity, is_surely_dead
from rowcrew.control.outage import Outage
from rowcrew.log import Log
from rowcrew.settings import Settings
from rowcrew.table.connection import Line

FOREIGN_SECONDS: Final = 60.0
ALONE_BEATS: Final = 2  # a worker that sees no other looks half as often for one
_CALL_SECONDS: Final = 4.0


class _Sight(NamedTuple):
    beats: int
    since: float


class Rescue:
    """A chore of every worker; several at once do no harm, since the first to declare a worker lost wins."""

    def __init__(self, *, line: Line, identity: Identity, settings: Settings, log: Log) -> None:
        self._line = line
        self._identity = identity
        self._seconds = settings.heartbeat_seconds
        self._log = log
        self._outage = Outage(line=line, purpose="rescue", log=log)
        self._seen: dict[int, _Sight] = {}
        self._opened = 0
        self._foreign_due = time.monotonic()

    async def at_start(self) -> None:
        """Release the jobs of workers that are dead for certain."""
        host = socket.gethostname()
        dead = []
        for worker, beats, _, their_host, key, silent_for_long in await self._observe():
            if silent_for_long or (their_host == host and is_surely_dead(key)):
                dead.append((worker, beats))
        await self._take_over(dead)

    async def run(self) -> None:
        while True:
            pause = self._seconds
            try:
                await self.look()
                self._outage.ended()
                if not self._seen:
                    pause = ALONE_BEATS * self._seconds
            except psycopg.Error as error:
                self._seen.clear()
                self._outage.began(error)
            await asyncio.sleep(pause)

    async def look(self) -> None:
        """One look at the others."""
        workers = await self._observe()
        if self._line.opened != self._opened:
            # The connection was lost in between: what was seen before counts no more.
            self._opened = self._line.opened
            self._seen.clear()
        now = time.monotonic()
        self._seen = {worker: self._sight(worker, beats, now) for worker, beats, *_ in workers}
        dead = [
            (worker, beats)
            for worker, beats, lease_seconds, *_ in workers
            if now - self._seen[worker].since >= lease_seconds
        ]
        await self._take_over(dead)
        if now >= self._foreign_due:
            self._tell(await self._line.fetch("rescue_foreign", {}, _CALL_SECONDS))
            self._foreign_due = now + FOREIGN_SECONDS

    async def _observe(self) -> list[Any]:
        return await self._line.fetch("observe", {"worker": self._identity.worker_id}, _CALL_SECONDS)

    def _sight(self, worker: int, beats: int, now: float) -> _Sight:
        seen = self._seen.get(worker)
        return seen if seen is not None and seen.beats == beats else _Sight(beats, now)

    async def _take_over(self, dead: list[tuple[int, int]]) -> None:
        if not dead:
            return
        parameters = {"workers": [worker for worker, _ in dead], "beats": [beats for _, beats in dead]}
        for worker, _ in dead:
            self._log.event("worker.rescued", worker=worker)
        while rows := await self._line.fetch("rescue", parameters, _CALL_SECONDS):
            self._tell(rows)

    def _tell(self, rows: list[Any]) -> None:
        for job_id, type, status in rows:
            self._log.event("job.rescued", job_id=job_id, type=type, status=status)
