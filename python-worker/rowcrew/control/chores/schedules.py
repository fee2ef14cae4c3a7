"""Fires the ticks of schedules: at its moment each becomes one job, whichever worker comes first.

In: the rows of `schedules`. Out: jobs, ticks, and the next tick of each. One statement fires, and only where
a row is still as it was read: nothing is locked while Python reckons. Without schedules this is one small
question every ten seconds, and the calendar is not even imported.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
import psycopg

from rowcrew.control.clock import Clock
from rowcrew.log import Log
from rowcrew.model.cleaning import describe
from rowcrew.table import worker as table
from rowcrew.table.link import Link, is_about_data, reason

_IDLE_SECONDS: Final = 10.0
_SOON_SECONDS: Final = 1.0
_SOONEST_SECONDS: Final = 0.02
_PRUNE_SECONDS: Final = 3600.0


class _Plan(msgspec.Struct, rename="camel"):
    """What `fire` is to do with a schedule: its ticks, the next one, or why it is refused or paused."""

    name: str
    version: str
    ticks: Sequence[datetime] = ()
    next_at: datetime | None = None
    problem: str | None = None
    pause_reason: str | None = None


class Schedules:
    """The chore that fires due ticks. Its period ends when the next tick is due."""

    name = "schedules"
    jitter_seconds = _SOON_SECONDS

    def __init__(self, *, link: Link, clock: Clock, log: Log) -> None:
        self._link = link
        self._clock = clock
        self._log = log
        self._prune_at = clock.now() + _PRUNE_SECONDS
        self.period_seconds = _IDLE_SECONDS

    async def once(self) -> None:
        self.period_seconds = _IDLE_SECONDS
        look = await table.schedules_look(self._link)
        while look.is_due and await self._fire():
            look = await table.schedules_look(self._link)
        if look.waiting:
            await table.fire_waiting(self._link)
        self.period_seconds = _period(look)
        await self._prune()

    async def _fire(self) -> bool:
        """Whether anything was fired or planned."""
        due = await table.schedules_due(self._link)
        plans = [plan for plan in map(self._planned, due) if plan is not None]
        return bool(plans) and bool(await self._carry_out(plans))

    def _planned(self, due: table.DueSchedule) -> _Plan | None:
        """None where nothing changes: a schedule without a further tick, which has not come to its end."""
        from rowcrew.model.calendar import Rule
        from rowcrew.model.due import plan

        if due.has_failed:
            why = f"its last {due.pause_after_failures} jobs failed"
            self._log.event("schedule.paused", schedule=due.name, reason=why)
            return _Plan(due.name, due.version, next_at=due.next_at, pause_reason=why)
        rule = Rule(due.cron, due.every_seconds, due.timezone, due.start_at, due.end_at, due.created_at)
        try:
            ticks, next_at = plan(rule, stored=due.next_at, now=due.now, missed=due.missed)
        except Exception as error:
            return self._refused(due.name, due.version, describe(error))
        if due.next_at is None and next_at is None:
            return None
        return _Plan(due.name, due.version, ticks=ticks, next_at=next_at)

    def _refused(self, name: str, version: str, problem: str) -> _Plan:
        self._log.event("schedule.refused", schedule=name, problem=problem)
        return _Plan(name, version, problem=problem)

    async def _carry_out(self, plans: Sequence[_Plan]) -> list[str]:
        """One statement for all; where the table refuses a job, one for each, to find whose it is."""
        try:
            return await table.fire(self._link, msgspec.json.encode(plans).decode())
        except psycopg.Error as error:
            if not is_about_data(error):
                raise
            if len(plans) == 1:
                [plan] = plans
                return await self._carry_out_refusal(plan, error)
        return [name for plan in plans for name in await self._carry_out([plan])]

    async def _carry_out_refusal(self, plan: _Plan, error: psycopg.Error) -> list[str]:
        if plan.problem is not None:
            raise error
        return await self._carry_out([self._refused(plan.name, plan.version, reason(error))])

    async def _prune(self) -> None:
        if self._clock.now() >= self._prune_at:
            self._prune_at = self._clock.now() + _PRUNE_SECONDS
            await table.prune_ticks(self._link)


def _period(look: table.SchedulesLook) -> float:
    """Until the next tick; a second where a schedule is held up, or a tick waits for a job to end."""
    longest = _SOON_SECONDS if look.waiting else _IDLE_SECONDS
    if look.seconds is None:
        return longest
    if look.is_due:
        return _SOON_SECONDS
    return min(longest, max(_SOONEST_SECONDS, look.seconds))
