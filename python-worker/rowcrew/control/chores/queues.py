"""Reads the rows of `queues` once a minute, so that a changed limit holds without a restart.

The queue that JOB_QUEUE_NAME names gets a row at the start, for people to find and change.
"""

from __future__ import annotations

from rowcrew.control.chores.chore import EVERY_MINUTE
from rowcrew.model.catalogue import Catalogue
from rowcrew.table import worker as table
from rowcrew.table.link import Link


class ReadQueues:
    """The chore that keeps the catalogue up to date."""

    name = "queues"
    period_seconds = EVERY_MINUTE
    jitter_seconds = EVERY_MINUTE

    def __init__(self, *, link: Link, named: str | None, catalogue: Catalogue) -> None:
        self._link = link
        self._named = named
        self._catalogue = catalogue

    async def at_start(self) -> None:
        if self._named is not None:
            await table.add_queue(self._link, self._named)
        await self.once()

    async def once(self) -> None:
        self._catalogue.queues_say(dict(await table.queue_limits(self._link)))
