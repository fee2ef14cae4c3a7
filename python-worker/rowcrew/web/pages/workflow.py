"""A workflow: a job's whole family as a tree, and what waits for what; requeue what failed, cancel."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from rowcrew.admin import jobs, looks
from rowcrew.admin import tree as admin
from rowcrew.admin.tree import Family, PlacedJob
from rowcrew.model.status import ENDED, Status
from rowcrew.model.tree import branches
from rowcrew.table.link import Link
from rowcrew.table.rows import TreeAttempt, TreeJob
from rowcrew.web.pages.gantt import gantt
from rowcrew.web.pages.graph import graph
from rowcrew.web.pages.screen import Desk, asks_again, job_id
from rowcrew.web.problems import Refused

MOST: Final = 500
LEAST_CHILDREN: Final = 3


class Sight(NamedTuple):
    """What a look at a family has found."""

    family: Family
    attempts: list[TreeAttempt]
    now: datetime


class Batch(NamedTuple):
    """How far a job's children are."""

    told: str
    share: float


async def show_workflow(desk: Desk, request: Request) -> Response:
    id = job_id(request.path_params["id"])

    async def look(link: Link) -> Sight:
        family = await admin.tree(link, id, limit=MOST, reach=looks.READ_THROUGH)
        if family is None:
            raise Refused(404, await jobs.unseen(link, id))
        return Sight(family, await admin.attempts(link, family.members), await looks.now(link))

    def facts() -> dict[str, Any]:
        (family, is_whole), attempts, now = sight
        return {
            "id": id,
            "rows": list(zip(branches([placed.place for placed in family]), family, strict=True)),
            "root_job": family[0].job,
            "failed": [placed.job for placed in family if placed.job.status == "failed"],
            "open": _open(family),
            "told": _told(family),
            "batch": batch([placed.job for placed in family if placed.place.depth == 1]),
            "graph": graph(family),
            "gantt": gantt(family, attempts, now),
            "most": MOST,
            "is_whole": is_whole,
        }

    sight = await desk.seen.glances.see(
        ("workflow", id), look, anew=not asks_again(request), young_seconds=_young_seconds
    )
    return desk.same_page(request, "workflow", sight, facts=facts)


def _open(family: Sequence[PlacedJob]) -> int:
    return sum(placed.job.status not in ENDED for placed in family)


def _young_seconds(sight: Sight) -> float:
    """Somewhat less than until its page asks again."""
    return 2.0 if _open(sight.family.members) else 8.0


def batch(children: Sequence[TreeJob]) -> Batch | None:
    """How far the children of a job are; None where it has few."""
    if len(children) < LEAST_CHILDREN:
        return None
    ended = [job for job in children if job.status in ENDED]
    failed = sum(job.status == "failed" for job in ended)
    said = f"{len(ended):,} of {len(children):,} children have ended"
    return Batch(f"{said}, {failed:,} of them failed" if failed else said, len(ended) / len(children))


async def cancel(desk: Desk, request: Request) -> Response:
    return await _change(desk, request, "cancel", None)


async def requeue(desk: Desk, request: Request) -> Response:
    return await _change(desk, request, "requeue", ("failed",))


async def _change(
    desk: Desk, request: Request, change: Literal["cancel", "requeue"], statuses: tuple[Status, ...] | None
) -> Response:
    id = job_id(request.path_params["id"])
    async with desk.changing.lent() as link:
        answers = await admin.change_tree(link, change, id, statuses=statuses)
    changed = sum(answer.changed for answer in answers)
    did = f"{change}_workflow"
    return await desk.back(
        request, f"/workflows/{id}", did=did, subject=str(id), done=f"many-{change}", n=changed
    )


def _told(family: list[PlacedJob]) -> str:
    ended = sum(placed.job.status in ("completed", "failed", "cancelled") for placed in family)
    failed = sum(placed.job.status == "failed" for placed in family)
    said = f"{ended:,} of {len(family):,} jobs {'has' if ended == 1 else 'have'} ended"
    return f"{said}, {failed:,} of them failed." if failed else f"{said}."
