"""Schedules and their ticks: a function for each statement in `sql/schedules/`, by its name.

In: a link, and plans as JSON. Out: what is due, and what was fired. Called by the chore that fires ticks, and
by `publish` at a worker's start.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from rowcrew.table.link import CHORE_SECONDS, Link
from rowcrew.table.statements import SQL


class SchedulesLook(NamedTuple):
    """In how many seconds a tick is due, None when nothing is planned; and whether one waits for a job.

    Attributes:
        later_seconds: the same of the first tick that is not due yet.
    """

    seconds: float | None
    later_seconds: float | None
    waiting: bool

    @property
    def is_due(self) -> bool:
        return self.seconds is not None and self.seconds <= 0


class DueSchedule(NamedTuple):
    """A schedule that is due, or not planned (`next_at` None); `has_failed` = so often that it is paused."""

    name: str
    version: str
    cron: str | None
    every_seconds: int | None
    timezone: str
    start_at: datetime | None
    end_at: datetime | None
    created_at: datetime
    missed: str
    next_at: datetime | None
    now: datetime
    pause_after_failures: int | None
    has_failed: bool


async def publish_schedules(link: Link, *, schedules: str, crew: str, types: Sequence[str]) -> None:
    """Write what a crew declares, a JSON array; `types` are all that it has."""
    parameters = {"schedules": schedules, "crew": crew, "types": list(types)}
    await link.fetch(SQL["schedules/publish_schedules"], parameters, CHORE_SECONDS)


async def schedules_look(link: Link) -> SchedulesLook:
    (row,) = await link.fetch(SQL["schedules/schedules_look"], {}, CHORE_SECONDS)
    return SchedulesLook(*row)


async def schedules_due(link: Link) -> list[DueSchedule]:
    """At most a hundred."""
    return [DueSchedule(*row) for row in await link.fetch(SQL["schedules/schedules_due"], {}, CHORE_SECONDS)]


async def fire(link: Link, plans: str) -> list[str]:
    """Carry out plans, a JSON array; the names of the schedules whose rows were as their plans knew them."""
    return [name for (name,) in await link.fetch(SQL["schedules/fire"], {"plans": plans}, CHORE_SECONDS)]


async def fire_waiting(link: Link) -> list[str]:
    """The names of the schedules whose waiting tick has its job now."""
    return [name for (name,) in await link.fetch(SQL["schedules/fire_waiting"], {}, CHORE_SECONDS)]


async def prune_ticks(link: Link) -> None:
    await link.fetch(SQL["schedules/prune_ticks"], {}, CHORE_SECONDS)
