"""What families offer over HTTP: announcements that were read, and models to run."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from rowcrew import client
from rowcrew.bundled.announcements.listed import ListedAnnouncement
from rowcrew.bundled.announcements.listed import list_announcements as listed
from rowcrew.model.new_job import NewJob
from rowcrew.table.link import Link
from rowcrew.web.api.jobs import JobDocument, JobId, document_of
from rowcrew.web.api.operation import Answer, Given, Operation

_LOOK_SECONDS: Final = 5.0


class AnnouncementsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which announcements.

    Attributes:
        symbol: the security's id at its exchange.
        cursor: `next` of the page before.
    """

    symbol: str | None = None
    cursor: JobId | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class AnnouncementsPage(msgspec.Struct, frozen=True):
    """Announcements, the last read first; `next` is null at the end."""

    announcements: list[ListedAnnouncement]
    next: str | None


async def list_announcements(link: Link, given: Given) -> Answer:
    query: AnnouncementsQuery = given.query

    async def fetch(statement: str, parameters: Any) -> list[Any]:
        return await link.fetch(statement, parameters, _LOOK_SECONDS)

    found = await listed(fetch, symbol=query.symbol, before=query.cursor, limit=query.limit)
    is_full = len(found) == query.limit
    return Answer(AnnouncementsPage(found, str(found[-1].id) if is_full else None))


async def run_model(link: Link, given: Given) -> Answer:
    payload = {**given.body, "modelId": given.path["model"]}
    job = NewJob("model_run", payload, unique_key=given.idempotency_key, traceparent=given.traceparent)
    enqueued = await client.enqueue_async(job, on=link)
    where = {"Location": f"/api/v1/jobs/{enqueued.id}"}
    return Answer(await document_of(link, enqueued.id), 202 if enqueued.created else 200, where)


OPERATIONS: Final = (
    Operation(
        "GET",
        "/announcements",
        "listAnnouncements",
        "List announcements that were read.",
        list_announcements,
        AnnouncementsPage,
        query=AnnouncementsQuery,
    ),
    Operation(
        "POST",
        "/models/{model}/run",
        "runModel",
        "Enqueue a run of a model: the body has the inputs of `model_run` but for `modelId`.",
        run_model,
        JobDocument,
        body=dict[str, Any],
        status=202,
        problems=(408, 409, 413, 415, 422),
        takes_key=True,
    ),
)
