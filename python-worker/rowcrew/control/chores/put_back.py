"""Puts back the limits that held until a time which has passed, soon after it."""

from __future__ import annotations

from rowcrew.control.chores.chore import UNTIL_WOKEN
from rowcrew.log import Log
from rowcrew.table import limits as table
from rowcrew.table.link import Link


class PutBackLimits:
    """The chore that ends what somebody set with `until`."""

    name = "put back limits"
    period_seconds = UNTIL_WOKEN
    jitter_seconds = 0.0

    def __init__(self, *, link: Link, log: Log) -> None:
        self._link = link
        self._log = log

    async def once(self) -> None:
        for kind, name in await table.put_back(self._link):
            self._log.event("limits.put_back", kind=kind, name=name)
