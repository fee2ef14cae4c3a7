"""Queues over HTTP: how they stand and do, their limits, pause, resume."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from rowcrew.admin import looks
from rowcrew.admin import queues as admin
from rowcrew.admin.pace import paces
from rowcrew.model.pace import Pace, drain_seconds
from rowcrew.model.queue_columns import NUMBERS
from rowcrew.model.standing import QueueLook
from rowcrew.table.link import Link
from rowcrew.table.rows import ShownQueue
from rowcrew.web.api.operation import Answer, Given, Operation, refuse_changed, tag_of
from rowcrew.web.problems import Refused


class QueueList(msgspec.Struct, frozen=True):
    """The queues by name."""

    queues: list[QueueLook]


class QueueDocument(ShownQueue, frozen=True):
    """A queue: what is set for it, what waits and runs, and how its jobs did.

    Attributes:
        drain_seconds: until nothing is ready, at the pace of the last five minutes; null = never.
        within: the last five minutes, the last hour, the last day.
    """

    drain_seconds: float | None
    within: list[Pace]


_SETTINGS: Final = ("label", "paused", "until", *NUMBERS)

QueueChange: Final = msgspec.defstruct(
    "QueueChange",
    [
        ("label", Annotated[str, Meta(max_length=100)] | None | UnsetType, UNSET),
        ("paused", bool | UnsetType, UNSET),
        ("forSeconds", Annotated[int, Meta(ge=1, le=31_536_000)] | None, None),
        *(
            (column, Annotated[int, Meta(ge=span.least, le=span.largest)] | None | UnsetType, UNSET)
            for column, span in NUMBERS.items()
        ),
    ],
    frozen=True,
    forbid_unknown_fields=True,
    namespace={
        "__doc__": "What to change of a queue; what is left out stays, null takes a limit away."
        " With `forSeconds` the former limits come back after so many seconds."
    },
)


async def list_queues(link: Link, _: Given) -> Answer:
    return Answer(QueueList(await looks.queues(link)))


async def show_queue(link: Link, given: Given) -> Answer:
    document = await _document(link, given.path["queue"])
    return Answer(document, tag=_tag(document))


async def change_queue(link: Link, given: Given) -> Answer:
    queue = given.path["queue"]
    await _document(link, queue)  # a queue that nobody has named gets no row by a typing error
    given_columns = msgspec.structs.asdict(given.body)
    seconds = given_columns.pop("forSeconds")
    columns = {
        name: NUMBERS[name].otherwise if value is None and name in NUMBERS else value
        for name, value in given_columns.items()
        if value is not UNSET
    }

    def check(shown: ShownQueue | None) -> None:
        if shown is not None:
            refuse_changed(given, _tag(shown))

    await admin.set_queue(link, queue, columns, seconds=seconds, check=check)
    document = await _document(link, queue)
    return Answer(document, tag=_tag(document))


def _tag(shown: ShownQueue) -> str:
    columns = {field.encode_name: getattr(shown, field.name) for field in msgspec.structs.fields(shown)}
    return tag_of(shown.queue, [columns[name] for name in _SETTINGS])


async def pause(link: Link, given: Given) -> Answer:
    return await _set_paused(link, given.path["queue"], paused=True)


async def resume(link: Link, given: Given) -> Answer:
    return await _set_paused(link, given.path["queue"], paused=False)


async def _set_paused(link: Link, queue: str, *, paused: bool) -> Answer:
    await _document(link, queue)  # a queue that nobody has named gets no row by a typing error
    await admin.set_queue(link, queue, {"paused": paused})
    return Answer(await _document(link, queue))


async def _document(link: Link, queue: str) -> QueueDocument:
    shown = await admin.show_queue(link, queue)
    if shown is None:
        raise Refused(
            404, f"nobody has named a queue {queue!r}; GET /api/v1/queues lists them", field="queue"
        )
    within = await paces(link, queue=queue)
    until = drain_seconds(shown.ready, within[0])
    return QueueDocument(**msgspec.structs.asdict(shown), drain_seconds=until, within=within)


OPERATIONS: Final = (
    Operation(
        "GET",
        "/queues",
        "listQueues",
        "List the queues, and who serves them; counts up to 10,000 queued jobs of a priority.",
        list_queues,
        QueueList,
    ),
    Operation(
        "GET",
        "/queues/{queue}",
        "showQueue",
        "Show a queue.",
        show_queue,
        QueueDocument,
        problems=(404,),
        has_tag=True,
    ),
    Operation(
        "PATCH",
        "/queues/{queue}",
        "changeQueue",
        "Change the limits of a queue, for good or for a time.",
        change_queue,
        QueueDocument,
        body=QueueChange,
        problems=(404, 408, 413, 415, 422),
        has_tag=True,
        role="admin",
    ),
    Operation(
        "POST",
        "/queues/{queue}/pause",
        "pauseQueue",
        "Let no further job of a queue start; those that run go on.",
        pause,
        QueueDocument,
        problems=(404,),
    ),
    Operation(
        "POST",
        "/queues/{queue}/resume",
        "resumeQueue",
        "Let the jobs of a paused queue start again.",
        resume,
        QueueDocument,
        problems=(404,),
    ),
)
