"""Ends the stay of an ephemeral worker: by number of jobs, idle time, time in all, memory, or when drained.

In: what the other organs know, at every end of a run and ten times a second. Out: the reason to leave, for
`worker`. The decision is `model.stay`; a worker that stays has no such organ.
"""

from __future__ import annotations

import asyncio
from typing import Final

from rowcrew.control.asked import Requests
from rowcrew.control.children.usage import Usage
from rowcrew.control.clock import Clock
from rowcrew.control.ledger import Ledger
from rowcrew.control.road.reserve import Reserver
from rowcrew.log import Log
from rowcrew.model.stay import Limits, Moment, WhyStopped, why_leave
from rowcrew.settings import Settings
from rowcrew.table import worker as table
from rowcrew.table.link import Link

TICK_SECONDS: Final = 0.1


async def limits_of_stay(settings: Settings, link: Link) -> Limits:
    """What ends this worker's stay: its settings; where they are silent, the least that its queues say."""
    given = Limits(settings.max_jobs, settings.idle_timeout_seconds, settings.max_runtime_seconds)
    return given.filled_from(await table.stay_limits(link, settings.queues))


class Stay:
    """The watch over one worker's stay.

    Args:
        began: when the worker was started.

    Attributes:
        limits: what ends it.
        over: has the reason as soon as the worker is to leave.
    """

    def __init__(
        self,
        *,
        limits: Limits,
        began: float,
        ledger: Ledger,
        reserver: Reserver,
        requests: Requests,
        usage: Usage,
        clock: Clock,
        log: Log,
    ) -> None:
        self.limits = limits
        self._began = began
        self._ledger = ledger
        self._reserver = reserver
        self._requests = requests
        self._usage = usage
        self._clock = clock
        self._log = log
        self._idle_since = clock.now()
        self._taken = 0
        self._is_outgrown = False
        self.over: asyncio.Future[WhyStopped] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Until the worker is to leave."""
        self._idle_since = self._clock.now()
        while (reason := self.once()) is None:
            self._ledger.changed.clear()
            await self._clock.wait(self._ledger.changed, TICK_SECONDS)
        self.over.set_result(reason)

    def once(self) -> WhyStopped | None:
        """Look at everything once; the reason to leave now."""
        now = self._clock.now()
        self._notice_work(now)
        if self._usage.has_outgrown and not self._is_outgrown:
            self._outgrown()
        return why_leave(
            self.limits,
            Moment(
                lived_seconds=now - self._began,
                idle_seconds=now - self._idle_since,
                taken=self._ledger.taken,
                held=len(self._ledger),
                has_looked=self._reserver.has_looked_since(self._idle_since),
                is_draining=self._requests.draining,
                has_outgrown=self._is_outgrown,
            ),
        )

    def _outgrown(self) -> None:
        self._is_outgrown = True
        self._reserver.close()
        self._log.event("worker.outgrown")

    def _notice_work(self, now: float) -> None:
        """Idle time begins anew with every job; the look that decides is not left to the next poll."""
        if not self._ledger and self._ledger.taken == self._taken:
            return
        self._idle_since = now
        if not self._ledger:
            self._taken = self._ledger.taken
            self._reserver.wake()
