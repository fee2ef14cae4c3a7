"""Why: queued jobs that do not run, by what holds them, each crowd with the one thing that frees it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from rowcrew.table.rows import ReasonCount
from rowcrew.web.pages.screen import Desk, job_id


class Kind(NamedTuple):
    """A word of the view `job_why` as a page tells it; `does` says who or what frees such jobs."""

    tone: str
    icon: str
    title: str
    does: str


KINDS: Final = {
    "set-aside": Kind("bad", "bad", "No statement takes the row", "Mend the row, or what refuses it."),
    "no-worker": Kind("bad", "unserved", "No worker lives", "Start one: `rowcrew worker`"),
    "queue-unserved": Kind("bad", "unserved", "No worker serves the queue", "Start one that names it."),
    "type-unknown": Kind("bad", "unserved", "No worker knows the type", "Start one whose crew has it."),
    "overdue": Kind("bad", "behind", "Ready, and nobody takes it", "Read the log of its workers."),
    "queue-paused": Kind("warn", "paused", "The queue is paused", "None of it starts until it is resumed."),
    "limit-reached": Kind("warn", "limit", "A limit is held", "One starts whenever one ends."),
    "rate-used-up": Kind("warn", "rate", "The rate is used up", "The next starts when there is room."),
    "slots-taken": Kind("", "slots", "Every slot is taken", "One starts whenever one ends."),
    "about-to-run": Kind("", "queued", "About to run", "A worker takes it at its next look."),
    "waiting": Kind("", "waiting", "Waiting for other jobs", "Each starts when those have ended."),
    "backoff": Kind("", "retry", "Backing off after a failure", "Each is tried again by itself."),
    "snoozed": Kind("", "due", "Snoozed by its handler", "Each comes back when its handler said."),
    "scheduled": Kind("", "due", "Due later", "Each starts at its time."),
}
"""In the order of the page: what only a person can free stands first."""

_HELD: Final = ("bad", "warn")


class Crowd(NamedTuple):
    """Jobs that wait for one reason; `rows` has them by queue and type, the largest number first."""

    word: str
    kind: Kind
    jobs: int
    share: float
    rows: list[ReasonCount]

    @property
    def queues(self) -> list[str]:
        return list(dict.fromkeys(row.queue for row in self.rows))


async def show_why(desk: Desk, request: Request) -> Response:
    if asked := request.query_params.get("job", "").strip():
        return RedirectResponse(f"{request.scope.get('root_path', '')}/jobs/{job_id(asked)}", 303)
    sight = await desk.seen.reasons()

    def facts() -> dict[str, Any]:
        crowds = by_reason(sight.value or [])
        return {"crowds": crowds, "told": _told(crowds)}

    return desk.sight_page(request, "why", sight, facts=facts)


def by_reason(counts: Iterable[ReasonCount]) -> list[Crowd]:
    rows: defaultdict[str, list[ReasonCount]] = defaultdict(list)
    for one in counts:
        rows[one.reason].append(one)
    sums = {word: sum(one.jobs for one in found) for word, found in rows.items()}
    most = max(sums.values(), default=1)
    unknown = Kind("", "queued", "", "")
    crowds = [
        Crowd(
            word,
            KINDS.get(word, unknown._replace(title=word)),
            sums[word],
            100 * sums[word] / most,
            sorted(found, key=lambda one: (-one.jobs, one.queue, one.type)),
        )
        for word, found in rows.items()
    ]
    order = list(KINDS)
    return sorted(crowds, key=lambda crowd: order.index(crowd.word) if crowd.word in order else len(order))


def _told(crowds: list[Crowd]) -> str:
    waiting = sum(crowd.jobs for crowd in crowds)
    if not waiting:
        return "No job waits."
    held = sum(crowd.jobs for crowd in crowds if crowd.kind.tone in _HELD)
    said = "1 job waits" if waiting == 1 else f"{waiting:,} jobs wait"
    if not held:
        return f"{said}, and none of them needs a person."
    them = "All of them are" if held == waiting else f"{held:,} of them {'is' if held == 1 else 'are'}"
    return f"{said}. {them} held by something a person can change."
