"""How runs must fit to the steps of their rows, and to each other.

In: a history. Out: violations of I3, I6, I9, I12 and I13.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from storm.history import STALE_SAVES, History, Run
from storm.rules.deadline import (
    BEAT_SECONDS,
    DEATH_SECONDS,
    GRACE_SECONDS,
    NOTICE_SECONDS,
    RESCUE_SECONDS,
    deadline,
)
from storm.rules.violation import Violation

PAUSES: Final = ("pause", "pause family")
FLUSH_SECONDS: Final = 1.0
# After these the server does not know its last moments.
LOSING: Final = frozenset({"crash", "kill backend", "promote"})


def runs_have_leases(history: History) -> Iterator[Violation]:
    """A crash of the server may lose a reservation of its last moments, and nothing else may."""
    leases = {step.lease for step in history.steps}
    for run in history.runs:
        if run.lease not in leases and not _after_crash(history, run):
            yield Violation("I3", run.job, f"ran under lease {run.lease}, which the table never knew")


def what_ran_was_heard_of(history: History) -> Iterator[Violation]:
    """Only a reservation whose answer was lost may be given back as such, and nothing can have begun it."""
    ran = {run.lease for run in history.runs}
    for step in history.steps:
        given_back = step.status == "queued" and history.outcomes.get(step.lease or "") == "released"
        if given_back and step.error == "reserved, but the answer was lost" and step.lease in ran:
            yield Violation("I3", step.job, "was given back as if nobody had begun it, and had run")


def _after_crash(history: History, run: Run) -> bool:
    return any(
        fault.kind in LOSING and fault.start - FLUSH_SECONDS <= run.start <= fault.end + 5
        for fault in history.faults
    )


def runs_do_not_overlap(history: History) -> Iterator[Violation]:
    known = _order_of_leases(history)
    jobs: dict[int, list[Run]] = defaultdict(list)
    for run in sorted(history.runs, key=lambda run: known.get(run.lease) or (_forgotten_at(history, run), 0)):
        jobs[run.job].append(run)
    for job, runs in jobs.items():
        for earlier, later in pairwise(runs):
            if later.start >= earlier.seen or earlier.start >= later.seen:
                continue
            allowed = _overlap_ends(history, earlier, later, was_lost_in_crash=earlier.lease not in known)
            if earlier.seen > allowed:
                yield Violation(
                    "I6",
                    job,
                    f"ran twice at once, {earlier.seen - allowed:.1f} s longer than it may"
                    f" (pids {earlier.pid}, {later.pid})",
                )


def _order_of_leases(history: History) -> dict[str, tuple[float, int]]:
    """Runs follow each other as their reservations do: a paused worker begins late what others have."""
    order: dict[str, tuple[float, int]] = {}
    for step in history.steps:
        if step.lease is not None and step.status == "processing":
            order.setdefault(step.lease, (step.at, step.seq))
    return order


def _forgotten_at(history: History, run: Run) -> float:
    """When the server lost the reservation of a run; it may begin later than the run that came after it."""
    losses = [fault.start for fault in history.faults if fault.kind in LOSING and fault.start < run.start]
    return max(losses, default=run.start)


def _overlap_ends(history: History, earlier: Run, later: Run, *, was_lost_in_crash: bool) -> float:
    """Until when the earlier run may go on after the later one has begun."""
    stopping = NOTICE_SECONDS + GRACE_SECONDS + DEATH_SECONDS
    if was_lost_in_crash:
        ends = [f.end for f in history.faults if f.kind in LOSING and f.start < later.start]
        return max([later.start, *ends]) + stopping + BEAT_SECONDS
    before = [
        fault for fault in history.faults if fault.process == earlier.process and fault.start <= later.start
    ]
    if history.outcomes.get(earlier.lease) == "lost":
        stood = [fault.end for fault in before if fault.kind in (*PAUSES, "declare lost")]
        return max(stood, default=later.start) + stopping
    requeued_at = _requeued_by_hand_at(history, earlier)
    # Its worker stood still from then on: it could not hear of it for as long as the row waits for its run.
    deaf = [
        fault.end
        for fault in before
        if requeued_at is not None
        and fault.kind in PAUSES
        and fault.start <= requeued_at + NOTICE_SECONDS
        and fault.end >= later.start
    ]
    return max(deaf) + stopping if deaf else later.start


def _requeued_by_hand_at(history: History, run: Run) -> float | None:
    """When somebody queued the row under this run, if somebody did."""
    for before, after in pairwise(history.by_job()[run.job]):
        if (before.status, before.lease) == ("processing", run.lease) and after.status == "queued":
            return after.at if after.by_hand else None
    return None


def killed_workers_are_replaced_in_time(history: History) -> Iterator[Violation]:
    kills = {
        fault.process: fault.start
        for fault in history.faults
        if fault.kind in ("kill worker", "term and kill", "kill in the act")
    }
    jobs = history.by_job()
    for job, steps in jobs.items():
        for place, step in enumerate(steps):
            is_free_to_go = step.status == "processing" and step.type != "odd_end"
            killed_at = kills.get(step.process) if is_free_to_go else None
            if killed_at is None or step.at > killed_at:
                continue
            following = steps[place + 1] if place + 1 < len(steps) else None
            freed_at = following.at if following is not None else history.seen_at
            if freed_at > deadline(history.faults, killed_at, RESCUE_SECONDS):
                yield Violation(
                    "I9", job, f"was freed {freed_at - killed_at:.1f} s after its worker was killed"
                )


def cancelled_jobs_stop(history: History) -> Iterator[Violation]:
    seconds = NOTICE_SECONDS + GRACE_SECONDS + DEATH_SECONDS
    requeued = {
        step.job
        for step in history.steps
        if step.by_hand and step.author != STALE_SAVES and step.status == "queued" and step.lease
    }
    for run in history.runs:
        cancelled_at = history.cancelled.get(run.job)
        if cancelled_at is None or run.job in requeued:
            continue
        if run.start > deadline(history.faults, cancelled_at, seconds):
            yield Violation("I12", run.job, "began after it had been cancelled")
        elif run.seen > deadline(history.faults, cancelled_at, seconds):
            yield Violation("I12", run.job, f"ran on for {run.seen - cancelled_at:.1f} s after its cancel")
    for job, cancelled_at in history.cancelled.items():
        taken = [
            s for s in history.steps if s.job == job and s.at > cancelled_at and s.status == "processing"
        ]
        if taken and job not in requeued:
            yield Violation("I12", job, "was reserved after it had been cancelled")


def slots_are_not_exceeded(history: History) -> Iterator[Violation]:
    moments: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for run in history.runs:
        moments[run.process] += [(run.start, 1), (run.seen, -1)]
    for process, changes in moments.items():
        running = most = 0
        for _, change in sorted(changes):
            running += change
            most = max(most, running)
        slots = history.slots.get(process, most)
        if most > slots:
            yield Violation("I13", None, f"process {process} ran {most} jobs at once in {slots} slots")
