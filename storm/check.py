"""Judges a history by the invariants: a pure function from a `History` to its violations.

Every step of every row must be one that the protocol has; every run must fit to the steps of its row. What a
fault excuses is written where it is excused, with its bound; the bounds are those that the documentation
promises. The rules themselves are in `rules`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from storm.history import History
from storm.rules.blame import nobody_pays_for_others
from storm.rules.events import (
    a_message_says_the_same_whoever_tells_it,
    each_event_is_in_one_message,
    failures_are_told,
    messages_reach_their_receivers,
)
from storm.rules.limits import limits_hold
from storm.rules.rows import (
    acknowledged_jobs_exist,
    effects_are_those_of_completed_jobs,
    every_job_ends,
    keys_are_unique,
    leases_end_once,
    odd_rows_are_set_aside,
    stale_saves_undo_nothing,
    steps_are_those_of_the_protocol,
)
from storm.rules.runs import (
    cancelled_jobs_stop,
    killed_workers_are_replaced_in_time,
    runs_do_not_overlap,
    runs_have_leases,
    slots_are_not_exceeded,
    what_ran_was_heard_of,
)
from storm.rules.schedules import each_tick_is_one_job, schedules_crowd_nobody
from storm.rules.violation import Rule, Violation
from storm.rules.waits import waiters_are_released_in_time
from storm.rules.workers import (
    lost_completions_are_told,
    memory_stays_flat,
    nothing_is_left,
    secrets_stay_secret,
    workers_are_killed_by_faults_alone,
    workers_do_not_break,
)

RULES: Final[tuple[Rule, ...]] = (
    acknowledged_jobs_exist,
    every_job_ends,
    odd_rows_are_set_aside,
    steps_are_those_of_the_protocol,
    leases_end_once,
    effects_are_those_of_completed_jobs,
    runs_have_leases,
    what_ran_was_heard_of,
    runs_do_not_overlap,
    nobody_pays_for_others,
    killed_workers_are_replaced_in_time,
    keys_are_unique,
    cancelled_jobs_stop,
    stale_saves_undo_nothing,
    slots_are_not_exceeded,
    secrets_stay_secret,
    workers_do_not_break,
    workers_are_killed_by_faults_alone,
    lost_completions_are_told,
    memory_stays_flat,
    nothing_is_left,
    failures_are_told,
    each_event_is_in_one_message,
    messages_reach_their_receivers,
    a_message_says_the_same_whoever_tells_it,
    limits_hold,
    waiters_are_released_in_time,
    each_tick_is_one_job,
    schedules_crowd_nobody,
)
# What ran in the seconds that are lost is given back as if nobody had begun it: nobody can know better. What
# was told in them is told again, in another message or under the same number.
LOST_WITH_COMMITS: Final = (what_ran_was_heard_of, a_message_says_the_same_whoever_tells_it)
RULES_AFTER_PROMOTION: Final = tuple(rule for rule in RULES if rule not in LOST_WITH_COMMITS)


def check(history: History, rules: Sequence[Rule] | None = None) -> list[Violation]:
    return [violation for rule in rules or RULES for violation in rule(history)]


def timeline(history: History, job: int) -> list[str]:
    """Everything known about one job in the order of time, for whoever hunts the bug."""
    lines: list[tuple[float, str]] = []
    for step in history.steps:
        if step.job == job:
            who = f"{step.author or '?'} of process {step.process}" if step.process else step.author
            error = f", {step.error}" if step.error else ""
            lease = (step.lease or "-")[:8]
            lines.append((step.at, f"{step.status}, attempt {step.attempts}, lease {lease}, by {who}{error}"))
    for run in history.runs:
        if run.job == job:
            lines.append(
                (run.start, f"run begins under {run.lease[:8]} in pid {run.pid} of process {run.process}")
            )
            lines.append((run.seen, f"run under {run.lease[:8]} {run.how or 'was last seen alive'}"))
    first = min((at for at, _ in lines), default=0.0)
    last = max((at for at, _ in lines), default=0.0)
    for fault in history.faults:
        if fault.start <= last and fault.end >= first:
            whom = "" if fault.process is None else f" of process {fault.process}"
            lines.append((fault.start, f"  fault: {fault.kind}{whom} for {fault.end - fault.start:.1f} s"))
    return [f"{at - first:9.3f}  {text}" for at, text in sorted(lines)]
