"""Ends runs: frees the slot, decides what the end counts as, passes it on to be recorded.

In: a run and its outcome, from `reports`, `dispatch`, `stopping` and the chore that looks for unbegun runs.
Out: ends for `record`, and rows that somebody changed for `letting_go`. A run that was asked to stop ends as
its stop reason says, whatever its handler made of it.
"""

from __future__ import annotations

from rowcrew.control.ledger import Ledger
from rowcrew.control.letting_go import LettingGo
from rowcrew.control.road.backlog import Backlog
from rowcrew.control.road.record import Recorder
from rowcrew.control.road.waiting import Waiting
from rowcrew.control.run import Run, StopReason
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


class Ending:
    """The one way out for every run; ending a run twice changes nothing."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        waiting: Waiting,
        recorder: Recorder,
        letting_go: LettingGo,
        backlog: Backlog,
    ) -> None:
        self._ledger = ledger
        self._waiting = waiting
        self._recorder = recorder
        self._letting_go = letting_go
        self._backlog = backlog

    def end(self, run: Run, outcome: Outcome) -> None:
        if run.is_over:
            return
        if run.runner is not None:
            run.runner.drop(run.job.lease_id)
        else:
            self._waiting.remove(run)
        self._ledger.close(run)
        if run.bytes_noted:
            self._backlog.add(-run.bytes_noted)
        if run.stop is None or isinstance(outcome, Recorded):  # a commit may be seen before it is reported
            self._recorder.take(run, outcome)
        elif run.stop is StopReason.TAKEN:
            self._ledger.forget([run.job.lease_id])
            self._letting_go.let_go(run.job)
        else:
            self._recorder.take(run, as_stopped(run, outcome))


def as_stopped(run: Run, outcome: Outcome) -> Outcome:
    """What a run that was asked to stop ends as; one that ended by itself meanwhile keeps its end."""
    match outcome:
        case Completed() | Recorded() | Snoozed() | Parked() | Cancelled():
            return outcome
        case Errored() | Lost() | Released():
            pass
    match run.stop:
        case StopReason.TIMEOUT:
            memory = getattr(outcome, "memory_bytes", None)
            return Errored(
                f"TimeoutError: ran longer than {run.limit_seconds:g} seconds", memory_bytes=memory
            )
        case StopReason.OUT_OF_TIME if run.started_at is not None:
            return Errored(f"TimeoutError: {run.stop.value}", after_seconds=0.0)
        case StopReason.SHUTDOWN | StopReason.FENCED | StopReason.OUT_OF_TIME:
            return Released(run.stop.value)
        case _:
            return outcome
