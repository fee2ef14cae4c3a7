"""Schedules over HTTP: list, show, add, change, look ahead, pause, resume, run now, make up for the past."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from rowcrew.admin import schedules as admin
from rowcrew.model.new_job import NewJob
from rowcrew.model.priority import priority_value
from rowcrew.table.link import Link
from rowcrew.table.rows import ListedSchedule
from rowcrew.web.api.operation import Answer, Given, Operation, refuse_changed, tag_of

Positive = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Missed = Literal["skip", "once", "all"]
Overlap = Literal["allow", "skip", "queueOne", "cancelOld"]
MOST_TICKS: Final = 100


class ScheduleList(msgspec.Struct, frozen=True):
    """The schedules by name."""

    schedules: list[ListedSchedule]


class ScheduleToAdd(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A schedule by the names of its columns, with one rule: `cron` or `everySeconds`."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    type: Annotated[str, Meta(min_length=1, max_length=200)]
    cron: Annotated[str, Meta(max_length=200)] | None = None
    every_seconds: Positive | None = None
    timezone: Annotated[str, Meta(max_length=100)] = "UTC"
    start_at: datetime | None = None
    end_at: datetime | None = None
    payload: dict[str, Any] = msgspec.field(default_factory=dict)
    queue: str | None = None
    priority: int | str | None = None
    max_attempts: int | None = None
    jitter_seconds: Annotated[int, Meta(ge=0, le=86_400)] = 0
    missed: Missed = "once"
    overlap: Overlap = "allow"
    pause_after_failures: Positive | None = None
    paused: bool = False


class ScheduleChange(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What to change of a schedule; what is left out stays, null takes a value away."""

    cron: Annotated[str, Meta(max_length=200)] | UnsetType | None = UNSET
    every_seconds: Positive | UnsetType | None = UNSET
    timezone: Annotated[str, Meta(max_length=100)] | UnsetType = UNSET
    start_at: datetime | UnsetType | None = UNSET
    end_at: datetime | UnsetType | None = UNSET
    type: Annotated[str, Meta(min_length=1, max_length=200)] | UnsetType = UNSET
    payload: dict[str, Any] | UnsetType = UNSET
    queue: str | UnsetType | None = UNSET
    priority: int | str | UnsetType | None = UNSET
    max_attempts: int | UnsetType | None = UNSET
    jitter_seconds: Annotated[int, Meta(ge=0, le=86_400)] | UnsetType = UNSET
    missed: Missed | UnsetType = UNSET
    overlap: Overlap | UnsetType = UNSET
    pause_after_failures: Positive | UnsetType | None = UNSET


class TicksQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many ticks ahead."""

    number: Annotated[int, Meta(ge=1, le=MOST_TICKS)] = 10


class Ticks(msgspec.Struct, frozen=True):
    """The next ticks in UTC; `timezone` is the schedule's own."""

    timezone: str
    ticks: list[datetime]


class Past(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A time in the past, both ends included."""

    begin: datetime
    end: datetime


class EnqueuedJobs(msgspec.Struct, frozen=True):
    """The ids of the jobs that were enqueued."""

    jobs: list[int]


async def list_schedules(link: Link, _: Given) -> Answer:
    return Answer(ScheduleList(await admin.list_schedules(link)))


async def show_schedule(link: Link, given: Given) -> Answer:
    return _shown(await admin.get_schedule(link, _name(given)))


async def add_schedule(link: Link, given: Given) -> Answer:
    wanted: ScheduleToAdd = given.body
    columns = {name: value for name, value in _columns(wanted).items() if value is not None}
    shown = _shown(await admin.add_schedule(link, columns))
    return shown._replace(status=201)


async def change_schedule(link: Link, given: Given) -> Answer:
    def check(schedule: ListedSchedule) -> None:
        refuse_changed(given, _tag(schedule))

    return _shown(await admin.change_schedule(link, _name(given), _columns(given.body), check=check))


async def show_ticks(link: Link, given: Given) -> Answer:
    query: TicksQuery = given.query
    zone, ticks = await admin.preview(link, _name(given), number=query.number)
    return Answer(Ticks(str(zone), ticks))


async def pause(link: Link, given: Given) -> Answer:
    return _shown(await admin.pause_schedule(link, _name(given)))


async def resume(link: Link, given: Given) -> Answer:
    return _shown(await admin.resume_schedule(link, _name(given)))


async def trigger(link: Link, given: Given) -> Answer:
    return Answer(EnqueuedJobs([await admin.trigger_schedule(link, _name(given))]), 201)


async def backfill(link: Link, given: Given) -> Answer:
    past: Past = given.body
    ticks = await admin.past_ticks(link, _name(given), begin=past.begin, end=past.end)
    return Answer(EnqueuedJobs(await admin.backfill(link, _name(given), ticks)), 201)


def _name(given: Given) -> str:
    return given.path["name"]


def _shown(schedule: ListedSchedule) -> Answer:
    return Answer(schedule, tag=_tag(schedule))


def _tag(schedule: ListedSchedule) -> str:
    """Of what a person may change: a tick changes nothing of it."""
    names = [*ScheduleChange.__struct_fields__, "paused"]
    return tag_of(schedule.name, [getattr(schedule, name) for name in names])


def _columns(wanted: ScheduleToAdd | ScheduleChange) -> dict[str, Any]:
    """The columns that were given.

    Raises:
        InvalidJob: no job can have the payload, the queue, the priority or the attempts.
    """
    fields = {
        field.encode_name: value
        for field in msgspec.structs.fields(wanted)
        if (value := getattr(wanted, field.name)) is not UNSET
    }
    NewJob(
        fields.get("type") or "job",
        fields.get("payload") or {},
        queue=fields.get("queue"),
        priority=fields.get("priority"),
        max_attempts=fields.get("maxAttempts"),
    )
    if fields.get("priority") is not None:
        fields["priority"] = priority_value(fields["priority"])
    return fields


_NAMED: Final = (404,)
_WITH_BODY: Final = (408, 409, 413, 415, 422)

OPERATIONS: Final = (
    Operation("GET", "/schedules", "listSchedules", "List the schedules.", list_schedules, ScheduleList),
    Operation(
        "POST",
        "/schedules",
        "addSchedule",
        "Add a schedule.",
        add_schedule,
        ListedSchedule,
        body=ScheduleToAdd,
        status=201,
        problems=_WITH_BODY,
        role="admin",
    ),
    Operation(
        "GET",
        "/schedules/{name}",
        "showSchedule",
        "Show a schedule.",
        show_schedule,
        ListedSchedule,
        problems=_NAMED,
        has_tag=True,
    ),
    Operation(
        "PATCH",
        "/schedules/{name}",
        "changeSchedule",
        "Change a schedule; a new rule is planned from now.",
        change_schedule,
        ListedSchedule,
        body=ScheduleChange,
        problems=(*_NAMED, *_WITH_BODY),
        has_tag=True,
        role="admin",
    ),
    Operation(
        "GET",
        "/schedules/{name}/ticks",
        "showTicks",
        "Show when a schedule fires next.",
        show_ticks,
        Ticks,
        query=TicksQuery,
        problems=_NAMED,
    ),
    Operation(
        "POST",
        "/schedules/{name}/pause",
        "pauseSchedule",
        "Let a schedule fire nothing until somebody resumes it.",
        pause,
        ListedSchedule,
        problems=_NAMED,
    ),
    Operation(
        "POST",
        "/schedules/{name}/resume",
        "resumeSchedule",
        "Let a schedule fire again, from now on.",
        resume,
        ListedSchedule,
        problems=_NAMED,
    ),
    Operation(
        "POST",
        "/schedules/{name}/trigger",
        "triggerSchedule",
        "Enqueue a job of a schedule now, beside its plan.",
        trigger,
        EnqueuedJobs,
        status=201,
        problems=(*_NAMED, 409),
    ),
    Operation(
        "POST",
        "/schedules/{name}/backfill",
        "backfillSchedule",
        "Enqueue a job for each past tick that was not fired.",
        backfill,
        EnqueuedJobs,
        body=Past,
        status=201,
        problems=(*_NAMED, *_WITH_BODY),
    ),
)
