"""Queues over HTTP: how they stand and do, pause, resume."""

from __future__ import annotations

from typing import Final

import msgspec

from rowcrew.admin import looks
from rowcrew.admin import queues as admin
from rowcrew.admin.pace import paces
from rowcrew.model.pace import Pace, drain_seconds
from rowcrew.model.standing import QueueLook
from rowcrew.table.link import Link
from rowcrew.table.rows import ShownQueue
from rowcrew.web.api.operation import Answer, Given, Operation
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


async def list_queues(link: Link, _: Given) -> Answer:
    return Answer(QueueList(await looks.queues(link)))


async def show_queue(link: Link, given: Given) -> Answer:
    return Answer(await _document(link, given.path["queue"]))


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
        "GET", "/queues/{queue}", "showQueue", "Show a queue.", show_queue, QueueDocument, problems=(404,)
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
