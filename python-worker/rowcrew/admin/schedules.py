"""Schedules as an operator handles them: list, add, change, trigger, look ahead, make up for the past.

In: a link, names, columns. Out: rows, ticks, ids. Called by every face. Rules are tried out here before they
are written, so that a person hears at once what a worker would write into the row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from rowcrew.model.calendar import BadRule, Rule, zone
from rowcrew.model.errors import RowcrewError
from rowcrew.model.why import meant
from rowcrew.table import operator
from rowcrew.table.link import Link
from rowcrew.table.rows import ListedSchedule

MOST_BACKFILLED: Final = 10_000

_RULE: Final = ("cron", "everySeconds", "timezone", "startAt", "endAt")


class NoSuchSchedule(RowcrewError):
    """There is no schedule of this name."""


async def list_schedules(link: Link) -> list[ListedSchedule]:
    """All schedules, by name."""
    return await operator.list_schedules(link)


async def get_schedule(link: Link, name: str) -> ListedSchedule:
    """The schedule of this name.

    Raises:
        NoSuchSchedule: there is none.
    """
    found = await operator.list_schedules(link, name)
    if not found:
        close = meant(name, [one.name for one in await operator.list_schedules(link)])
        raise NoSuchSchedule(f"there is no schedule {name!r}; `rowcrew schedules list` shows all{close}")
    return found[0]


async def add_schedule(link: Link, columns: Mapping[str, Any]) -> ListedSchedule:
    """Insert a schedule, by the names of its columns.

    Raises:
        BadRule: its rule is not valid.
        RowcrewError: there is one of this name.
    """
    await _try_out(link, columns)
    name = str(columns["name"])
    if await operator.add_schedule(link, _json(columns)) is None:
        raise RowcrewError(f"there is a schedule {name!r} already; `rowcrew schedules edit` changes it")
    return await get_schedule(link, name)


async def change_schedule(
    link: Link,
    name: str,
    changes: Mapping[str, Any],
    *,
    check: Callable[[ListedSchedule], None] | None = None,
) -> ListedSchedule:
    """Change columns of a schedule. A new rule is planned anew from now.

    Args:
        check: sees the schedule as nobody else changes it meanwhile; what it raises leaves all as it was.

    Raises:
        BadRule: the new rule is not valid.
        NoSuchSchedule: there is none of this name.
    """
    async with link.transaction():
        await operator.lock_schedule(link, name)
        before = await get_schedule(link, name)
        if check is not None:
            check(before)
        if changes.keys() & set(_RULE):
            fields = {one.encode_name: getattr(before, one.name) for one in msgspec.structs.fields(before)}
            await _try_out(link, {**fields, **changes})
        await operator.change_schedule(link, name, _json(changes))
    return await get_schedule(link, name)


async def pause_schedule(link: Link, name: str) -> ListedSchedule:
    """Fire nothing until somebody resumes it, whatever its code says."""
    return await change_schedule(link, name, {"paused": True, "pauseReason": None})


async def resume_schedule(link: Link, name: str) -> ListedSchedule:
    """Plan from now; what passed during the pause is no missed tick. Tries a refused rule again."""
    return await change_schedule(link, name, {"paused": False, "pauseReason": None, "problem": None})


async def trigger_schedule(link: Link, name: str) -> int:
    """Enqueue a job now, beside the plan; its id."""
    job = await operator.trigger_schedule(link, name)
    if job is None:
        await get_schedule(link, name)
        raise RowcrewError(f"the schedule {name!r} has just been deleted")
    return job


async def preview(link: Link, name: str, *, number: int) -> tuple[ZoneInfo, list[datetime]]:
    """The schedule's zone, and the next ticks, the stored one first. A pause is not looked at."""
    schedule = await get_schedule(link, name)
    now = (await operator.server_facts(link)).clock
    stored = [] if schedule.next_at is None else [schedule.next_at]
    begin = max([now, *stored])
    ticks = [*stored, *islice(_rule(schedule).ticks_after(begin), number - len(stored))]
    return zone(schedule.timezone), ticks


async def past_ticks(link: Link, name: str, *, begin: datetime, end: datetime) -> list[datetime]:
    """The ticks from `begin` to `end` that lie in the past, also those before the schedule was made.

    Raises:
        RowcrewError: there are more than MOST_BACKFILLED.
    """
    schedule = await get_schedule(link, name)
    now = (await operator.server_facts(link)).clock
    rule = _rule(schedule)
    if rule.every_seconds is not None and rule.start_at is None:
        steps = (rule.created_at.replace(microsecond=0) - begin) // timedelta(seconds=rule.every_seconds)
        first = rule.created_at.replace(microsecond=0) - steps * timedelta(seconds=rule.every_seconds)
        rule = rule._replace(start_at=first)
    due = takewhile(lambda tick: tick <= min(end, now), rule.ticks_after(begin - timedelta(microseconds=1)))
    ticks = list(islice(due, MOST_BACKFILLED + 1))
    if len(ticks) > MOST_BACKFILLED:
        raise RowcrewError(f"these are more than {MOST_BACKFILLED} ticks: backfill them in parts")
    return ticks


async def backfill(link: Link, name: str, ticks: list[datetime]) -> list[int]:
    """Enqueue a job for each of these ticks that was not fired; their ids."""
    return await operator.backfill_schedule(link, name, ticks)


async def _try_out(link: Link, columns: Mapping[str, Any]) -> None:
    now = (await operator.server_facts(link)).clock
    cron, every_seconds = columns.get("cron"), columns.get("everySeconds")
    if (cron is None) == (every_seconds is None):
        raise BadRule("a schedule has one rule: give a cron expression or a number of seconds")
    rule = Rule(
        cron,
        every_seconds,
        columns.get("timezone") or "UTC",
        columns.get("startAt"),
        columns.get("endAt"),
        now,
    )
    zone(rule.timezone)
    if next(rule.ticks_after(now), None) is None:
        raise BadRule("this rule has no tick from now to its end; give a later end, or none")


def _rule(schedule: ListedSchedule) -> Rule:
    return Rule(
        schedule.cron,
        schedule.every_seconds,
        schedule.timezone,
        schedule.start_at,
        schedule.end_at,
        schedule.created_at,
    )


def _json(columns: Mapping[str, Any]) -> str:
    return msgspec.json.encode(columns).decode()
