"""Queues and their limits: who holds the places, who waits behind; pause, resume, and new numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import psycopg
from starlette.requests import Request
from starlette.responses import Response

from rowcrew.admin import looks
from rowcrew.admin import queues as admin
from rowcrew.model.standing import QueueNow
from rowcrew.table.link import Link, reason
from rowcrew.table.looks import HeldJob
from rowcrew.table.rows import ShownQueue
from rowcrew.web.pages.screen import Desk, form
from rowcrew.web.problems import Refused

_COLUMNS: Final[tuple[str, ...]] = (
    *("maxConcurrent", "maxConcurrentPerKey"),
    *("rateLimit", "rateLimitPerKey", "ratePeriodSeconds"),
)
_LARGEST: Final = 2**31 - 1
_PLACES: Final = {"now": "/", "limits": "/limits", "why": "/why"}


class Held(NamedTuple):
    """A queue, and the jobs that run, the longest first."""

    queue: QueueNow
    held: list[HeldJob]


def held_places(queues: Iterable[QueueNow], jobs: Iterable[HeldJob]) -> list[Held]:
    """Queues with limits first, those with the most behind them on top."""
    held: defaultdict[str, list[HeldJob]] = defaultdict(list)
    for job in jobs:
        held[job.queue].append(job)
    rows = [Held(queue, held[queue.queue]) for queue in queues]
    return sorted(rows, key=lambda row: (not _is_limited(row.queue), -row.queue.ready))


def _is_limited(queue: QueueNow) -> bool:
    return queue.paused or queue.max_concurrent is not None


async def show_limits(desk: Desk, request: Request) -> Response:
    return await _page(desk, request, request.query_params.get("queue", ""))


async def pause(desk: Desk, request: Request) -> Response:
    return await _set_paused(desk, request, paused=True)


async def resume(desk: Desk, request: Request) -> Response:
    return await _set_paused(desk, request, paused=False)


async def set_limits(desk: Desk, request: Request) -> Response:
    """New numbers, for good or for a time."""
    sent = {name: values[0].strip() for name, values in (await form(request)).items()}
    queue = sent.get("queue", "")
    try:
        columns: dict[str, int | str | bool | None] = {
            name: _number(name, sent[name]) for name in _COLUMNS if name in sent
        }
        seconds = _number("for", sent.get("for", ""))
        async with desk.changing.lent() as link:
            await _known(link, queue)
            await admin.set_queue(link, queue, columns, seconds=seconds)
    except ValueError as error:
        return await _page(desk, request, queue, wrong=str(error))
    except psycopg.DataError as error:
        return await _page(desk, request, queue, wrong=reason(error))
    return await desk.back(request, "/limits", did="change_queue", subject=queue, done="set")


async def _page(desk: Desk, request: Request, queue: str, *, wrong: str = "") -> Response:
    """All queues, and a form for one of them."""
    sight = await desk.seen.now()
    jobs = await desk.seen.see("held", looks.held_jobs)
    shown = None
    if queue:
        async with desk.looking.lent() as link:
            shown = await _known(link, queue)

    def facts() -> dict[str, Any]:
        rows = held_places(sight.value.queues, jobs.value or []) if sight.value else []
        return {"rows": rows, "shown": shown, "wrong": wrong}

    if wrong:
        return desk.page(request, "limits", status=422, sight=sight, **facts())
    return desk.sight_page(request, "limits", sight, jobs.value, shown, facts=facts)


async def _set_paused(desk: Desk, request: Request, *, paused: bool) -> Response:
    sent = await form(request)
    queue, origin = (sent.get("queue") or [""])[0], (sent.get("from") or ["limits"])[0]
    async with desk.changing.lent() as link:
        await _known(link, queue)  # a queue that nobody has named gets no row by a made-up form
        await admin.set_queue(link, queue, {"paused": paused})
    what = "pause" if paused else "resume"
    way = _PLACES.get(origin, "/limits")
    return await desk.back(request, way, did=f"{what}_queue", subject=queue, done=what)


async def _known(link: Link, queue: str) -> ShownQueue:
    shown = await admin.show_queue(link, queue)
    if shown is None:
        raise Refused(404, f"nobody has named a queue {queue!r}")
    return shown


def _number(name: str, text: str) -> int | None:
    """None for an empty field, which means no limit."""
    if not text:
        return 1 if name == "ratePeriodSeconds" else None
    if not text.isascii() or not text.isdigit() or len(text) > 10 or int(text) > _LARGEST:
        raise ValueError(
            f"“{text[:40]}” is no whole number from 0 to {_LARGEST:,}; leave it empty for no limit."
        )
    return int(text)
