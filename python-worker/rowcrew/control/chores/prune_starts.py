"""Deletes starts that no rate counts any more, so that the log of them stays as small as its windows."""

from __future__ import annotations

from rowcrew.control.chores.chore import EVERY_MINUTE
from rowcrew.control.chores.walk import walk
from rowcrew.table import limits as table
from rowcrew.table.link import Link

_IDLE_BATCHES = 5


class PruneStarts:
    """The chore that walks the scopes of `starts`, a stretch a minute."""

    name = "prune starts"
    period_seconds = EVERY_MINUTE
    jitter_seconds = EVERY_MINUTE

    def __init__(self, *, link: Link) -> None:
        self._link = link
        self._after = ""

    async def once(self) -> None:
        _, self._after = await walk(self._step, self._after, start="", idle_batches=_IDLE_BATCHES)

    async def _step(self, after: str, batch: int) -> tuple[str | None, int]:
        return await table.prune_starts(self._link, after=after, batch=batch)
