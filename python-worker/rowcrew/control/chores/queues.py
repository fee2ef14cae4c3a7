"""Reads the rows of `queues` once a minute, so that a changed limit holds without a restart."""

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

    def __init__(self, *, link: Link, catalogue: Catalogue) -> None:
        self._link = link
        self._catalogue = catalogue

    async def once(self) -> None:
        self._catalogue.queues_say(dict(await table.queue_limits(self._link)))
