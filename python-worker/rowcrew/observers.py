"""Who sees every run from outside: where it begins, and what came of it, commit and all.

In: functions that `Crew.observe` registers. Out: their calls, on the event loop, in the run's own context;
what they raise is logged and harms no run. Called by the runner's loop; tracing and error reports use it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final, Literal, assert_never

import msgspec

from rowcrew.context import CurrentJob
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
from rowcrew.model.verdict import is_final

HowEnded = Literal["completed", "retried", "failed", "cancelled", "snoozed", "waiting", "stopped"]

_LOG: Final = logging.getLogger("rowcrew")


class ObservedRun(msgspec.Struct, frozen=True):
    """One run that begins.

    Attributes:
        job: its facts.
        wait_seconds: how long the job was due when a worker took it.
        payload: as JSON text.
        traceparent: the trace that its producer named, unchecked.
    """

    job: CurrentJob
    wait_seconds: float
    payload: str
    traceparent: str | None


class RunEnd(msgspec.Struct, frozen=True):
    """What came of a run.

    Attributes:
        how: `retried` and `failed` are errors, before the last attempt and at it.
        message, traceback: of an error, as its row shows them: secrets are masked.
        error: the exception itself, unmasked, if there was one.
    """

    how: HowEnded
    message: str | None = None
    traceback: str | None = None
    error: BaseException | None = None


Ending = Callable[[RunEnd], None]
Observer = Callable[[ObservedRun], Ending | None]


class Observed:
    """The observers of one run, from its beginning to its end.

    Attributes:
        error: what the handler raised, once it has.
    """

    error: BaseException | None = None

    def __init__(self, observers: Sequence[Observer], job: Job, facts: CurrentJob) -> None:
        self._job = job
        self._endings: list[Ending] = []
        run = ObservedRun(facts, max(job.wait_seconds, 0.0), job.payload, job.traceparent)
        for observer in observers:
            try:
                if ending := observer(run):
                    self._endings.append(ending)
            except Exception:
                _LOG.exception("an observer of runs failed")

    def end(self, outcome: Outcome) -> None:
        """Tell all of them, the last one first."""
        end = _end(self._job, outcome, self.error)
        self.error = None  # its traceback holds the frames that hold this
        for ending in reversed(self._endings):
            try:
                ending(end)
            except Exception:
                _LOG.exception("an observer of runs failed")


def _end(job: Job, outcome: Outcome, error: BaseException | None) -> RunEnd:
    match outcome:
        case Completed() | Recorded():
            return RunEnd("completed")
        case Errored():
            how: HowEnded = "failed" if is_final(job, permanent=outcome.permanent) else "retried"
            return RunEnd(how, outcome.error, outcome.traceback, error)
        case Cancelled():
            return RunEnd("cancelled", outcome.reason)
        case Snoozed():
            return RunEnd("snoozed")
        case Parked():
            return RunEnd("waiting")
        case Released() | Lost():
            return RunEnd("stopped", outcome.reason if isinstance(outcome, Released) else outcome.error)
        case _:
            assert_never(outcome)
