"""Does what operators ask of the whole worker, by a word in its row: to drain, to go on, to terminate.

In: the word, from `care.heartbeat`. Out: an appetite that rests, or a future that `worker` waits for.
"""

from __future__ import annotations

import asyncio

from rowcrew.control.ledger import Ledger
from rowcrew.log import Log
from rowcrew.model.asked import Asked


class Requests:
    """What this worker is asked now.

    Attributes:
        draining: it takes no more jobs, and does everything else.
        terminated: has a result as soon as the worker is to stop; nobody can take that back.
    """

    def __init__(self, *, ledger: Ledger, log: Log) -> None:
        self._ledger = ledger
        self._log = log
        self.draining = False
        self.terminated: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def hear(self, asked: Asked | None) -> None:
        """What the row says now, said again at every heartbeat."""
        if asked == "terminate":
            if not self.terminated.done():
                self.terminated.set_result(None)
        elif self.draining != (asked == "drain"):
            self.draining = not self.draining
            self._log.event("worker.draining" if self.draining else "worker.resumed")
            self._ledger.changed.set()
            self._ledger.woken.set()
