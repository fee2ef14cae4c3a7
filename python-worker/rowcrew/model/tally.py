"""What a worker counts of the runs whose ends it has recorded, until it writes the counts to `job_stats`.

In: the runs whose ends were recorded together. Out: once a minute, a row for each queue, type and outcome.
This is on the road of every job: it adds up in memory, and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from rowcrew.model.histogram import count_in
from rowcrew.model.job import Job
from rowcrew.model.verdict import AttemptOutcome

RunOutcome = Literal["completed"] | AttemptOutcome
"""As `job_attempts` has it, and the one that leaves no row there."""

Runs = Sequence[tuple[Job, float | None]]
"""Some runs, one at least: the job of each, and for how many seconds it ran; None = it never began."""

MOST_ROWS: Final = 1_000
"""In one minute. A program with a queue for each of its customers has one row a type for those beyond."""

OTHER_QUEUES: Final = "*"
"""No queue can be called this."""


class CountedRuns(msgspec.Struct, frozen=True, rename="camel"):
    """A row of `job_stats`: runs of one queue and type that ended alike.

    Attributes:
        run_seconds: of all together, from the handler's begin to its end; no run that never began.
        wait_seconds: of all together, from "runAt" to the reservation.
        memory_bytes: the most that a process used which ran one of them; None = not seen.
        run_buckets, run_counts: how many ran how long, see `model/histogram.py`; element by element.
        wait_buckets, wait_counts: the same of the waits.
    """

    queue: str
    type: str
    outcome: RunOutcome
    count: int
    run_seconds: float
    wait_seconds: float
    memory_bytes: int | None
    run_buckets: list[int]
    run_counts: list[int]
    wait_buckets: list[int]
    wait_counts: list[int]


class _Sum:
    """The runs of one row so far."""

    __slots__ = ("count", "run_seconds", "runs", "wait_seconds", "waits")

    def __init__(self) -> None:
        self.count = 0
        self.run_seconds = 0.0
        self.wait_seconds = 0.0
        self.runs: dict[int, int] = {}
        self.waits: dict[int, int] = {}


class Tally:
    """The counts of one worker since it last took them."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, str, RunOutcome], _Sum] = {}
        self._memory: dict[tuple[str, str], int] = {}

    def __bool__(self) -> bool:
        """Whether anything was counted."""
        return bool(self._sums)

    def ended(self, outcome: RunOutcome, runs: Runs) -> None:
        """The ends of these were recorded, all with one outcome."""
        for (queue, type), some in _alike(runs).items():
            entry = self._sum(queue, type, outcome)
            entry.count += len(some)
            ran = [seconds for _, seconds in some if seconds is not None]
            waited = [job.wait_seconds for job, seconds in some if seconds is not None]
            entry.run_seconds += sum(ran)
            entry.wait_seconds += sum(waited)
            count_in(entry.runs, ran)
            count_in(entry.waits, waited)

    def rescued(self, queue: str, type: str) -> None:
        """A run was lost with its worker; nobody knows how long it ran."""
        self._sum(queue, type, "lost").count += 1

    def used(self, queue: str, type: str, memory_bytes: int) -> None:
        """A process that runs such a job uses so much."""
        if memory_bytes > self._memory.get((queue, type), 0):
            self._memory[queue, type] = memory_bytes

    def take(self) -> list[CountedRuns]:
        """The rows so far; counting begins anew. Memory of runs that go on is told when they have ended."""
        sums, self._sums = self._sums, {}
        rows = [
            CountedRuns(
                queue,
                type,
                outcome,
                entry.count,
                entry.run_seconds,
                entry.wait_seconds,
                self._memory.get((queue, type)),
                list(entry.runs),
                list(entry.runs.values()),
                list(entry.waits),
                list(entry.waits.values()),
            )
            for (queue, type, outcome), entry in sums.items()
        ]
        for row in rows:
            self._memory.pop((row.queue, row.type), None)
        if len(self._memory) > MOST_ROWS:
            self._memory.clear()
        return rows

    def _sum(self, queue: str, type: str, outcome: RunOutcome) -> _Sum:
        """The row that counts these; of queues beyond the most, one for all."""
        key = (queue, type, outcome)
        if key not in self._sums and len(self._sums) >= MOST_ROWS:
            key = (OTHER_QUEUES, type, outcome)
        return self._sums.setdefault(key, _Sum())


def _alike(runs: Runs) -> dict[tuple[str, str], Runs]:
    """The runs by queue and type. Most batches are of one kind, and to see that first takes half the time."""
    first, _ = runs[0]
    queue, type = first.queue, first.type
    if not [None for job, _ in runs if job.type != type or job.queue != queue]:
        return {(queue, type): runs}
    alike: dict[tuple[str, str], list[tuple[Job, float | None]]] = {}
    for job, seconds in runs:
        alike.setdefault((job.queue, job.type), []).append((job, seconds))
    return dict(alike)
