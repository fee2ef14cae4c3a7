"""Writes what this worker has counted to `job_stats` once a minute, and merges what was written long ago.

In: the worker's tally. Out: rows under the moment at which they were taken, by the database's clock. Where an
answer got lost, the same rows are written again under the same moment, which changes nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from rowcrew.control.chores.chore import EVERY_MINUTE
from rowcrew.control.identity import Identity
from rowcrew.model.tally import CountedRuns, Tally
from rowcrew.table import stats as table
from rowcrew.table.link import Link

_HOUR: Final = 3_600
_DAY: Final = 86_400
# Longer than `write_stats` goes back by an hour: nothing is written for a span that is merged.
KEEP_MINUTES_SECONDS: Final = 3 * _HOUR
KEEP_HOURS_SECONDS: Final = 14 * _DAY


class WriteStats:
    """The chore that tells the table what the queue knows of itself. It sends nothing where nothing ended."""

    name = "stats"
    period_seconds = EVERY_MINUTE
    jitter_seconds = EVERY_MINUTE

    def __init__(self, *, link: Link, identity: Identity, tally: Tally) -> None:
        self._link = link
        self._identity = identity
        self._tally = tally
        self._taken: tuple[datetime, int, list[CountedRuns]] | None = None

    async def once(self) -> None:
        """Write what was counted, and before it what an outage kept back."""
        if self._taken is not None:
            await self._write()
        moment = await table.moment(self._link) if self._tally else None
        if moment is not None:
            self._taken = (moment, self._identity.worker_id, self._tally.take())
            await self._write()

    async def _write(self) -> None:
        assert self._taken is not None
        moment, worker, rows = self._taken
        counts = msgspec.json.encode(rows).decode()
        await table.write_stats(self._link, moment=moment, worker=worker, counts=counts)
        self._taken = None


class MergeStats:
    """The chore that keeps `job_stats` small: minutes for three hours, hours for two weeks, then days."""

    name = "merge stats"
    period_seconds = 10 * EVERY_MINUTE
    jitter_seconds = 10 * EVERY_MINUTE

    def __init__(self, *, link: Link) -> None:
        self._link = link

    async def once(self) -> None:
        await table.merge_stats(self._link, short=60, long=_HOUR, unit="hour", keep=KEEP_MINUTES_SECONDS)
        await table.merge_stats(self._link, short=_HOUR, long=_DAY, unit="day", keep=KEEP_HOURS_SECONDS)
        await table.prune_stats(self._link)
