"""Gives the whole worker to one suspect at a time, when only the loss of whole workers can tell which it is.

In: suspects in the line `waiting.lone`. Out: words to `dispatch`, and in this worker's row the lease of the
only run that has begun. A rescuer blames that run for the loss of the worker, and no other (`rescue.sql`).
"""

from __future__ import annotations

from collections.abc import Callable

from rowcrew.control.clock import Clock
from rowcrew.control.identity import Identity
from rowcrew.control.ledger import Ledger
from rowcrew.control.road.dispatch import Dispatcher
from rowcrew.control.road.waiting import Waiting
from rowcrew.control.run import Run
from rowcrew.model.catalogue import Catalogue
from rowcrew.model.suspicion import alone_seconds
from rowcrew.table import worker as table
from rowcrew.table.link import Link


class RunAlone:
    """The chore that looks every second for a suspect that needs the worker for itself."""

    name = "alone"
    period_seconds = 1.0
    jitter_seconds = 0.0

    def __init__(
        self,
        *,
        slots: int,
        link: Link,
        identity: Identity,
        ledger: Ledger,
        waiting: Waiting,
        dispatcher: Dispatcher,
        catalogue: Catalogue,
        clock: Clock,
    ) -> None:
        self._slots = slots
        self._link = link
        self._identity = identity
        self._ledger = ledger
        self._waiting = waiting
        self._dispatcher = dispatcher
        self._catalogue = catalogue
        self._clock = clock
        self._may_be_said = False

    async def once(self) -> None:
        """One suspect has the worker for itself; others go on when the row says so no more."""
        if not self._may_be_said and self._waiting.lone:
            await self._host(self._waiting.lone[0])
        if self._may_be_said:  # also what a try left behind that the database broke off
            await self._say(None)
            self._may_be_said = False
            self._dispatcher.resume()

    async def _host(self, run: Run) -> None:
        seconds = alone_seconds(self._slots, run.job.crashes)
        self._dispatcher.hold()
        if not await self._comes_true(lambda: self._dispatcher.is_quiet, seconds):
            self._waiting.no_longer_alone(self._catalogue.solo)
            self._dispatcher.resume()
            return
        self._may_be_said = True
        if await self._say(run.job.lease_id):
            self._dispatcher.invite(run)
            await self._comes_true(lambda: run.is_over, seconds)

    async def _say(self, lease_id: str | None) -> bool:
        """Whether the row of this worker says so now; that of a lost worker says nothing more."""
        return await table.alone(
            self._link, worker=self._identity.worker_id, boot=self._identity.boot_id, lease_id=lease_id
        )

    async def _comes_true(self, condition: Callable[[], bool], seconds: float) -> bool:
        end = self._clock.now() + seconds
        while not condition() and (left := end - self._clock.now()) > 0:
            self._ledger.changed.clear()
            await self._clock.wait(self._ledger.changed, left)
        return condition()
