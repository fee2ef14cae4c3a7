"""Whether what a service cost on a day is an anomaly: a pure function of its days before.

In: a day's amount, the service's earlier days, a rule. Out: a `Finding`, or the reason why there is none. All
arithmetic is exact: 50 % is not more than 50 %. Called by `collecting` and by the study of false alarms.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Final, Literal

import msgspec

from rowcrew.bundled.costs.settings import Baseline

Severity = Literal["low", "medium", "high", "critical"]

WINDOW_DAYS: Final = 30
_WEEK: Final = 7
_FEWEST_SAME_WEEKDAYS: Final = 2
_BANDS: Final[tuple[tuple[int, Severity], ...]] = ((100, "low"), (200, "medium"), (500, "high"))
_PLACES: Final = 10


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What counts as an anomaly.

    Attributes:
        threshold_percent: a larger deviation from the baseline is one, up or down.
        history_days: how long a service must have been known for.
        baseline: `mean` of the 30 days before, or `weekday`: the mean of the same weekday among them.
    """

    threshold_percent: Decimal = Decimal(50)
    history_days: int = 7
    baseline: Baseline = "mean"


class History(msgspec.Struct, frozen=True):
    """The earlier days of a service in one currency. A day that is missing cost nothing."""

    first_day: date
    amounts: Mapping[date, Decimal]

    def before(self, day: date) -> dict[date, Decimal]:
        """The 30 days before, as far as the service was known."""
        first = max(self.first_day, day - timedelta(days=WINDOW_DAYS))
        days = (first + timedelta(days=number) for number in range((day - first).days))
        return {each: self.amounts.get(each, Decimal(0)) for each in days}


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """An anomaly. The deviation has the sign of the change, also where the baseline is a credit.

    Attributes:
        low, high: the band outside of which the amount is.
    """

    baseline: Decimal
    deviation_percent: Decimal
    severity: Severity
    low: Decimal
    high: Decimal


class Verdict(Enum):
    """Why a day is no anomaly."""

    ORDINARY = "ordinary"
    NEW_SERVICE = "new service"
    SHORT_HISTORY = "short history"


def judged(day: date, amount: Decimal, history: History, rule: Rule) -> Finding | Verdict:
    """Judge one day of a service."""
    compared = _compared(day, history, rule)
    if compared is None:
        return Verdict.SHORT_HISTORY
    mean = sum(map(Fraction, compared), Fraction()) / len(compared)
    if mean == 0:
        return Verdict.NEW_SERVICE
    deviation = (Fraction(amount) - mean) / abs(mean) * 100
    threshold = Fraction(rule.threshold_percent)
    if abs(deviation) <= threshold:
        return Verdict.ORDINARY
    return Finding(
        baseline=_decimal(mean),
        deviation_percent=_decimal(deviation),
        severity=severity(abs(deviation)),
        low=_decimal(mean - abs(mean) * threshold / 100),
        high=_decimal(mean + abs(mean) * threshold / 100),
    )


def severity(deviation_percent: Fraction) -> Severity:
    """How grave a deviation is, up or down: low up to 100 %, medium up to 200, high up to 500."""
    return next((name for most, name in _BANDS if deviation_percent <= most), "critical")


def _compared(day: date, history: History, rule: Rule) -> list[Decimal] | None:
    """The amounts that the day is compared with; None if they are too few."""
    if (day - history.first_day).days < rule.history_days:
        return None
    before = history.before(day)
    if rule.baseline == "mean":
        return list(before.values())
    same = [amount for each, amount in before.items() if (day - each).days % _WEEK == 0]
    return same if len(same) >= _FEWEST_SAME_WEEKDAYS else None


def _decimal(value: Fraction) -> Decimal:
    """Ten places, which tell more than AWS does; without the zeros at the end."""
    scaled = round(value * 10**_PLACES)
    return Decimal(scaled).scaleb(-_PLACES).normalize() + 0
