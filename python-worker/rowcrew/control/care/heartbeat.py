"""Proves life, and carries out what follows from comparing leases.

Every beat (now and then while nothing is held), and right after every outage before anything is reserved
again. A cancel takes this way when no notification arrives. Out: a row of `workers` that others watch, proofs
of life to `fence`, runs to `stopping`, rows to give back to `record`, what is asked to `asked`.
"""

from __future__ import annotations

import asyncio
from typing import Final

import psycopg

from rowcrew.control.asked import Requests
from rowcrew.control.care.compare import NOTHING_COMPARED, compare
from rowcrew.control.care.fence import FenceWatch
from rowcrew.control.children.usage import Usage
from rowcrew.control.clock import Clock
from rowcrew.control.identity import Identity
from rowcrew.control.ledger import Ledger
from rowcrew.control.outage import Outage
from rowcrew.control.road.record import Recorder
from rowcrew.control.road.stopping import Stopping
from rowcrew.control.run import StopReason
from rowcrew.liveness import Liveness
from rowcrew.log import Log
from rowcrew.model.asked import Asked
from rowcrew.table import worker as table
from rowcrew.table.hosts import is_refusal
from rowcrew.table.link import Link

# A reservation whose answer was lost may still be under way in the database: also the idle look at times.
IDLE_COMPARE_SECONDS: Final = 60.0
_AGAIN_SECONDS: Final = 1.0


class Heartbeat:
    """The beat of one worker.

    Args:
        seconds: from one beat to the next.

    Attributes:
        came_round_at: when the last beat had its answer, or none and will be tried again.
        answered_at: when a beat had its answer last.
        is_failing: whether it had none.
    """

    def __init__(
        self,
        *,
        seconds: float,
        link: Link,
        identity: Identity,
        ledger: Ledger,
        recorder: Recorder,
        stopping: Stopping,
        requests: Requests,
        fence: FenceWatch,
        liveness: Liveness,
        usage: Usage,
        clock: Clock,
        log: Log,
    ) -> None:
        self._seconds = seconds
        self._link = link
        self._identity = identity
        self._ledger = ledger
        self._recorder = recorder
        self._stopping = stopping
        self._requests = requests
        self._fence = fence
        self._liveness = liveness
        self._usage = usage
        self._clock = clock
        self._log = log
        self._asked = asyncio.Event()
        self._compared = NOTHING_COMPARED
        self._holds_nothing = False
        self._checking = asyncio.Lock()
        self._outage = Outage(link=link, purpose="heartbeat", log=log)
        self.came_round_at = self.answered_at = clock.now()
        self.is_failing = False

    def check_soon(self) -> None:
        """A notification says that a run of ours was changed: look now instead of at the next beat."""
        self._asked.set()

    async def run(self) -> None:
        while True:
            await self._clock.wait(self._asked, await self.once())
            self._asked.clear()

    async def once(self) -> float:
        """One beat and one comparison, if the database is there; in how many seconds the next is due."""
        try:
            await self.check()
        except psycopg.Error as error:
            self._outage.met(error)
            return self._came_round(_AGAIN_SECONDS, is_failing=True)
        return self._came_round(self._seconds, is_failing=False)

    def _came_round(self, next_seconds: float, *, is_failing: bool) -> float:
        self.came_round_at, self.is_failing = self._clock.now(), is_failing
        if not is_failing:
            self.answered_at = self.came_round_at
        return next_seconds

    async def check(self, *, nothing_in_flight: bool = False) -> None:
        """One beat and one comparison.

        Args:
            nothing_in_flight: no reserve is under way, so a lease unknown here is given back at once.

        Raises:
            psycopg.Error: the database was not reached.
        """
        async with self._checking:
            sent = self._clock.now()
            if (beat := await self._beat(sent)) is not None:
                self._acknowledged(sent)
                self._requests.hear(beat.asked)
            else:
                self._requests.hear(await self._enter_anew())
            idle = self._holds_nothing and not self._ledger and not nothing_in_flight
            if not idle or sent >= self._compared.asked_at + IDLE_COMPARE_SECONDS:
                await self._compare(sent, nothing_in_flight)

    async def _beat(self, sent: float) -> table.Beat | None:
        try:
            return await table.beat(
                self._link,
                worker=self._identity.worker_id,
                boot=self._identity.boot_id,
                **self._usage.sample(),
            )
        except psycopg.Error as error:
            if is_refusal(error, hosts=self._link.hosts):
                self._fence.refused(sent)
            raise

    def _acknowledged(self, sent: float) -> None:
        self._liveness.touch()
        self._outage.passed()
        self._fence.open(sent)

    async def _compare(self, sent: float, nothing_in_flight: bool) -> None:
        held = await table.held(self._link, self._identity.worker_id)
        known = {row.lease_id: row.id for row in held}
        self._compared = compare(
            known,
            list(self._ledger),
            asked_at=sent,
            before=self._compared,
            reserving_since=self._ledger.reserving_since,
            nothing_in_flight=nothing_in_flight,
        )
        for run in self._compared.stop:
            self._stopping.stop(run, StopReason.TAKEN)
        for lease_id, id in self._compared.give_back.items():
            self._recorder.give_back(id, lease_id)
        self._holds_nothing = not known and not self._ledger

    async def _enter_anew(self) -> Asked | None:
        """Others have taken our jobs already: stop, and begin again under a new id."""
        self._log.event("worker.declared_lost")
        self._fence.declared_lost()
        asked = await self._identity.enter()
        self._acknowledged(self._clock.now())
        return asked
