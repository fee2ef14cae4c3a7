"""One job: where it is and why, its timeline, attempts, log, payload, result, family; cancel and requeue."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from rowcrew.admin import jobs as admin
from rowcrew.admin import looks
from rowcrew.admin.one_job import one_job
from rowcrew.admin.tree import tree
from rowcrew.table.rows import Said
from rowcrew.web.pages.remedies import because
from rowcrew.web.pages.screen import Desk, job_id
from rowcrew.web.pages.timeline import timeline
from rowcrew.web.problems import Refused

MOST_SAID: Final = 20
MOST_KIN: Final = 200


async def show_job(desk: Desk, request: Request) -> Response:
    id = job_id(request.path_params["id"])
    async with desk.looking.lent() as link:
        one = await one_job(link, id)
        if one is None:
            raise Refused(404, await admin.unseen(link, id))
        now = await looks.now(link)
        family = await tree(link, id, limit=MOST_KIN) or []
    shown = one.said if request.query_params.get("log") == "all" else one.said[-MOST_SAID:]
    return desk.page(
        request,
        "job",
        job=one.shown.job,
        attempts=sorted(one.shown.attempts, key=lambda attempt: attempt.finished_at, reverse=True),
        reasons=because(one.explained.reasons),
        timeline=timeline(one.shown.job, one.shown.attempts, now),
        said=shown,
        said_more=len(shown) < len(one.said),
        log_told=_told(one.said, shown),
        family=family,
    )


async def cancel_job(desk: Desk, request: Request) -> Response:
    return await _change(desk, request, "cancel")


async def requeue_job(desk: Desk, request: Request) -> Response:
    return await _change(desk, request, "requeue")


async def _change(desk: Desk, request: Request, change: admin.Change) -> Response:
    id = job_id(request.path_params["id"])
    async with desk.changing.lent() as link:
        (answer,) = await admin.change_jobs(link, change, [id])
        if answer.status is None:
            raise Refused(404, await admin.unseen(link, id))
    if answer.live_id is not None and not answer.changed:
        raise Refused(
            409, f"Job {answer.live_id} has its type and unique key and is live; cancel that one first."
        )
    done = change if answer.changed else "none"
    return await desk.back(request, f"/jobs/{id}", did=f"{change}_job", subject=str(id), done=done)


def _told(said: list[Said], shown: list[Said]) -> str:
    lines = sum(piece.lines for piece in said)
    if not lines:
        return ""
    shown_lines = sum(piece.lines for piece in shown)
    return f"{lines:,} lines" if shown_lines == lines else f"last {shown_lines:,} of {lines:,} lines"
