"""All jobs that fit a filter: how many a change would take, then the change, which can be taken back."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from rowcrew.admin import bulk as admin
from rowcrew.admin import looks
from rowcrew.admin.search import Unreadable, frozen, search, spelled, time_of
from rowcrew.model.errors import InvalidJob
from rowcrew.table.looks import Search
from rowcrew.web.api.bulk import edit_of
from rowcrew.web.bulk import BulkDocument
from rowcrew.web.pages.jobs import change_of, refuse_hidden
from rowcrew.web.pages.screen import Desk, form, job_id
from rowcrew.web.problems import Refused

UNDO_SECONDS: Final = 10.0

_WHOLE: Final = re.compile(r"-?[0-9]{1,6}")


async def ask(desk: Desk, request: Request) -> Response:
    """How many there are now, and whether to go on."""
    change = _change_of(request.query_params.get("change", ""))
    wanted = _wanted(request.query_params.get("q", ""))
    refuse_hidden(wanted, request)
    async with desk.looking.lent() as link:
        wanted = frozen(wanted, await looks.now(link))
        counted = await admin.count(link, change, wanted)
    return desk.page(request, "bulk", change=change, q=spelled(wanted), counted=counted, bulk=None)


async def begin(desk: Desk, request: Request) -> Response:
    sent = {name: values[0] for name, values in (await form(request)).items()}
    change, wanted = _change_of(sent.get("change", "")), _wanted(sent.get("q", ""))
    to_id = job_id(sent.get("to", ""))
    edit = await _edit(desk, sent) if change == "edit" else None
    begun = desk.bulks.begin(
        change,
        wanted,
        to_id=to_id,
        delay_seconds=UNDO_SECONDS,
        counted=_counted(sent.get("jobs", "")),
        edit=edit,
    )
    tells = admin.told(change, wanted, to_id, edit)
    return await desk.back(request, f"/bulk/{begun.id}", did="begin_bulk", subject=begun.id, tells=tells)


async def show(desk: Desk, request: Request) -> Response:
    bulk = _found(desk.bulks.get(request.path_params["id"]))
    return desk.page(request, "bulk", change=bulk.change, q="", counted=None, bulk=bulk)


async def stop(desk: Desk, request: Request) -> Response:
    bulk = _found(desk.bulks.take_back(request.path_params["id"]))
    return await desk.back(request, f"/bulk/{bulk.id}", did="stop_bulk", subject=bulk.id)


def _change_of(word: str) -> admin.BulkChange:
    return "edit" if word == "edit" else change_of(word)


async def _edit(desk: Desk, sent: dict[str, str]) -> admin.Edit:
    """What the fields say: a priority by name or number, and a time, or so long from now.

    Raises:
        Refused: neither is given, or one is not understood.
    """
    priority, when = sent.get("priority", "").strip(), sent.get("when", "").strip()
    if not priority and not when:
        raise Refused(400, "Give a priority, or a time, or both.")
    run_at = None
    if when:
        at = timedelta() if when == "now" else time_of(when)
        if at is None:
            raise Refused(400, f"{when!r} is no time: give now, 30min, 2h, 7d or 2026-12-31T18:00.")
        async with desk.looking.lent() as link:
            run_at = at if isinstance(at, datetime) else await looks.now(link) + at
    try:
        return edit_of(int(priority) if _WHOLE.fullmatch(priority) else priority or None, run_at)
    except InvalidJob as error:
        raise Refused(400, f"{priority!r} is no priority: {error.problem}.") from error


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
