"""Knows the jobs whose ends somebody waits for, and tells when they have been recorded.

In: ids out of notifications, from `wake_up`; ids of ended runs, from `record`. Out: a notification for those
who wait, or nothing at all where nobody does. A hint as well: whoever waits looks by itself, only later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

import psycopg

from rowcrew.control.clock import Clock
from rowcrew.table import worker as table
from rowcrew.table.link import Link
from rowcrew.table.listening import id_texts

EXPECTED_SECONDS: Final = 30.0
"""For how long an id is remembered; who waits longer says it again, every ten seconds."""
MOST_IDS: Final = 100_000


class Expected:
    """The ids of the jobs that somebody waits for."""

    def __init__(self, *, link: Link, clock: Clock) -> None:
        self._link = link
        self._clock = clock
        self._until: dict[int, float] = {}
        self._ended: list[int] = []
        self._arrived = asyncio.Event()

    def expect(self, payload: bytes) -> None:
        """Take ids as a notification has them. Anybody may send one: what is no id is passed over."""
        now = self._clock.now()
        if len(self._until) > MOST_IDS // 2:
            self._until = {id: until for id, until in self._until.items() if until > now}
        for text in payload.split(b","):
            if len(text) < 20 and text.isdigit() and len(self._until) < MOST_IDS:
                self._until[int(text)] = now + EXPECTED_SECONDS

    def ended(self, ids: Iterable[int]) -> None:
        """These runs' ends are recorded. On every job's path, and nearly always nobody waits."""
        if not self._until:
            return
        now = self._clock.now()
        told = [id for id in ids if self._until.pop(id, 0.0) > now]
        if told:
            self._ended.extend(told)
            self._arrived.set()

    async def run(self) -> None:
        while True:
            await self._arrived.wait()
            await self.once()

    async def once(self) -> None:
        """Tell what has ended by now, once: the ends are in the table, and whoever waits will look."""
        self._arrived.clear()
        ids, self._ended = self._ended, []
        with suppress(psycopg.Error):
            await table.tell_ended(self._link, id_texts(ids))
