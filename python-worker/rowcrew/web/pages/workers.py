"""Workers: who is there, how they do; drain, go on, terminate."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from rowcrew.admin import workers as admin
from rowcrew.table.link import Link
from rowcrew.table.rows import ListedWorker
from rowcrew.web.pages.screen import Desk, form, job_id
from rowcrew.web.problems import Refused

MOST: Final = 200
_ORDER: Final = {"silent": 0, "lost": 1, "draining": 2, "stopping": 3, "live": 4, "stopped": 5}
_SHORT_SECONDS: Final = 86_400
_THERE: Final = ("live", "draining", "stopping")


async def look(link: Link) -> list[ListedWorker]:
    """Those that need a person first; who stopped or was lost more than a day ago is left out."""
    found = await admin.list_workers(link, limit=MOST)
    recent = [one for one in found if one.state in _THERE or one.heard_seconds < _SHORT_SECONDS]
    return sorted(recent, key=lambda worker: (_ORDER[worker.state], worker.heard_seconds, worker.name))


async def list_workers(desk: Desk, request: Request) -> Response:
    sight = await desk.seen.see("workers", look)
    return desk.sight_page(request, "workers", sight, facts=lambda: {"told": _told(sight.value or [])})


async def drain(desk: Desk, request: Request) -> Response:
    return await _ask(desk, request, "drain", "drain")


async def resume(desk: Desk, request: Request) -> Response:
    return await _ask(desk, request, "resume", "go-on")


async def terminate(desk: Desk, request: Request) -> Response:
    return await _ask(desk, request, "terminate", "terminate")


async def _ask(desk: Desk, request: Request, what: admin.Request, done: str) -> Response:
    ids = [job_id(text) for text in (await form(request)).get("id", [])]
    if len(ids) != 1:
        raise Refused(400, "Name one worker.")
    async with desk.changing.lent() as link:
        (answer,) = await admin.request(link, what, ids)
    told = done if answer.asked else "none"
    return await desk.back(request, "/workers", did=f"{what}_worker", subject=str(ids[0]), done=told)


def _told(workers: list[ListedWorker]) -> str:
    live = sum(worker.state in _THERE for worker in workers)
    gone = [worker.name for worker in workers if worker.state in ("silent", "lost")]
    said = "1 worker lives" if live == 1 else f"{live or 'No'} worker{'s live' if live else ' lives'}"
    if not gone:
        return f"{said}."
    what = f"`{gone[0]}` is" if len(gone) == 1 else f"`{gone[0]}` and {len(gone) - 1} more are"
    return f"{said}; {what} silent or lost."
