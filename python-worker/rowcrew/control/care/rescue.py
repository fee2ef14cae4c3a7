"""Gives back the jobs of workers that died, watched with this worker's own clock and eyes.

A worker is lost when this one saw its count of heartbeats unchanged for a whole lease, its own connection
being healthy throughout. No two machines' clocks are compared, so no clock that steps and no outage of the
database can make a living worker look dead. At the start, what nobody can have touched for long is released
at once.
"""

from __future__ import annotations

import functools
import socket
from typing import Final, NamedTuple

import psycopg

from rowcrew.control.chores.chore import UNTIL_WOKEN
from rowcrew.control.clock import Clock
from rowcrew.control.identity import Identity
from rowcrew.control.set_aside import SetAside, one_by_one
from rowcrew.log import Log
from rowcrew.model.tally import Tally
from rowcrew.process_key import is_surely_dead
from rowcrew.table import worker as table
from rowcrew.table.link import Link, is_about_data
from rowcrew.table.worker import OtherWorker, RescuedJob

FOREIGN_SECONDS: Final = 60.0


class _Sight(NamedTuple):
    """The count of another worker's heartbeats, and since when it stands there by our clock."""

    beats: int
    since: float


class Rescue:
    """A chore of every worker; several at once do no harm, since the first to declare a worker lost wins.

    Args:
        seconds: from one look to the next, while another worker is seen.
    """

    name = "rescue"
    jitter_seconds = 0.0

    def __init__(
        self,
        *,
        seconds: float,
        link: Link,
        identity: Identity,
        set_aside: SetAside,
        tally: Tally,
        clock: Clock,
        log: Log,
    ) -> None:
        self._seconds = seconds
        self._link = link
        self._identity = identity
        self._set_aside = set_aside
        self._tally = tally
        self._clock = clock
        self._log = log
        self._seen: dict[int, _Sight] = {}
        self._is_alone = False
        self._opened = 0
        self._foreign_due = clock.now()

    @property
    def period_seconds(self) -> float:
        return UNTIL_WOKEN if self._is_alone else self._seconds

    async def at_start(self) -> None:
        """Release the jobs of workers that are dead for certain."""
        host = socket.gethostname()
        await self._take_over(
            [
                (other.id, other.beats)
                for other in await self._observe()
                if other.silent_for_long or (other.host == host and _is_gone(other.process_key))
            ]
        )

    async def once(self) -> None:
        """One look at the others; what was seen before an outage counts no more."""
        try:
            await self._look()
        except psycopg.Error:
            self._seen.clear()
            self._is_alone = False
            raise
        self._is_alone = not self._seen

    async def _look(self) -> None:
        others = await self._observe()
        if self._link.opened != self._opened:
            # The connection was lost in between: what was seen before counts no more.
            self._opened = self._link.opened
            self._seen.clear()
        now = self._clock.now()
        self._seen = {other.id: self._sight(other.id, other.beats, now) for other in others}
        dead = [
            (other.id, other.beats)
            for other in others
            if now - self._seen[other.id].since >= other.lease_seconds
        ]
        await self._take_over(dead)
        if now >= self._foreign_due:
            await self._give_back_foreign()
            self._foreign_due = now + FOREIGN_SECONDS

    async def _observe(self) -> list[OtherWorker]:
        return await table.observe(self._link, self._identity.worker_id)

    def _sight(self, worker: int, beats: int, now: float) -> _Sight:
        seen = self._seen.get(worker)
        return seen if seen is not None and seen.beats == beats else _Sight(beats, now)

    async def _take_over(self, dead: list[tuple[int, int]]) -> None:
        if not dead:
            return
        workers, beats = [worker for worker, _ in dead], [beats for _, beats in dead]
        for worker, _ in dead:
            self._log.event("worker.rescued", worker=worker)
        rescue = functools.partial(table.rescue, self._link, workers=workers, beats=beats)
        try:
            while jobs := await rescue():
                self._tell(jobs)
        except psycopg.Error as error:
            if not is_about_data(error):
                raise
            held = [row.id for worker in workers for row in await table.held(self._link, worker)]
            async for jobs in one_by_one(held, lambda ids: rescue(only=ids), self._set_aside.held):
                self._tell(jobs)

    async def _give_back_foreign(self) -> None:
        rescue = functools.partial(table.rescue_foreign, self._link)
        left = await table.left_foreign(self._link)
        async for jobs in one_by_one(left, lambda ids: rescue(only=ids), self._set_aside.held):
            self._tell(jobs)

    def _tell(self, jobs: list[RescuedJob]) -> None:
        for job in jobs:
            self._log.event("job.rescued", job_id=job.id, type=job.type, status=job.status)
            self._tally.rescued(job.queue, job.type)


def _is_gone(process_key: str | None) -> bool:
    try:
        return is_surely_dead(process_key)
    except OSError:  # nobody can look without a descriptor; a lease tells as well, later
        return False
