"""Schedules: rules, the next fires with the nights on which clocks change, what became of the last tick."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from rowcrew.admin import schedules as admin
from rowcrew.table.rows import ListedSchedule
from rowcrew.web.pages.screen import Desk, form
from rowcrew.web.problems import Refused

FIRES: Final = 10


class Fire(NamedTuple):
    """A tick to come: by the clocks of the schedule's zone, and in UTC; what is odd about it."""

    there: datetime
    utc: datetime
    note: str


async def list_schedules(desk: Desk, request: Request) -> Response:
    sight = await desk.seen.see("schedules", admin.list_schedules)
    name = request.query_params.get("name", "")
    shown, fires = None, []
    if name:
        async with desk.looking.lent() as link:
            shown = await admin.get_schedule(link, name)
            zone, ticks = await admin.preview(link, name, number=FIRES)
            fires = upcoming(zone, ticks)

    def facts() -> dict[str, Any]:
        return {"told": _told(sight.value or []), "shown": shown, "fires": fires}

    return desk.sight_page(request, "schedules", sight, shown, facts=facts)


async def pause(desk: Desk, request: Request) -> Response:
    name = await _name(request)
    async with desk.changing.lent() as link:
        await admin.pause_schedule(link, name)
    return await desk.back(request, "/schedules", did="pause_schedule", subject=name, done="schedule-pause")


async def resume(desk: Desk, request: Request) -> Response:
    name = await _name(request)
    async with desk.changing.lent() as link:
        await admin.resume_schedule(link, name)
    return await desk.back(request, "/schedules", did="resume_schedule", subject=name, done="schedule-resume")


async def trigger(desk: Desk, request: Request) -> Response:
    name = await _name(request)
    async with desk.changing.lent() as link:
        job = await admin.trigger_schedule(link, name)
    return await desk.back(request, f"/jobs/{job}", did="trigger_schedule", subject=name, done="trigger")


def upcoming(zone: ZoneInfo, ticks: list[datetime]) -> list[Fire]:
    """The ticks as clocks show them, with a note where the clocks have changed since the one before."""
    fires: list[Fire] = []
    before = None
    for tick in ticks:
        there = tick.astimezone(zone)
        changed = before is not None and there.utcoffset() != before
        note = f"clocks have changed to {there.tzname()}" if changed else ""
        fires.append(Fire(there, tick.astimezone(UTC), note))
        before = there.utcoffset()
    return fires


async def _name(request: Request) -> str:
    names = (await form(request)).get("name", [])
    if len(names) != 1:
        raise Refused(400, "Name one schedule.")
    return names[0]


def _told(schedules: list[ListedSchedule]) -> str:
    if not schedules:
        return "There are no schedules."
    paused = sum(one.paused for one in schedules)
    coming = [(one.next_at, one.name) for one in schedules if one.next_at is not None and not one.paused]
    said = f"`{min(coming)[1]}` fires next" if coming else "Nothing fires"
    if not paused:
        return f"{said}."
    return f"{said}; {paused} of {len(schedules)} {'is' if paused == 1 else 'are'} paused."
