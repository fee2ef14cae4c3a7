"""One job: where it is and why, its timeline, attempts, log, payload, result, family; cancel and requeue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from rowcrew.admin import jobs as admin
from rowcrew.admin import looks
from rowcrew.admin.one_job import OneJob, one_job
from rowcrew.admin.tree import Family, PlacedJob, tree
from rowcrew.model.status import ENDED
from rowcrew.table.link import Link
from rowcrew.table.rows import Said, TreeJob
from rowcrew.web.pages.graph import graph
from rowcrew.web.pages.remedies import because
from rowcrew.web.pages.screen import Desk, asks_again, job_id
from rowcrew.web.pages.timeline import Waited, timeline
from rowcrew.web.pages.workflow import batch
from rowcrew.web.problems import Refused

MOST_SAID: Final = 20
MOST_KIN: Final = 200
MOST_LISTED: Final = 12


class Sight(NamedTuple):
    """What a look at a job has found."""

    one: OneJob
    now: datetime
    family: Family


class Kin(NamedTuple):
    """A job of the family, and those below it."""

    job: TreeJob
    below: list[Kin]


async def show_job(desk: Desk, request: Request) -> Response:
    id = job_id(request.path_params["id"])

    async def look(link: Link) -> Sight:
        one = await one_job(link, id)
        if one is None:
            raise Refused(404, await admin.unseen(link, id))
        family = await tree(link, id, limit=MOST_KIN, reach=looks.READ_THROUGH)
        return Sight(one, await looks.now(link), family or Family([], is_whole=True))

    def facts() -> dict[str, Any]:
        one, now, (family, is_whole) = sight
        jobs = {placed.job.id: placed.job for placed in family}
        shown = one.said if request.query_params.get("log") == "all" else one.said[-MOST_SAID:]
        return {
            "job": one.shown.job,
            "attempts": sorted(one.shown.attempts, key=lambda attempt: attempt.finished_at, reverse=True),
            "reasons": because(one.explained.reasons),
            "timeline": timeline(one.shown.job, one.shown.attempts, now, waited=_waited_for(id, jobs)),
            "graph": graph(family),
            "batch": batch([job for job in jobs.values() if job.parent_id == id]),
            "said": shown,
            "said_more": len(shown) < len(one.said),
            "log_told": _told(one.said, shown),
            "family": family,
            "is_whole": is_whole,
            "kin": nested(family[:MOST_LISTED]),
        }

    sight = await desk.seen.glances.see(
        ("job", id), look, anew=not asks_again(request), young_seconds=_young_seconds
    )
    return desk.same_page(request, "job", sight, facts=facts)


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


def _young_seconds(sight: Sight) -> float:
    """Somewhat less than until its page asks again."""
    return 8.0 if sight.one.shown.job.status in ENDED else 1.5


def nested(family: Sequence[PlacedJob]) -> list[Kin]:
    """The tree as lists in lists."""
    outermost: list[Kin] = []
    open_lists = [outermost]
    for placed in family:
        del open_lists[placed.place.depth + 1 :]
        kin = Kin(placed.job, [])
        open_lists[-1].append(kin)
        open_lists.append(kin.below)
    return outermost


def _waited_for(id: int, jobs: Mapping[int, TreeJob]) -> Waited:
    """The jobs that this one waits or waited for, and when the last of them ended, if they all have."""
    ids = jobs[id].waits_for if id in jobs else []
    ends = [jobs[other].finished_at for other in ids if other in jobs]
    known = [end for end in ends if end is not None]
    return Waited(ids, max(known) if known and len(known) == len(ids) else None)


def _told(said: list[Said], shown: list[Said]) -> str:
    lines = sum(piece.lines for piece in said)
    if not lines:
        return ""
    shown_lines = sum(piece.lines for piece in shown)
    return f"{lines:,} lines" if shown_lines == lines else f"last {shown_lines:,} of {lines:,} lines"
