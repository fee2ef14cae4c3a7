"""One run of a job, from its reservation until its end is recorded, and what may happen to it on the way.

Made by `ledger`. Fields are read everywhere and written only by the methods here.
"""

from __future__ import annotations

import enum
from typing import Protocol

from rowcrew.control.clock import Timer
from rowcrew.model.job import Job


class StopReason(enum.Enum):
    """Why a run was asked to end before its time."""

    TAKEN = "its row was changed or taken by somebody else"
    TIMEOUT = "it ran longer than it may"
    SHUTDOWN = "the worker is stopping"
    OUT_OF_TIME = "the worker has been there as long as it may"
    FENCED = "the worker could not prove life"


class Handle(Protocol):
    """A runner as its runs know it."""

    @property
    def pid(self) -> int: ...
    @property
    def killing(self) -> str:
        """The event of the log that tells that it is killed."""
        ...

    def stop(self, lease_id: str) -> None:
        """Ask it to end this run."""
        ...

    def drop(self, lease_id: str) -> None:
        """Forget a run that is over."""
        ...

    def kill_for(self, lease_id: str) -> None:
        """End the runner for this run's sake."""
        ...


class Run:
    """One held job.

    Defaults live on the class, because most runs never set them: a run is made for every job.

    Attributes:
        runner: None until the run is assigned.
        started_at: None until its runner has begun it.
        stop: why it was asked to end, if it was.
        progress, checkpoint: what the handler said and no row has yet.
        written_at: when the row last showed life.
        bytes_noted: how large progress and checkpoint are in the count of `road.backlog`.
        limit_seconds: the limit that its timer was set to.
        is_finished: its handler has ended; the end waits in the runner until control has room for it.
        is_over: it holds no slot any more; its end may still have to be recorded.
    """

    runner: Handle | None = None
    assigned_at = 0.0
    started_at: float | None = None
    stop: StopReason | None = None
    progress: bytes | None = None
    checkpoint: bytes | None = None
    bytes_noted = 0
    limit_seconds = 0.0
    is_finished = False
    is_over = False
    _timer: Timer | None = None

    def __init__(self, job: Job, now: float, is_long: bool) -> None:
        self.job = job
        self.is_long = is_long
        self.reserved_at = now
        self.written_at = now

    def assigned(self, runner: Handle, now: float) -> None:
        self.runner = runner
        self.assigned_at = now

    def began(self, now: float) -> None:
        self.started_at = now

    def seconds(self, now: float) -> float | None:
        """How long it has run; None if it never began."""
        return None if self.started_at is None else now - self.started_at

    def limited(self, seconds: float, timer: Timer) -> None:
        """It may run so long; the timer says when that is over."""
        self.limit_seconds = seconds
        self._timer = timer

    def asked_to_stop(self, reason: StopReason) -> bool:
        """Whether it is the first to ask; the first reason stands."""
        if self.is_over or self.stop is not None:
            return False
        self.stop = reason
        self._cancel_timer()
        return True

    def graced(self, timer: Timer) -> None:
        """It was asked to stop; the timer says when it will be killed."""
        self._timer = timer

    def noted(self, progress: bytes | None, checkpoint: bytes | None) -> None:
        """The handler said something; None where it said nothing new."""
        self.progress = progress or self.progress
        self.checkpoint = checkpoint or self.checkpoint

    def told(self, progress: bytes | None, checkpoint: bytes | None, now: float) -> None:
        """The row has these; what was noted meanwhile is still to be told."""
        self.written_at = now
        self.progress = None if self.progress is progress else self.progress
        self.checkpoint = None if self.checkpoint is checkpoint else self.checkpoint

    def finished(self) -> None:
        """Its handler has ended: no limit and no grace counts any more."""
        self.is_finished = True
        self._cancel_timer()

    def over(self) -> None:
        self.is_over = True
        if self._timer is not None:
            self._timer.cancel()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
