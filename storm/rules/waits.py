"""Who waits is released when all that it waits for have ended as its policy asks, and nobody is forgotten.

In: a history. Out: violations of I22.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from rowcrew.model.status import ENDED
from storm.history import History, Step
from storm.rules.violation import Violation

IN_VAIN: Final = frozenset({"failed", "cancelled"})


def waiters_are_released_in_time(history: History) -> Iterator[Violation]:
    """A change by hand may let one go at any time. What has ended may live again before anybody looks."""
    ends: dict[int, set[str]] = defaultdict(set)
    last: dict[int, Step] = {}
    for after in sorted(history.steps, key=lambda step: step.seq):
        before = last.get(after.job)
        last[after.job] = after
        if after.status in ENDED:
            ends[after.job].add(after.status)
        if before is not None and before.is_parked and not after.is_parked and not after.by_hand:
            yield from _let_go(before, after, ends)
    for job, step in last.items():
        if step.is_parked and all(last[other].status in ENDED for other in step.waits_for or []):
            yield Violation("I22", job, "waits though everything has ended")


def _let_go(before: Step, after: Step, ends: dict[int, set[str]]) -> Iterator[Violation]:
    waited_for = before.waits_for or []
    if after.status in IN_VAIN:
        if before.wait_policy == "ended" or not any(ends[job] & IN_VAIN for job in waited_for):
            yield Violation("I22", after.job, f"waited as {before.wait_policy}, and became {after.status}")
        return
    asked = set(ENDED) if before.wait_policy == "ended" else {"completed"}
    for job in waited_for:
        if not ends[job] & asked:
            yield Violation("I22", after.job, f"waited as {before.wait_policy}, and went before job {job}")
