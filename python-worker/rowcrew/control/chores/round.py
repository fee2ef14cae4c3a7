"""Asks for all chores at once which of them have something to do, and wakes those.

In: one statement. Out: wake-ups for routines. A worker with nothing to do sends this one small question where
each chore would send its own. The answer is what stands in the table: a wake-up that comes to nothing is
repeated by the next round.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import psycopg

from rowcrew.control.chores.chore import Routine
from rowcrew.control.identity import Identity
from rowcrew.table import worker as table
from rowcrew.table.link import Link

MOST_SECONDS: Final = 10.0
_BEATS: Final = 2  # a worker that sees no other looks half as often for one


class Round:
    """The chore that wakes the chores which sleep because they found nothing to do.

    Args:
        routines: by the names of their chores.
        heartbeat_seconds: a crew that beats faster expects to be rescued sooner.
    """

    name = "round"

    def __init__(
        self, *, link: Link, identity: Identity, routines: Mapping[str, Routine], heartbeat_seconds: float
    ) -> None:
        self._link = link
        self._identity = identity
        self._routines = routines
        self.period_seconds = self.jitter_seconds = min(MOST_SECONDS, _BEATS * heartbeat_seconds)

    async def once(self) -> None:
        """Wake who has something to do; everybody, if one of the tables cannot be read: the others can."""
        try:
            busy = await table.look_round(self._link, worker=self._identity.worker_id)
        except psycopg.Error:
            for routine in self._routines.values():
                routine.wake_idle()
            raise
        for chore in busy:
            self._routines[chore].wake_idle()
