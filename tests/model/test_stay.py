"""When a worker that comes and goes leaves, and why."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcrew.model.stay import (
    DEFAULT_IDLE_SECONDS,
    LAST_LOOK_SECONDS,
    LEAST_IDLE_SECONDS,
    Limits,
    Moment,
    WhyStopped,
    described,
    jobs_left,
    why_leave,
)

WORKING = Moment(lived_seconds=20, idle_seconds=5, taken=3, held=0, has_looked=True)
SECONDS = st.floats(0, 1e6)
MOMENTS = st.builds(
    Moment,
    lived_seconds=SECONDS,
    idle_seconds=SECONDS,
    taken=st.integers(0, 100),
    held=st.integers(0, 3),
    has_looked=st.booleans(),
    is_draining=st.booleans(),
    has_outgrown=st.booleans(),
)
LIMITS = st.builds(
    Limits,
    st.none() | st.integers(1, 100),
    st.none() | SECONDS,
    st.none() | SECONDS,
)


@pytest.mark.parametrize(
    ("limits", "moment", "reason"),
    [
        (Limits(), WORKING, None),
        (Limits(max_jobs_per_session=4), WORKING, None),
        (Limits(max_jobs_per_session=3), WORKING, "max_jobs"),
        (Limits(max_jobs_per_session=3), WORKING._replace(held=1), None),
        (Limits(idle_timeout_seconds=5.1), WORKING, None),
        (Limits(idle_timeout_seconds=5), WORKING, "idle_timeout"),
        (Limits(idle_timeout_seconds=5), WORKING._replace(held=1), None),
        (Limits(max_runtime_seconds=20.1), WORKING, None),
        (Limits(max_runtime_seconds=20), WORKING, "max_runtime"),
        (Limits(max_runtime_seconds=20), WORKING._replace(held=1), "max_runtime"),
        (Limits(), WORKING._replace(is_draining=True), "drained"),
        (Limits(), WORKING._replace(is_draining=True, held=1), None),
        (Limits(), WORKING._replace(has_outgrown=True), "memory"),
        (Limits(), WORKING._replace(has_outgrown=True, held=1), None),
    ],
)
def test_each_limit_ends_the_stay_when_it_is_reached(
    limits: Limits, moment: Moment, reason: WhyStopped | None
) -> None:
    assert why_leave(limits, moment) == reason


@given(LIMITS, MOMENTS)
def test_only_the_end_of_its_time_makes_a_worker_leave_its_jobs(limits: Limits, moment: Moment) -> None:
    reason = why_leave(limits, moment)
    assert reason in (None, *get_args(WhyStopped))
    if moment.held:
        assert reason in (None, "max_runtime")


@given(LIMITS, MOMENTS)
def test_who_has_reached_no_limit_and_was_asked_nothing_stays(limits: Limits, moment: Moment) -> None:
    asked = moment.is_draining or moment.has_outgrown
    within = all(
        limit is None or reached < limit
        for limit, reached in zip(
            limits, (moment.taken, moment.idle_seconds, moment.lived_seconds), strict=True
        )
    )
    if within and not asked:
        assert why_leave(limits, moment) is None


@given(LIMITS, MOMENTS, SECONDS)
def test_who_leaves_now_would_leave_later_if_nothing_came(
    limits: Limits, moment: Moment, seconds: float
) -> None:
    later = moment._replace(
        lived_seconds=moment.lived_seconds + seconds, idle_seconds=moment.idle_seconds + seconds
    )
    if why_leave(limits, moment) is not None:
        assert why_leave(limits, later) is not None


@given(LIMITS, st.lists(st.integers(1, 50)))
def test_who_never_takes_more_than_are_left_takes_no_more_than_it_may(
    limits: Limits, looks: list[int]
) -> None:
    taken = 0
    for rows in looks:
        taken += min(rows, jobs_left(limits, taken))
    assert limits.max_jobs_per_session is None or taken <= limits.max_jobs_per_session
    assert jobs_left(limits, taken) > 0 or taken == limits.max_jobs_per_session


def test_an_idle_worker_waits_for_its_last_look_but_not_for_ever() -> None:
    limits = Limits(idle_timeout_seconds=5)
    waits = WORKING._replace(has_looked=False)
    assert why_leave(limits, waits) is None
    assert why_leave(limits, waits._replace(idle_seconds=5 + LAST_LOOK_SECONDS)) == "idle_timeout"


def test_no_idle_time_is_enough_for_looking() -> None:
    limits = Limits(idle_timeout_seconds=0)
    assert why_leave(limits, WORKING._replace(idle_seconds=LEAST_IDLE_SECONDS * 0.9)) is None
    assert why_leave(limits, WORKING._replace(idle_seconds=LEAST_IDLE_SECONDS)) == "idle_timeout"


def test_what_is_given_goes_before_what_queues_say_and_idle_time_always_ends() -> None:
    of_queues = Limits(10, 20, 300)
    assert Limits(1, 0, None).filled_from(of_queues) == Limits(1, 0, 300)
    assert Limits().filled_from(Limits()) == Limits(None, DEFAULT_IDLE_SECONDS, None)


def test_limits_are_told_in_words() -> None:
    assert described(Limits(10, 30, 300)) == "10 jobs, 30 s without one, 5 min in all"
    assert described(Limits(None, 30, None)) == "30 s without one"
