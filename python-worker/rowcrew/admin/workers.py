"""Workers, as they stand, and what somebody asks of them: to drain, to go on, to terminate.

In: a link. Out: rows, and an answer for each worker that was named. Called by every face. A worker obeys
a word in its row of `workers`, so whoever may change that row does the same with SQL.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from rowcrew.model.asked import Asked
from rowcrew.table import operator
from rowcrew.table.link import Link
from rowcrew.table.rows import ListedWorker, Row, WorkerLimit, WorkerState

Request = Literal["drain", "resume", "terminate"]

_WORDS: Final[dict[Request, Asked | None]] = {"drain": "drain", "resume": None, "terminate": "terminate"}


class Answer(Row, frozen=True):
    """What became of a request.

    Attributes:
        asked: whether the worker's row says so now; it obeys within a heartbeat.
        state: None when there is no such worker.
        running: jobs that it holds.
    """

    id: int
    asked: bool
    name: str | None = None
    state: WorkerState | None = None
    running: int = 0
    heard_seconds: float | None = None


async def list_workers(
    link: Link, *, states: Sequence[WorkerState] | None = None, limit: int = 20
) -> list[ListedWorker]:
    """The workers heard last, last heard first; None = in whatever state."""
    return await operator.list_workers(link, states=states, limit=limit)


async def limits(link: Link) -> dict[str, WorkerLimit]:
    """The live workers of each queue that has a limit, by its name."""
    return {one.queue: one for one in await operator.worker_limits(link)}


async def request(
    link: Link, what: Request, ids: Sequence[int] | None, *, queue: str | None = None
) -> list[Answer]:
    """Ask these workers, in their order; None = all that are there, and with a queue all that name it."""
    asked = await operator.ask_workers(link, asked=_WORDS[what], ids=ids, queue=queue)
    wanted = list(dict.fromkeys(sorted(asked) if ids is None else ids))
    named = {worker.id: worker for worker in await operator.named_workers(link, ids=wanted)}
    return [
        Answer(id, id in asked, worker.name, worker.state, worker.running, worker.heard_seconds)
        if (worker := named.get(id))
        else Answer(id, False)
        for id in wanted
    ]
