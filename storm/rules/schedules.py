"""Each tick of a schedule becomes one job, and none is left out; a schedule that says so has one at a time.

In: a history. Out: violations of I10 and I24.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from rowcrew.model.status import ENDED
from storm.history import History, Step
from storm.rules.limits import UNDER_WAY_SECONDS
from storm.rules.rows import REPLACED
from storm.rules.violation import Violation

# The job that replaces another and that other's end are one commit, in no order.
ONE_COMMIT_SECONDS: Final = 1.0


def each_tick_is_one_job(history: History) -> Iterator[Violation]:
    for tick in history.ticks:
        if tick.jobs != 1:
            yield Violation("I10", None, f"the tick at {tick.at:.0f} has {tick.jobs} jobs")
    for tick, following in pairwise(history.ticks):
        if following.at - tick.at != history.every_seconds:
            apart = f"{following.at - tick.at:g} s in place of {history.every_seconds:g}"
            yield Violation("I10", None, f"the tick after {tick.at:.0f} comes after {apart}")
    known = {step.job for step in history.steps}
    for plan in history.plans:
        if len(set(plan.jobs)) != len(plan.jobs):
            yield Violation("I10", None, f"{plan.name!r} has a job for two ticks")
        for job in set(plan.jobs) - known:
            yield Violation("I10", job, f"is of a tick of {plan.name!r}, and does not exist")


def schedules_crowd_nobody(history: History) -> Iterator[Violation]:
    """None comes while the one before it lives, unless that one is replaced or a hand lets it live again."""
    jobs = history.by_job()
    replaceable = {job for plan in history.plans if plan.overlap == "cancelOld" for job in plan.jobs}
    for job, steps in jobs.items():
        if job not in replaceable and any(_is_replaced(step) for step in steps):
            yield Violation("I24", job, "was replaced, and its schedule replaces none")
    for plan in history.plans:
        if plan.overlap == "allow":
            continue
        for before, after in pairwise(plan.jobs):
            if before in jobs and after in jobs and _lives(jobs[before], jobs[after][0]):
                yield Violation("I24", after, f"came while job {before} of {plan.name!r} lived")


def _lives(steps: list[Step], coming: Step) -> bool:
    known = [step for step in steps if step.seq < coming.seq]
    if known and known[-1].status in ENDED:
        return False
    is_revived = any(step.by_hand and coming.at - step.at < UNDER_WAY_SECONDS for step in known[1:])
    return not is_revived and not any(
        _is_replaced(step) and abs(step.at - coming.at) < ONE_COMMIT_SECONDS for step in steps
    )


def _is_replaced(step: Step) -> bool:
    return step.status == "cancelled" and step.error == REPLACED
