"""Events over HTTP: what happened, as events list; and one job as it goes on, as server-sent events."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from rowcrew.admin import events as admin
from rowcrew.admin import jobs
from rowcrew.model.status import ENDED
from rowcrew.table.link import Link
from rowcrew.table.looks import WatchedJob
from rowcrew.table.rows import EventState, ListedEvent
from rowcrew.web.api.operation import Answer, Given, Operation, Stream
from rowcrew.web.documents import json_text
from rowcrew.web.problems import Refused
from rowcrew.web.watcher import Stream as Watching

QUIET_SECONDS: Final = 15.0
"""How long a stream is silent at most: proxies close one that says nothing."""

_LATE_LOOKS: Final = 3
"""Looks after a job's end in which its last lines may still come."""

_PLACE: Final = re.compile(r"(?P<state>\d{1,19})-(?P<line>\d{1,18})(?P<end>-end)?")


class EventsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which events; `kind` and `state` may come again."""

    kind: list[str] = msgspec.field(default_factory=list)
    state: list[EventState] = msgspec.field(default_factory=list)
    limit: Annotated[int, Meta(ge=1, le=1_000)] = 50


class EventList(msgspec.Struct, frozen=True):
    """Events, newest first."""

    events: list[ListedEvent]


class Place(msgspec.Struct, frozen=True):
    """How far somebody has seen a job: a state of it, and a row of what it has said.

    Attributes:
        state: the microsecond of the state's "updatedAt"; 0 = none.
        line: the id of the row; 0 = none.
        has_ended: whether its end was told.
    """

    state: int = 0
    line: int = 0
    has_ended: bool = False

    def __str__(self) -> str:
        return f"{self.state}-{self.line}{'-end' if self.has_ended else ''}"


async def list_events(link: Link, given: Given) -> Answer:
    query: EventsQuery = given.query
    listed = await admin.list_events(
        link, kinds=query.kind or None, states=query.state or None, limit=query.limit
    )
    return Answer(EventList(listed))


async def watch_job(link: Link, given: Given) -> Answer | Stream:
    """Events `job` (how it stands), `lines` (what it said) and `end`; each has a place to go on from."""
    shown = await jobs.show_job(link, given.id)
    if shown is None:
        raise Refused(404, await jobs.unseen(link, given.id), field="id")
    place = _place(given.last_event_id)
    if place.has_ended and place.state == _microsecond(shown.job.updated_at):
        return Answer(None, 204)  # a browser asks again and again, until it is told that there is no more
    watcher = given.shared.watcher
    stream = watcher.open(given.id, after=place.line)
    hides = not given.user.sees_payloads
    told = _told(stream, place, hides=hides, database=given.shared.name)
    return Stream(told, partial(watcher.close, stream))


async def _told(stream: Watching, place: Place, *, hides: bool, database: str | None) -> AsyncIterator[bytes]:
    looks_left = _LATE_LOOKS
    yield b"retry: 2000\n\n"
    while True:
        try:
            async with asyncio.timeout(QUIET_SECONDS):
                sight = await stream.sight()
        except TimeoutError:
            yield b": still here\n\n"
            continue
        if sight is None:
            if not stream.is_over:
                yield _event("gone", place, {"id": stream.job})
            return
        events, place = _events(sight, place, hides=hides, database=database)
        stream.after = place.line
        for event in events:
            yield event
        looks_left = looks_left - 1 if sight.status in ENDED and not events else _LATE_LOOKS
        if not looks_left:
            place = msgspec.structs.replace(place, has_ended=True)
            yield _event("end", place, {"id": sight.id, "status": sight.status})
            return


def _events(
    sight: WatchedJob, place: Place, *, hides: bool, database: str | None
) -> tuple[list[bytes], Place]:
    """What is new since the place, and the place after it; who may not read payloads reads no lines.

    Args:
        database: its name, where there are several: an id alone is no job's name then.
    """
    events = []
    said: list[dict[str, Any]] = msgspec.json.decode(sight.lines)
    if said:
        place = msgspec.structs.replace(place, line=int(said[-1]["id"]))
        if not hides:
            events.append(_event("lines", place, said))
    if (state := _microsecond(sight.updated_at)) != place.state:
        place = msgspec.structs.replace(place, state=state)
        fields = msgspec.structs.asdict(sight)
        state_of = {
            field.encode_name: fields[field.name]
            for field in msgspec.structs.fields(sight)
            if field.name not in ("after", "lines")
        }
        label = {} if database is None else {"database": database}
        events.append(_event("job", place, label | state_of))
    return events, place


def _event(kind: str, place: Place, data: Any) -> bytes:
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (str(place).encode(), kind.encode(), json_text(data))


def _microsecond(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)


def _place(last_event_id: str | None) -> Place:
    """Where the client has stopped; an id that is none of ours begins at the beginning."""
    found = _PLACE.fullmatch(last_event_id or "")
    if found is None:
        return Place()
    return Place(int(found["state"]), int(found["line"]), found["end"] is not None)


OPERATIONS: Final = (
    Operation(
        "GET",
        "/events",
        "listEvents",
        "List what happened, newest first.",
        list_events,
        EventList,
        query=EventsQuery,
    ),
    Operation(
        "GET",
        "/jobs/{id}/events",
        "watchJob",
        "Watch a job: server-sent events `job`, `lines`, `end` and `gone`, which go on after Last-Event-ID.",
        watch_job,
        str,
        problems=(404, 429),
        streams=True,
    ),
)
