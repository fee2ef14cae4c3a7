"""Requeue with another payload: a form made from the type's schema, without secrets; complaints by field."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from rowcrew.admin import jobs as admin
from rowcrew.admin.requeue_edited import payload_schema, requeue_edited
from rowcrew.model.errors import InvalidJob
from rowcrew.model.masking import masked
from rowcrew.model.new_job import PAYLOAD_BYTES
from rowcrew.model.status import ENDED
from rowcrew.table.link import Link
from rowcrew.table.rows import WholeJob
from rowcrew.web.pages.payload_form import Field, again, fields, place_of, read
from rowcrew.web.pages.screen import Desk, form, job_id
from rowcrew.web.problems import Refused

_FORM_BYTES: Final = 12 * PAYLOAD_BYTES
"""A payload at its limit on lines of its own, and what forms add to characters that they escape."""

_CHANGED: Final = "Somebody has changed the job since you opened this form. What you wrote is still here."


class Edited(NamedTuple):
    """A job, its payload without secrets, and the schema of its type."""

    job: WholeJob
    payload: dict[str, Any]
    schema: dict[str, Any] | None


async def ask(desk: Desk, request: Request) -> Response:
    """The form."""
    async with desk.looking.lent() as link:
        edited = await _edited(link, job_id(request.path_params["id"]))
    if edited.job.status not in ENDED:
        raise Refused(409, f"Job {edited.job.id} is {edited.job.status}: only an ended job is requeued.")
    return _page(desk, request, edited, fields(edited.payload, edited.schema))


async def requeue(desk: Desk, request: Request) -> Response:
    id = job_id(request.path_params["id"])
    sent = await form(request, most=_FORM_BYTES)
    async with desk.changing.lent() as link:
        edited = await _edited(link, id)
        found = fields(edited.payload, edited.schema)
        payload, wrong = read(sent, edited.payload, edited.schema)
        if wrong:
            return _page(desk, request, edited, again(found, sent, wrong))
        try:
            requeued = await requeue_edited(link, id, payload, seen=_seen(sent.get("seen", [])))
        except InvalidJob as error:
            told = {place_of(error.field, found): f"{error.field} {error.problem}"}
            return _page(desk, request, edited, again(found, sent, told))
    if requeued is None or not requeued.answer.changed:
        return _page(desk, request, edited, again(found, sent, {}), refused=_refused(edited, requeued))
    tells = {"fields": requeued.fields}
    did = "requeue_edited_job"
    return await desk.back(request, f"/jobs/{id}", did=did, subject=str(id), tells=tells, done="requeue")


def _refused(edited: Edited, requeued: Any) -> str:
    if requeued is not None and requeued.answer.live_id is not None:
        live = requeued.answer.live_id
        return f"Job {live} has its type and unique key and is live; cancel that one first."
    if edited.job.status not in ENDED:
        return f"The job is {edited.job.status} by now: only an ended job is requeued."
    return _CHANGED


async def _edited(link: Link, id: int) -> Edited:
    shown = await admin.show_job(link, id)
    if shown is None:
        raise Refused(404, await admin.unseen(link, id))
    payload = masked(msgspec.json.decode(shown.job.payload))
    return Edited(shown.job, payload, await payload_schema(link, shown.job.type))


def _seen(sent: Sequence[str]) -> datetime:
    try:
        seen = datetime.fromisoformat(sent[0]) if sent else None
    except ValueError:
        seen = None
    if seen is None or seen.tzinfo is None:
        raise Refused(400, "The form does not say when it was opened; open it again.")
    return seen


def _page(
    desk: Desk, request: Request, edited: Edited, found: Sequence[Field], *, refused: str = ""
) -> Response:
    return desk.page(
        request,
        "edit",
        job=edited.job,
        fields=found,
        has_schema=edited.schema is not None,
        refused=refused,
        wrong=sum(bool(one.wrong) for one in found),
        status=409 if refused else 422 if any(one.wrong for one in found) else 200,
    )
