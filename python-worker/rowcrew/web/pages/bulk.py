"""All jobs that fit a filter: how many a change would take, then the change, which can be taken back."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from rowcrew.admin import bulk as admin
from rowcrew.admin import looks
from rowcrew.admin.search import Unreadable, frozen, search, spelled
from rowcrew.table.looks import Search
from rowcrew.web.bulk import BulkDocument
from rowcrew.web.pages.jobs import change_of, refuse_hidden
from rowcrew.web.pages.screen import Desk, form, job_id
from rowcrew.web.problems import Refused

UNDO_SECONDS: Final = 10.0


async def ask(desk: Desk, request: Request) -> Response:
    """How many there are now, and whether to go on."""
    change = change_of(request.query_params.get("change", ""))
    wanted = _wanted(request.query_params.get("q", ""))
    refuse_hidden(wanted, request)
    async with desk.looking.lent() as link:
        wanted = frozen(wanted, await looks.now(link))
        counted = await admin.count(link, change, wanted)
    return desk.page(request, "bulk", change=change, q=spelled(wanted), counted=counted, bulk=None)


async def begin(desk: Desk, request: Request) -> Response:
    sent = {name: values[0] for name, values in (await form(request)).items()}
    change, wanted = change_of(sent.get("change", "")), _wanted(sent.get("q", ""))
    to_id = job_id(sent.get("to", ""))
    begun = desk.bulks.begin(
        change,
        wanted,
        to_id=to_id,
        delay_seconds=UNDO_SECONDS,
        counted=_counted(sent.get("jobs", "")),
    )
    tells = admin.told(change, wanted, to_id)
    return await desk.back(request, f"/bulk/{begun.id}", did="begin_bulk", subject=begun.id, tells=tells)


async def show(desk: Desk, request: Request) -> Response:
    bulk = _found(desk.bulks.get(request.path_params["id"]))
    return desk.page(request, "bulk", change=bulk.change, q="", counted=None, bulk=bulk)


async def stop(desk: Desk, request: Request) -> Response:
    bulk = _found(desk.bulks.take_back(request.path_params["id"]))
    return await desk.back(request, f"/bulk/{bulk.id}", did="stop_bulk", subject=bulk.id)


def _counted(text: str) -> int | None:
    """The number on the button; None where it was no exact one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _wanted(q: str) -> Search:
    try:
        wanted = search(q)
    except Unreadable as error:
        raise Refused(400, str(error)) from error
    if wanted == Search():
        raise Refused(400, "Say which jobs, such as status:failed: a change of all jobs is never meant.")
    return wanted


def _found(bulk: BulkDocument | None) -> BulkDocument:
    if bulk is None:
        raise Refused(404, "This server knows no such change; it remembers its last hundred.")
    return bulk
