"""What becomes of a schedule that is due: which ticks are fired, and which comes next.

The tick that is due was stored when it was planned; the calendar proposes only those that follow. So two
workers whose libraries disagree fire no tick twice. Imported, as the calendar, when there is a schedule.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import Final, NamedTuple

from rowcrew.model.calendar import Rule

MOST_TICKS: Final = 1_000
"""How many ticks are fired at once; the next firing follows at once with the others."""

_LATE: Final = timedelta(seconds=60)


class Plan(NamedTuple):
    """What to fire.

    Attributes:
        ticks: to fire, in order.
        next_at: the tick to store as the next; None = there is none.
        missed_from: the first tick for which there will be no job, because nobody was there; None = none.
    """

    ticks: list[datetime]
    next_at: datetime | None
    missed_from: datetime | None = None


def plan(rule: Rule, *, stored: datetime | None, now: datetime, missed: str) -> Plan:
    """What to fire now.

    Args:
        stored: the tick that was planned; None = plan from now, and fire nothing.
        missed: of several due ticks fire the latest (`once`), the latest if it is under a minute old
            (`skip`), or `all`.

    Raises:
        BadRule: the rule is not valid.
    """
    if stored is None:
        return Plan([], next(rule.ticks_after(now), None))
    if missed == "all":
        first = [stored, *islice(_due(rule, stored, now), MOST_TICKS - 1)]
        return Plan(first, next(rule.ticks_after(first[-1]), None))
    latest = _latest(rule, stored, now)
    is_skipped = missed == "skip" and now - latest >= _LATE
    fired = [] if is_skipped else [latest]
    return Plan(fired, next(rule.ticks_after(latest), None), None if stored in fired else stored)


def _due(rule: Rule, after: datetime, now: datetime) -> Iterator[datetime]:
    return takewhile(lambda tick: tick <= now, rule.ticks_after(after))


def _latest(rule: Rule, stored: datetime, now: datetime) -> datetime:
    """The last due tick: after a long outage found from its end, not by walking through all of it."""
    window = _LATE
    while (begin := now - window) > stored:
        if ticks := list(_due(rule, begin, now)):
            return ticks[-1]
        window *= 4
    return [stored, *_due(rule, stored, now)][-1]
