"""Each tick of a schedule becomes one job, and none is left out.

In: a history. Out: violations of I10.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from storm.history import History
from storm.rules.violation import Violation


def each_tick_is_one_job(history: History) -> Iterator[Violation]:
    for tick in history.ticks:
        if tick.jobs != 1:
            yield Violation("I10", None, f"the tick at {tick.at:.0f} has {tick.jobs} jobs")
    for tick, following in pairwise(history.ticks):
        if following.at - tick.at != history.every_seconds:
            apart = f"{following.at - tick.at:g} s in place of {history.every_seconds:g}"
            yield Violation("I10", None, f"the tick after {tick.at:.0f} comes after {apart}")
