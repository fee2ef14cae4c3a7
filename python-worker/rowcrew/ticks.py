"""Fires the ticks of schedules: at its moment each becomes one job, whoever comes first.

In: the rows of `schedules`. Out: jobs, ticks, and the next tick of each. One statement fires, and only where
a row is still as it was read: nothing is locked while Python reckons. Without schedules the calendar is not
even imported. Called by a worker's chore, and by a spawner, since there may be no worker.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import msgspec
import psycopg

from rowcrew.log import Log
from rowcrew.model.cleaning import describe
from rowcrew.model.errors import RowcrewError
from rowcrew.table import schedules as table
from rowcrew.table.link import Link, is_about_data, reason

_FAR_SECONDS: Final = 20.0  # two rounds
_LONGEST_SECONDS: Final = 10.0  # no round wakes a chore that has a period, not for a new schedule either
_SOON_SECONDS: Final = 1.0
_SOONEST_SECONDS: Final = 0.02


class _Plan(msgspec.Struct, rename="camel"):
    """What `fire` is to do with a schedule: its ticks, the next one, or why it is refused or paused."""

    name: str
    version: str
    ticks: Sequence[datetime] = ()
    next_at: datetime | None = None
    missed_from: datetime | None = None
    problem: str | None = None
    pause_reason: str | None = None


class Ticks:
    """What fires due ticks, on a connection of its caller."""

    def __init__(self, *, link: Link, log: Log) -> None:
        self._link = link
        self._log = log
        self._is_held_up = False

    async def fire(self) -> float | None:
        """Fire what is due; in how many seconds to look again, None = when something has happened.

        Raises:
            psycopg.Error: the database was not reached, or refuses.
        """
        self._is_held_up = False
        look = await table.schedules_look(self._link)
        while look.is_due and await self._fire():
            look = await table.schedules_look(self._link)
        if look.waiting:
            await table.fire_waiting(self._link)
        return self._again_seconds(look)

    async def _fire(self) -> bool:
        """Whether anything was fired or planned."""
        due = await table.schedules_due(self._link)
        self._is_held_up = any(one.next_at is not None for one in due)
        plans = [plan for plan in map(self._planned, due) if plan is not None]
        return bool(plans) and bool(await self._carry_out(plans))

    def _planned(self, due: table.DueSchedule) -> _Plan | None:
        """None where nothing changes: a schedule without a further tick, which has not come to its end."""
        from rowcrew.model.calendar import Rule
        from rowcrew.model.due import plan

        if due.has_failed:
            why = f"its last {due.pause_after_failures} jobs failed"
            return _Plan(due.name, due.version, next_at=due.next_at, pause_reason=why)
        rule = Rule(due.cron, due.every_seconds, due.timezone, due.start_at, due.end_at, due.created_at)
        try:
            found = plan(rule, stored=due.next_at, now=due.now, missed=due.missed)
        except Exception as error:
            problem = str(error) if isinstance(error, RowcrewError) else describe(error)
            return _Plan(due.name, due.version, problem=problem)
        if due.next_at is None and found.next_at is None:
            return None
        return _Plan(
            due.name, due.version, ticks=found.ticks, next_at=found.next_at, missed_from=found.missed_from
        )

    async def _carry_out(self, plans: Sequence[_Plan]) -> list[str]:
        """One statement for all; where the table refuses a job, one for each, to find whose it is."""
        try:
            done = await table.fire(self._link, msgspec.json.encode(plans).decode())
        except psycopg.Error as error:
            if not is_about_data(error):
                raise
            if len(plans) == 1:
                [plan] = plans
                return await self._carry_out_refusal(plan, error)
        else:
            self._tell(plan for plan in plans if plan.name in done)
            return done
        return [name for plan in plans for name in await self._carry_out([plan])]

    async def _carry_out_refusal(self, plan: _Plan, error: psycopg.Error) -> list[str]:
        if plan.problem is not None:
            raise error
        return await self._carry_out([_Plan(plan.name, plan.version, problem=reason(error))])

    def _tell(self, plans: Iterable[_Plan]) -> None:
        """Only who has written it says what a person must see to."""
        for plan in plans:
            if plan.problem is not None:
                self._log.event("schedule.refused", schedule=plan.name, problem=plan.problem)
            if plan.pause_reason is not None:
                self._log.event("schedule.paused", schedule=plan.name, reason=plan.pause_reason)

    def _again_seconds(self, look: table.SchedulesLook) -> float | None:
        """Until the next tick; a second where a tick is held up, or waits for a job to end."""
        longest = _SOON_SECONDS if look.waiting or (look.is_due and self._is_held_up) else None
        seconds = look.later_seconds if look.is_due else look.seconds
        if seconds is None or seconds > _FAR_SECONDS:
            return longest
        return min(longest or _LONGEST_SECONDS, _LONGEST_SECONDS, max(_SOONEST_SECONDS, seconds))
