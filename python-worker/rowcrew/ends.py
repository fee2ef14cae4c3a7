"""Waits for the end of a job: its result, or an error that says what became of it.

In: an id, or what `enqueue` answered. Out: the result. Called by producers, from any thread or event loop.
`watch` does the waiting, on a connection of its own: a caller's session may be in a transaction, and until
that commits the job is there for nobody else.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, Final

import msgspec

from rowcrew import settings
from rowcrew.client import Enqueued
from rowcrew.context import seconds_of
from rowcrew.model.errors import JobCancelled, JobFailed, JobGone, NotEnded, ResultGone
from rowcrew.table.producer import JobEnd
from rowcrew.watch import Watch, watch_of

_LARGEST_ID: Final = 2**63 - 1


def wait(job: Enqueued | int, *, timeout: float | timedelta | None = None) -> Any:
    """The result of a job, as soon as it has completed: `wait(enqueue("model_run", {"n": 3}), timeout=60)`.

    Commit first: a job whose transaction is open exists for nobody else, so it cannot end.

    Args:
        job: an id, or what `enqueue` answered; of a job in whatever language.
        timeout: seconds or a timedelta; None = as long as it takes.

    Raises:
        JobFailed: with type, message and attempt.
        JobCancelled: somebody cancelled it.
        NotEnded: a TimeoutError; the job goes on.
        ResultGone: it completed, and its result was not kept until now (JOB_RESULT_TTL).
        JobGone: the row was deleted meanwhile, or has not been visible for a minute.
        DatabaseUnavailable: no connection could be had. One that is lost later is opened again.
    """
    id, seconds = _checked(job, timeout)
    watch = _watch()
    future = watch.want(id)
    try:
        end = future.result(seconds)
    except TimeoutError:
        raise _not_ended(watch.last_seen(id), id, seconds or 0.0) from None
    finally:
        watch.forget(id, future)
    return _result(end)


async def wait_async(
    job: Enqueued | int,
    *,
    timeout: float | timedelta | None = None,  # noqa: ASYNC109 - its error says how the job stands
) -> Any:
    """`wait`, for a running event loop: any number of these share one connection."""
    id, seconds = _checked(job, timeout)
    watch = _watch()
    future = watch.want(id)
    try:
        end = await asyncio.wait_for(asyncio.wrap_future(future), seconds)
    except TimeoutError:
        raise _not_ended(watch.last_seen(id), id, seconds or 0.0) from None
    finally:
        watch.forget(id, future)
    return _result(end)


def _checked(job: Enqueued | int, timeout: float | timedelta | None) -> tuple[int, float | None]:
    id: Any = job.id if isinstance(job, Enqueued) else job
    if not isinstance(id, int) or isinstance(id, bool):
        raise TypeError(f"job={job!r}: give the id of a job, or what enqueue() answered")
    if not 0 <= id <= _LARGEST_ID:  # no column holds it
        raise JobGone(f"there is no job {id}")
    return id, None if timeout is None else seconds_of(timeout)


def _watch() -> Watch:
    """Past a pooler where there is a way, because notifications do not come through one."""
    mine = settings.producer()
    return watch_of(mine.database_direct_url or mine.require_database_url())


def _result(end: JobEnd) -> Any:
    match end.status:
        case "failed":
            raise JobFailed(end.id, end.type, end.error_message or "no reason was given", end.attempts)
        case "cancelled":
            raise JobCancelled(end.id, end.type, end.error_message or "no reason was given")
    if end.emptied:
        raise ResultGone(
            f"job {end.id} ({end.type}) has completed; its result was kept for its time and is gone"
        )
    return None if end.result is None else msgspec.json.decode(end.result)


def _not_ended(last: JobEnd | None, id: int, seconds: float) -> NotEnded:
    within = f"within {seconds:g} seconds"
    if last is None:
        return NotEnded(
            f"job {id} was not seen {within}: if the transaction that enqueued it is open, "
            "commit first, then wait"
        )
    return NotEnded(
        f"job {id} ({last.type}) has not ended {within}: it is {last.status}, "
        f"{last.attempts} of {last.max_attempts} attempts begun; `rowcrew why {id}` says more"
    )
