"""Workers over HTTP: list them, and ask one to drain, to go on, to terminate."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from rowcrew.admin import workers as admin
from rowcrew.table.link import Link
from rowcrew.table.rows import ListedWorker, WorkerState
from rowcrew.web.api.operation import Answer, Given, Operation
from rowcrew.web.problems import Refused


class WorkersQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which workers; `state` may come again."""

    state: list[WorkerState] = msgspec.field(default_factory=list)
    limit: Annotated[int, Meta(ge=1, le=1_000)] = 100


class WorkerList(msgspec.Struct, frozen=True):
    """Workers, last heard first."""

    workers: list[ListedWorker]


async def list_workers(link: Link, given: Given) -> Answer:
    query: WorkersQuery = given.query
    return Answer(WorkerList(await admin.list_workers(link, states=query.state or None, limit=query.limit)))


async def drain(link: Link, given: Given) -> Answer:
    return await _asked(link, "drain", given.id)


async def resume(link: Link, given: Given) -> Answer:
    return await _asked(link, "resume", given.id)


async def terminate(link: Link, given: Given) -> Answer:
    return await _asked(link, "terminate", given.id)


async def _asked(link: Link, what: admin.Request, id: int) -> Answer:
    (answer,) = await admin.request(link, what, [id])
    if answer.state is None:
        raise Refused(404, f"there is no worker {id}; GET /api/v1/workers lists them", field="id")
    if not answer.asked:
        raise Refused(409, f"worker {id} ({answer.name}) is {answer.state}: nobody is there to obey")
    return Answer(answer)


OPERATIONS: Final = (
    Operation(
        "GET",
        "/workers",
        "listWorkers",
        "List the workers, last heard first.",
        list_workers,
        WorkerList,
        query=WorkersQuery,
        problems=(400,),
    ),
    Operation(
        "POST",
        "/workers/{id}/drain",
        "drainWorker",
        "Let a worker finish its jobs and take no more.",
        drain,
        admin.Answer,
        problems=(404, 409),
        role="admin",
    ),
    Operation(
        "POST",
        "/workers/{id}/resume",
        "resumeWorker",
        "Let a draining worker take jobs again.",
        resume,
        admin.Answer,
        problems=(404, 409),
        role="admin",
    ),
    Operation(
        "POST",
        "/workers/{id}/terminate",
        "terminateWorker",
        "Stop a worker in good order, as SIGTERM does.",
        terminate,
        admin.Answer,
        problems=(404, 409),
        role="admin",
    ),
)
