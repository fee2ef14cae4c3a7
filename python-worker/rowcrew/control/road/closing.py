"""Closes runs whose ends are recorded: words in the log, counts, and word to those who wait for an end.

In: what `record` has written, and what a handler's own transaction has. Out: one log line for each end;
leases that are no longer this worker's go to `letting_go`. Every job comes by here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from rowcrew.control.care.turned_back import LatelyCompleted
from rowcrew.control.ledger import Ledger
from rowcrew.control.letting_go import LettingGo
from rowcrew.control.road.expected import Expected
from rowcrew.control.road.writing import End, Written
from rowcrew.log import Log, job_facts, ran
from rowcrew.model.job import Job
from rowcrew.model.tally import Tally
from rowcrew.model.verdict import AttemptOutcome

_EVENTS: Final[dict[AttemptOutcome, str]] = {
    "retried": "job.retried",
    "failed": "job.failed",
    "cancelled": "job.cancelled",
    "snoozed": "job.snoozed",
    "released": "job.released",
    "lost": "job.lost",
}


class Closing:
    """What follows from ends that are in the table."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        letting_go: LettingGo,
        lately_completed: LatelyCompleted,
        expected: Expected,
        tally: Tally,
        log: Log,
    ) -> None:
        self._ledger = ledger
        self._letting_go = letting_go
        self._lately_completed = lately_completed
        self._expected = expected
        self._tally = tally
        self._log = log

    def close_recorded(self, job: Job, seconds: float | None) -> None:
        """The handler's own transaction has completed the job."""
        self._tell_completed([(job, seconds)])
        self._expected.ended([job.id])
        self._ledger.forget([job.lease_id])

    def close(self, written: Written) -> None:
        """These ends are written."""
        self._ledger.forget([end.lease_id for end in written.ends])
        self._expected.ended(end.id for end in written.ends if end.verdict.status != "queued")
        stale = {lease_id for lease_id, reply in written.strangers.items() if reply == "STALE"}
        completed: list[tuple[Job, float | None]] = []
        for end in written.ends:  # every job comes by here, nearly all have completed
            job, outcome = end.job, end.verdict.attempt_outcome
            if job is None:
                continue
            if end.lease_id in stale:
                self._log.event("job.stale", **job_facts(job))
                self._letting_go.let_go(job)
            elif outcome is None:
                completed.append((job, end.seconds))
            else:
                self._tell_other(end, job, outcome)
        self._tell_completed(completed)

    def _tell_completed(self, runs: Sequence[tuple[Job, float | None]]) -> None:
        if runs:
            self._log.completed(runs)
            self._tally.ended("completed", runs)
            self._lately_completed.add([(job.id, job.lease_id) for job, _ in runs])

    def _tell_other(self, end: End, job: Job, outcome: AttemptOutcome) -> None:
        self._tell(_EVENTS[outcome], end, job)
        self._tally.ended(outcome, [(job, end.seconds)])
        if end.verdict.memory_bytes is not None:
            self._tally.used(job.queue, job.type, end.verdict.memory_bytes)

    def _tell(self, event: str, end: End, job: Job) -> None:
        decided = end.verdict
        facts: dict[str, Any] = (
            job_facts(job)
            | ran(end.seconds)
            | {
                "error": decided.error,
                "max_attempts": job.max_attempts,
                "delay_seconds": decided.delay_seconds,
            }
        )
        if decided.traceback is not None:
            facts["traceback"] = decided.traceback
        self._log.event(event, **facts)
