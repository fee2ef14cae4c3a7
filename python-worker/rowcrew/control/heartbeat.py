"""Proves life, compares what the database says is held here with what is, and fences when it cannot.

Every beat (now and then while nothing is held), and right after every outage before anything is reserved
again: a lease held here that the database does not know is somebody's change or a reservation lost in a crash
of the server, so its run is stopped and nothing is written; one that the database knows and nothing here
holds is given back. This is the way a cancel takes when no notification arrives.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import psycopg

from rowcrew.control.identity import Identity
from rowcrew.control.ledger import Ledger, StopReason
from rowcrew.control.outage import Outage
from rowcrew.control.record import Recorder
from rowcrew.control.stopping import Stopping
from rowcrew.liveness import Liveness
from rowcrew.log import Log
from rowcrew.model.fence import Fence
from rowcrew.settings import Settings
from rowcrew.table import worker as table
from rowcrew.table.link import Link, is_refusal

# A reservation whose answer was lost may still be under way in the database: also the idle look at times.
IDLE_COMPARE_SECONDS: Final = 60.0
_AGAIN_SECONDS: Final = 1.0


class Heartbeat:
    """Args:
    usage: memory in bytes and CPU in percent of this worker, for its row.

    Attributes:
        sound: set while reserving is allowed: the last beat was acknowledged and the fence is open.
    """

    def __init__(
        self,
        *,
        link: Link,
        identity: Identity,
        ledger: Ledger,
        recorder: Recorder,
        stopping: Stopping,
        liveness: Liveness,
        settings: Settings,
        log: Log,
        usage: Callable[[], dict[str, Any]],
    ) -> None:
        self._link = link
        self._identity = identity
        self._ledger = ledger
        self._recorder = recorder
        self._stopping = stopping
        self._liveness = liveness
        self._settings = settings
        self._log = log
        self._usage = usage
        self._fence = Fence(seconds=settings.fence_seconds, now=time.monotonic())
        self._asked = asyncio.Event()
        self._unheld: set[str] = set()
        self._holds_nothing = False
        self._compared_at = 0.0
        self._checking = asyncio.Lock()
        self._outage = Outage(link=link, purpose="heartbeat", log=log)
        self.sound = asyncio.Event()

    def check_soon(self) -> None:
        """A notification says that a run of ours was changed: look now instead of at the next beat."""
        self._asked.set()

    async def run(self) -> None:
        while True:
            try:
                await self.check()
                pause = self._settings.heartbeat_seconds
            except psycopg.Error as error:
                self._outage.began(error)
                pause = _AGAIN_SECONDS
            await self._pause(pause)

    async def watch(self) -> None:
        """Close the fence in time. On a task of its own: a beat that hangs must not delay it."""
        while True:
            remaining = self._fence.remaining(time.monotonic())
            if remaining <= 0:
                if self.sound.is_set() or self._ledger.in_flight:
                    self._close_fence()
                remaining = _AGAIN_SECONDS
            await asyncio.sleep(remaining)

    async def check(self, *, nothing_in_flight: bool = False) -> None:
        """One beat and one comparison.

        Args:
            nothing_in_flight: no reserve is under way, so a lease unknown here is given back at once.

        Raises:
            psycopg.Error: the database was not reached.
        """
        async with self._checking:
            sent = time.monotonic()
            try:
                alive = await table.beat(
                    self._link,
                    worker=self._identity.worker_id,
                    boot=self._identity.boot_id,
                    **self._usage(),
                )
            except psycopg.Error as error:
                if is_refusal(error):
                    self._fence.proven(sent)
                raise
            if alive:
                self._acknowledged(sent)
            else:
                await self._enter_anew()
            idle = self._holds_nothing and not self._ledger and not nothing_in_flight
            if idle and sent < self._compared_at + IDLE_COMPARE_SECONDS:
                return
            held = await table.held(self._link, self._identity.worker_id)
            self._compare({lease_id: id for id, lease_id in held}, sent, nothing_in_flight)

    def _acknowledged(self, sent: float) -> None:
        self._fence.proven(sent)
        self._liveness.touch()
        self._outage.ended()
        self.sound.set()

    def _compare(self, known: dict[str, int], sent: float, certain: bool) -> None:
        for run in self._ledger:
            if run.job.lease_id not in known and run.reserved_at < sent and not run.ended:
                self._stopping.stop(run, StopReason.TAKEN)
        unheld = {lease_id for lease_id in known if lease_id not in self._ledger}
        for lease_id in unheld if certain else self._surely_lost(unheld):
            self._recorder.give_back(known[lease_id], lease_id)
        self._unheld = unheld
        self._holds_nothing = not known and not self._ledger
        self._compared_at = sent

    def _surely_lost(self, unheld: set[str]) -> set[str]:
        """Leases that were unheld at the last comparison too, unless a late answer may bring them."""
        since = self._ledger.reserving_since
        if since is not None and since <= self._compared_at:
            return set()
        return unheld & self._unheld

    async def _enter_anew(self) -> None:
        """Others have taken our jobs already: stop, and begin again under a new id."""
        self.sound.clear()
        self._log.event("worker.declared_lost")
        self._stopping.kill_all(StopReason.TAKEN)
        await self._identity.enter()
        self._acknowledged(time.monotonic())

    def _close_fence(self) -> None:
        self.sound.clear()
        self._log.event("fence.closed", seconds=self._settings.fence_seconds)
        self._stopping.kill_all(StopReason.FENCED)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._asked.wait(), seconds)
        self._asked.clear()
