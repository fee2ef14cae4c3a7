"""What workers cost, as figures."""

from __future__ import annotations

import pytest

from rowcrew.cli.cost import always_on_line, dollars, forecast_line, ran_line
from rowcrew.model.cost import AlwaysOn, Forecast, Waiting, forecast, monthly


def test_three_workers_that_never_stop() -> None:
    assert always_on_line(AlwaysOn(3), 0.01) == "3 workers × 24 h × 30 days = 2,160 h = $21.60"


def test_one_worker_is_singular() -> None:
    assert always_on_line(AlwaysOn(1), 1) == "1 worker × 24 h × 30 days = 720 h = $720.00"


@pytest.mark.parametrize(
    ("session_seconds", "line"),
    [
        pytest.param(10, "8.3 h in 30 days = $0.083, 99.6 % saved", id="the jobs alone"),
        pytest.param(43, "35.8 h in 30 days = $0.358, 98.3 % saved", id="with the start and 30 s idle"),
    ],
)
def test_a_hundred_jobs_a_day_beside_three_workers_that_never_stop(session_seconds: int, line: str) -> None:
    assert ran_line(monthly(100 * session_seconds, days=1), AlwaysOn(3), 0.01) == line


def test_more_hours_than_always_on_are_told_as_more() -> None:
    assert ran_line(3 * 720 * 3600, AlwaysOn(1), 0.01) == "2,160.0 h in 30 days = $21.60, 200.0 % more"


def test_a_backlog_needs_its_run_times_divided_among_the_slots() -> None:
    waiting = [
        Waiting("a", "report", 100, 100.0),
        Waiting("b", "report", 10, 152.0),
        Waiting("b", "new", 7, None),
    ]
    assert forecast(waiting, slots=1) == Forecast(110, 11_520.0, 7)
    assert forecast(waiting, slots=4).worker_seconds == 2_880.0
    line = forecast_line(forecast(waiting, slots=1), 0.04)
    assert line == "This backlog needs 3.2 worker-hours, about $0.128 (110 jobs)"


def test_where_no_run_time_is_known_no_hours_are_told() -> None:
    found = forecast([Waiting("a", "new", 7, None)], slots=4)
    assert forecast_line(found, 0.04) == "Nothing that could be reckoned is left to run."


@pytest.mark.parametrize(
    ("amount", "text"), [(0, "$0.00"), (0.0833, "$0.083"), (0.9996, "$1.000"), (1234.5, "$1,234.50")]
)
def test_dollars(amount: float, text: str) -> None:
    assert dollars(amount) == text
