"""What to write for an outcome: the one place that decides between retry, refund and the end."""

from __future__ import annotations

from typing import Literal, assert_never

import msgspec

from rowcrew.model.job import Job
from rowcrew.model.outcome import (
    Cancelled,
    Completed,
    Errored,
    Lost,
    Outcome,
    Parked,
    Recorded,
    Released,
    Snoozed,
)
from rowcrew.model.status import Status

AttemptOutcome = Literal["retried", "failed", "cancelled", "snoozed", "released", "lost"]


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """One row of the record statement.

    Attributes:
        status: the row's next status; `queued` runs it again.
        attempt_outcome: the word for `job_attempts`; None for a completed run, which leaves no such row.
        delay_seconds: how long a queued row waits.
        refund: 1 takes the attempt back, because the job is not to blame.
        crash: what is added to `crashes`: 1 when the job's runner died and nobody can be blamed. When the job
            ended by itself and will run again, nothing is left of them.
        waits: ids of jobs that it waits for, besides its `children`; None when it waits for nobody.
    """

    status: Status
    attempt_outcome: AttemptOutcome | None = None
    error: str | None = None
    traceback: str | None = None
    delay_seconds: float = 0.0
    refund: int = 0
    crash: int = 0
    memory_bytes: int | None = None
    result: bytes | None = None
    children: bytes | None = None
    events: bytes | None = None
    waits: list[int] | None = None


def verdict(job: Job, outcome: Outcome, backoff_seconds: float) -> Verdict | None:
    """What to write for this outcome; None when it has been written already."""
    match outcome:
        case Completed():  # no patterns inside: they double the cost of nearly every run's verdict
            return Verdict(
                "completed", result=outcome.result, children=outcome.children, events=outcome.events
            )
        case Errored(error, traceback, permanent, after_seconds, memory_bytes):
            delay = backoff_seconds if after_seconds is None else after_seconds
            return _failed_run(
                job, error, delay, permanent=permanent, traceback=traceback, memory_bytes=memory_bytes
            )
        case Snoozed(delay_seconds):
            return Verdict("queued", "snoozed", delay_seconds=delay_seconds, refund=1, crash=-job.crashes)
        case Parked(children, ids):
            return Verdict("queued", "snoozed", refund=1, crash=-job.crashes, children=children, waits=ids)
        case Cancelled(reason):
            return Verdict("cancelled", "cancelled", error=reason)
        case Lost(error, True, memory_bytes):
            return _failed_run(job, error, backoff_seconds, memory_bytes=memory_bytes, stays_suspect=True)
        case Lost(error, _, memory_bytes):
            return Verdict("queued", "lost", error=error, refund=1, crash=1, memory_bytes=memory_bytes)
        case Released(reason):
            return Verdict("queued", "released", error=reason, refund=1)
        case Recorded():
            return None
        case _:
            assert_never(outcome)


def is_final(job: Job, *, permanent: bool) -> bool:
    """Whether an error ends the job; else another attempt follows."""
    return permanent or job.is_last_attempt


def _failed_run(
    job: Job,
    error: str,
    delay_seconds: float,
    *,
    permanent: bool = False,
    traceback: str | None = None,
    memory_bytes: int | None = None,
    stays_suspect: bool = False,
) -> Verdict:
    if is_final(job, permanent=permanent):
        return Verdict("failed", "failed", error=error, traceback=traceback, memory_bytes=memory_bytes)
    return Verdict(
        "queued",
        "retried",
        error=error,
        traceback=traceback,
        delay_seconds=delay_seconds,
        crash=0 if stays_suspect else -job.crashes,
        memory_bytes=memory_bytes,
    )
