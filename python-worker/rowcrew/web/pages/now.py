"""Now: how all queues stand in one sentence, then a line for each, worst first; and the switch of each."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from rowcrew.admin.now import Now
from rowcrew.web.pages import errors
from rowcrew.web.pages.screen import Desk


async def show_now(desk: Desk, request: Request) -> Response:
    sight = await desk.seen.now()
    failing = await desk.seen.see("errors", errors.look)

    def facts() -> dict[str, Any]:
        return {"lede": _lede(sight.value) if sight.value else "", "errors": failing.value or []}

    return desk.sight_page(request, "now", sight, failing.value, facts=facts)


def _lede(now: Now) -> str:
    """What a person can do first, or the figures where nothing is to be done."""
    if not now.queues:
        return "Any program that can write to this database makes one; nothing is installed there."
    for queue in now.queues:
        if queue.stands == "unserved" and not queue.workers:
            return f"A worker that serves it would free {queue.queue}: `rowcrew worker --queue {queue.queue}`"
        if queue.stands == "unserved":
            type = queue.unserved_types[0]
            return f"The workers of {queue.queue} do not know `{type}`; start one whose crew has it."
    for queue in now.queues:
        places = queue.max_concurrent
        if queue.stands == "behind" and places is not None and queue.processing >= places:
            return f"The limit of {queue.queue} holds it back: {places} at once, and all are taken."
        if queue.stands == "behind" and queue.slots_taken >= queue.slots:
            return f"All {queue.slots} slots that serve {queue.queue} are taken: more workers would help."
    done = sum(queue.ended_per_minute for queue in now.queues)
    return f"{done:,.0f} jobs end in a minute; {sum(queue.ready for queue in now.queues):,} are ready."
