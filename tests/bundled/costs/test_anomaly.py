"""What counts as an anomaly: a pure function, tried at its edges."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcrew.bundled.costs.anomaly import Finding, History, Rule, Verdict, judged
from tests.bundled.costs.conftest import DAY, days_before

HUNDRED = dict.fromkeys(days_before(DAY), Decimal(100))
SEED = Rule()
WEEKDAY = Rule(baseline="weekday")


def history(amounts: dict[date, Decimal], first: date | None = None) -> History:
    return History(first or min(amounts), amounts)


def severity(amount: str, rule: Rule = SEED) -> str | None:
    verdict = judged(DAY, Decimal(amount), history(HUNDRED), rule)
    return verdict.severity if isinstance(verdict, Finding) else None


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        ("150.00", None),
        ("150.01", "low"),
        ("49.99", "low"),
        ("50.00", None),
        ("200.00", "low"),
        ("200.01", "medium"),
        ("300.00", "medium"),
        ("300.01", "high"),
        ("600.00", "high"),
        ("600.01", "critical"),
        ("0", "low"),
        ("-100", "medium"),
        ("-500.01", "critical"),
    ],
)
def test_thirty_days_of_100_are_deviated_from_by_strictly_more(amount: str, expected: str | None) -> None:
    assert severity(amount) == expected


def test_a_finding_tells_baseline_deviation_and_band_exactly() -> None:
    thirds = history({DAY - timedelta(days=number): Decimal(number % 3) for number in range(1, 31)})
    assert judged(DAY, Decimal("2.5"), thirds, SEED) == Finding(
        baseline=Decimal(1),
        deviation_percent=Decimal(150),
        severity="medium",
        low=Decimal("0.5"),
        high=Decimal("1.5"),
    )


def test_a_mean_that_has_no_decimal_form_is_compared_exactly() -> None:
    week = {day: Decimal("0.1") for day in days_before(DAY, 7)} | {DAY - timedelta(days=1): Decimal("0.4")}
    mean_times_one_and_a_half = Decimal("0.2142857142857142857142857142")
    assert judged(DAY, mean_times_one_and_a_half, history(week), SEED) is Verdict.ORDINARY
    assert isinstance(judged(DAY, mean_times_one_and_a_half + Decimal("1e-27"), history(week), SEED), Finding)


def test_seven_days_of_history_are_enough_and_six_are_not() -> None:
    for days, verdict in ((6, Verdict.SHORT_HISTORY), (7, Verdict.ORDINARY)):
        known = history(dict.fromkeys(days_before(DAY, days), Decimal(1)))
        assert judged(DAY, Decimal(1), known, SEED) is verdict
    assert judged(DAY, Decimal(1), history({DAY: Decimal(1)}), SEED) is Verdict.SHORT_HISTORY


def test_days_without_a_row_cost_nothing_since_the_first_day_and_do_not_count_before() -> None:
    ten_days_ago = DAY - timedelta(days=10)
    known = history({ten_days_ago: Decimal(100)})
    verdict = judged(DAY, Decimal(100), known, SEED)
    assert isinstance(verdict, Finding)
    assert verdict.baseline == 10
    older = history({ten_days_ago: Decimal(100)}, first=DAY - timedelta(days=400))
    verdict = judged(DAY, Decimal(100), older, SEED)
    assert isinstance(verdict, Finding)
    assert verdict.baseline == Decimal("3.3333333333")


def test_a_mean_of_zero_is_a_new_service() -> None:
    nothing = history(dict.fromkeys(days_before(DAY), Decimal(0)))
    assert judged(DAY, Decimal(100), nothing, SEED) is Verdict.NEW_SERVICE
    evened_out = {day: Decimal(number % 2 or -1) for number, day in enumerate(days_before(DAY))}
    assert judged(DAY, Decimal(100), history(evened_out), SEED) is Verdict.NEW_SERVICE


def test_a_deviation_has_the_sign_of_the_change_also_from_a_credit() -> None:
    credit = history({day: Decimal(-100) for day in days_before(DAY)})
    more, less = judged(DAY, Decimal(-300), credit, SEED), judged(DAY, Decimal(50), credit, SEED)
    assert isinstance(more, Finding)
    assert isinstance(less, Finding)
    assert (int(more.deviation_percent), str(more.severity)) == (-200, "medium")
    assert (int(less.deviation_percent), str(less.severity)) == (150, "medium")
    assert (int(more.low), int(more.high)) == (-150, -50)


def test_days_31_and_more_back_do_not_count_nor_does_the_day_itself() -> None:
    far = HUNDRED | {DAY - timedelta(days=31): Decimal(10**6), DAY: Decimal(10**6)}
    verdict = judged(DAY, Decimal(151), history(far), SEED)
    assert isinstance(verdict, Finding)
    assert verdict.baseline == 100


def test_a_weekday_is_compared_with_the_same_weekday() -> None:
    rhythm = {day: Decimal(10 if day.weekday() < 5 else 100) for day in days_before(DAY)}
    assert DAY.weekday() == 5
    assert isinstance(judged(DAY, Decimal(100), history(rhythm), SEED), Finding)
    assert judged(DAY, Decimal(100), history(rhythm), WEEKDAY) is Verdict.ORDINARY
    assert isinstance(judged(DAY, Decimal(10), history(rhythm), WEEKDAY), Finding)


def test_a_weekday_needs_two_of_its_kind() -> None:
    for days, verdict in ((13, Verdict.SHORT_HISTORY), (14, Verdict.ORDINARY)):
        known = history(dict.fromkeys(days_before(DAY, days), Decimal(1)))
        assert judged(DAY, Decimal(1), known, WEEKDAY) is verdict


def test_threshold_and_history_are_settings() -> None:
    assert severity("111", Rule(threshold_percent=Decimal(10))) == "low"
    assert severity("110", Rule(threshold_percent=Decimal(10))) is None
    assert severity("1000", Rule(history_days=31)) is None


@given(
    amounts=st.lists(st.decimals(-(10**6), 10**6, places=10), min_size=7, max_size=30),
    amount=st.decimals(-(10**6), 10**6, places=10),
    factor=st.sampled_from([Decimal(2), Decimal("0.001"), Decimal(-1)]),
)
def test_the_verdict_does_not_depend_on_the_unit(
    amounts: list[Decimal], amount: Decimal, factor: Decimal
) -> None:
    known = dict(zip(days_before(DAY), amounts, strict=False))
    other = {day: each * factor for day, each in known.items()}
    one, two = judged(DAY, amount, history(known), SEED), judged(DAY, amount * factor, history(other), SEED)
    assert isinstance(one, Finding) == isinstance(two, Finding)
    if isinstance(one, Finding) and isinstance(two, Finding):
        assert one.severity == two.severity
