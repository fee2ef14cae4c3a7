"""The runs this worker holds, from the reservation until their end is recorded. All organs share it."""

from __future__ import annotations

import asyncio
import enum
import time
from collections.abc import Container, Iterable, Iterator
from typing import TYPE_CHECKING

from rowcrew.model.job import Job

if TYPE_CHECKING:
    from rowcrew.control.runner_process import RunnerProcess


class StopReason(enum.Enum):
    """Why a run was asked to end before its time."""

    TAKEN = "its row was changed or taken by somebody else"
    TIMEOUT = "it ran longer than it may"
    SHUTDOWN = "the worker is stopping"
    FENCED = "the worker could not prove life"


class Run:
    """One held job. `runner` is None until it is assigned, `started_at` until its runner has begun it.

    Values that most runs never change belong to the class: a run is made for every job.
    """

    assigned_at = 0.0
    started_at: float | None = None
    runner: RunnerProcess | None = None
    stop: StopReason | None = None
    timer: asyncio.TimerHandle | None = None
    progress: bytes | None = None
    checkpoint: bytes | None = None
    limit_seconds = 0.0
    ended = False

    def __init__(self, job: Job, now: float, is_long: bool) -> None:
        self.job = job
        self.is_long = is_long
        self.reserved_at = now
        self.written_at = now


class Ledger:
    """Runs by lease. `in_flight` counts those that have not ended; ended ones stay until recorded.

    `reserving_since` is when the reservation under way was sent, whose rows are not here yet; else None.
    """

    def __init__(self) -> None:
        self.reserving_since: float | None = None
        self._runs: dict[str, Run] = {}
        self.in_flight = 0
        self.long_in_flight = 0
        self.changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._runs)

    def __iter__(self) -> Iterator[Run]:
        return iter(list(self._runs.values()))

    def __contains__(self, lease_id: str) -> bool:
        return lease_id in self._runs

    @property
    def unrecorded(self) -> int:
        return len(self._runs) - self.in_flight

    def get(self, lease_id: str) -> Run | None:
        return self._runs.get(lease_id)

    def add(self, jobs: Iterable[Job], long_types: Container[str]) -> list[Run]:
        now = time.monotonic()
        runs = [Run(job, now, job.type in long_types) for job in jobs]
        self._runs.update([(run.job.lease_id, run) for run in runs])
        self.in_flight += len(runs)
        self.long_in_flight += sum([run.is_long for run in runs])
        return runs

    def end(self, run: Run) -> None:
        """The run is over; its slot is free."""
        run.ended = True
        self.in_flight -= 1
        self.long_in_flight -= run.is_long
        if run.timer is not None:
            run.timer.cancel()
        self.changed.set()

    def forget(self, lease_ids: Iterable[str]) -> None:
        """Their ends are recorded, or somebody else's business."""
        for lease_id in lease_ids:
            self._runs.pop(lease_id, None)
        self.changed.set()
