"""Lets jobs run that waited for others, once those have ended.

In: rows that say so themselves: `watches` is 0 in a job to look at, -1 in one that ended and is waited for.
Out: the same rows, released, ended with what they waited for, or watching another job. The rows outlive any
worker, so a wake-up that gets lost costs one poll and nothing else.
"""

from __future__ import annotations

import functools
from typing import Final

import psycopg

from rowcrew.control.chores.chore import EVERY_MINUTE, UNTIL_WOKEN, Routine
from rowcrew.control.chores.walk import BATCH
from rowcrew.control.set_aside import SetAside, one_by_one
from rowcrew.table import waits as table
from rowcrew.table.link import Link, is_about_data
from rowcrew.table.waits import Examined

_FIRST_PAUSE_SECONDS: Final = 0.05


class ExamineWaits:
    """The chore that decides about jobs that wait; one worker at a time is at it."""

    name = "waits"
    jitter_seconds = 0.0

    def __init__(self, *, link: Link, set_aside: SetAside, poll_seconds: float) -> None:
        self._link = link
        self._set_aside = set_aside
        self._poll_seconds = poll_seconds
        self._pause_seconds = _FIRST_PAUSE_SECONDS
        self.period_seconds = poll_seconds

    async def once(self) -> None:
        due, waiting = await table.waits_due(self._link)
        if due and await self._examine_all():
            self.period_seconds = self._pause_seconds
            self._pause_seconds = min(2 * self._pause_seconds, self._poll_seconds)
            return
        self._pause_seconds = _FIRST_PAUSE_SECONDS
        self.period_seconds = self._poll_seconds if due or waiting else UNTIL_WOKEN

    async def _examine_all(self) -> bool:
        """Look as long as it helps; whether something is left that will be decided soon.

        What stands first may be held by somebody for hours: a look that achieved nothing is followed by one
        at what stands behind.
        """
        after, told_after, left = 0, 0, False
        while True:
            look = await self._look(after, told_after)
            if look.has_moved:
                continue
            left = left or look.left > 0
            further = max(after, look.came_to or 0), max(told_after, look.told_to or 0)
            if not look.mine or further == (after, told_after):
                return left or not look.mine
            after, told_after = further

    async def _look(self, after: int, told_after: int) -> Examined:
        """One look; a row that no statement takes is set aside, and the others are looked at."""
        try:
            return await table.examine(self._link, after=after, told_after=told_after)
        except psycopg.Error as error:
            if not is_about_data(error):
                raise
        ids = await table.to_examine(self._link)
        examine = functools.partial(table.examine, self._link)
        together = Examined(True, 0, 0, 0, 0, None, None)
        async for look in one_by_one(ids, lambda ids: examine(only=ids), self._set_aside.held):
            together = together.and_also(look)
        return together


class SweepWaits:
    """The chore that finds who was told nothing: what it watched was deleted by hand, or ended unheard."""

    name = "sweep of waits"
    jitter_seconds = EVERY_MINUTE

    def __init__(self, *, link: Link, examine: Routine) -> None:
        self._link = link
        self._examine = examine
        self.period_seconds = EVERY_MINUTE

    async def once(self) -> None:
        place: tuple[int, int] = (0, 0)
        self.period_seconds = UNTIL_WOKEN
        while True:
            came_to, came_to_id, again = await table.sweep_waits(
                self._link, after=place[0], after_id=place[1], batch=BATCH
            )
            if again:
                self._examine.wake()
            if came_to is None or came_to_id is None:
                return
            self.period_seconds = EVERY_MINUTE
            place = came_to, came_to_id
