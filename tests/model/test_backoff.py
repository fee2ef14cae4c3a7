"""How long a job waits before its next attempt."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcrew import Backoff, RowcrewError
from rowcrew.model.backoff import LARGEST_FACTOR, LONGEST_SECONDS

backoffs = st.builds(
    Backoff,
    base_seconds=st.floats(0, LONGEST_SECONDS),
    factor=st.floats(1, LARGEST_FACTOR),
    cap_seconds=st.floats(0, LONGEST_SECONDS),
    jitter=st.booleans(),
)


def test_the_longest_waits_double_from_two_seconds_to_ten_minutes() -> None:
    ceilings = [Backoff().ceiling(attempt) for attempt in range(1, 12)]
    assert ceilings == [2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]


def test_without_jitter_the_wait_is_the_ceiling() -> None:
    assert Backoff(jitter=False).delay(3, 0.25) == 8


def test_with_jitter_the_wait_is_the_given_fraction_of_the_ceiling() -> None:
    assert Backoff().delay(3, 0.25) == 2


@given(backoffs, st.integers(1, 32_767), st.floats(0, 1, exclude_max=True))
def test_a_wait_lies_between_nothing_and_its_ceiling_whatever_the_attempt(
    backoff: Backoff, attempt: int, fraction: float
) -> None:
    assert 0 <= backoff.delay(attempt, fraction) <= backoff.ceiling(attempt) <= backoff.cap_seconds


@given(backoffs, st.integers(1, 200))
def test_later_attempts_never_wait_less(backoff: Backoff, attempt: int) -> None:
    assert backoff.ceiling(attempt) <= backoff.ceiling(attempt + 1)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"base_seconds": -1}, "backoff: base_seconds=-1: give seconds from 0 to"),
        ({"base_seconds": math.nan}, "backoff: base_seconds=nan: give seconds"),
        ({"cap_seconds": math.inf}, "backoff: cap_seconds=inf: give seconds"),
        ({"factor": 0.5}, "backoff: factor=0.5: give a number from 1 to 1,000"),
        ({"factor": 1e300}, "backoff: factor=1e"),
        ({"factor": math.nan}, "backoff: factor=nan: give"),
    ],
)
def test_a_backoff_that_cannot_be_waited_for_names_the_field_and_the_remedy(
    options: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(RowcrewError) as refused:
        Backoff(**options)
    assert str(refused.value).startswith(complaint)


@given(backoffs)
def test_a_backoff_travels_unchanged(backoff: Backoff) -> None:
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(backoff), type=Backoff) == backoff
