"""For how long an answer is waited for, learned from those that came."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcrew.model.patience import BYTES_PER_SECOND, LEAST_SECONDS, Patience

MOST = 15.0
answers = st.floats(0, 20)


def learned(*answered: float) -> Patience:
    patience = Patience(most=MOST)
    for seconds in answered:
        patience.answered(seconds)
    return patience


def test_before_any_answer_came_the_first_is_waited_for_as_long_as_may_be() -> None:
    assert Patience(most=MOST).seconds() == MOST


def test_a_quick_server_is_given_up_after_the_least_time() -> None:
    assert learned(*[0.004] * 3).seconds() == LEAST_SECONDS


@given(st.lists(answers, min_size=1), st.integers(0, 2**32))
def test_no_patience_is_shorter_than_the_least_or_longer_than_the_most(
    answered: list[float], size: int
) -> None:
    assert LEAST_SECONDS <= learned(*answered).seconds(size) <= MOST


@given(st.lists(st.floats(0, 1)), st.floats(0, MOST))
def test_what_took_long_once_is_waited_for_the_next_time(before: list[float], seconds: float) -> None:
    assert learned(*before, seconds).seconds() >= min(seconds, MOST)


@pytest.mark.parametrize("took", [3.0, 5.0, 14.0])
def test_a_statement_that_takes_long_is_answered_within_three_misses(took: float) -> None:
    patience = learned(0.004)
    for _ in range(3):
        if patience.seconds() < took:
            patience.missed()
    assert patience.seconds() >= took


def test_misses_never_add_up_to_more_than_the_most() -> None:
    patience = learned(0.004)
    for _ in range(100):
        patience.missed()
    assert patience.seconds() == MOST
    patience.came_through()
    assert patience.seconds() == LEAST_SECONDS


def test_a_quick_statement_before_each_slow_one_does_not_have_the_slow_one_given_up_for_ever() -> None:
    patience = learned(0.004)
    for _ in range(2):
        patience.answered(0.004)
        patience.missed()
    assert patience.seconds() > 5


def test_after_one_slow_answer_a_server_that_is_quick_again_is_soon_treated_as_such() -> None:
    patience = learned(0.004, 5.0)
    assert patience.seconds() > 5.0
    for _ in range(50):
        patience.answered(0.004)
    assert patience.seconds() == LEAST_SECONDS


def test_a_statement_that_carries_much_may_take_longer() -> None:
    assert learned(0.004).seconds(4 * BYTES_PER_SECOND) == LEAST_SECONDS + 4
