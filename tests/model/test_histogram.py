"""Buckets of seconds, and the percentiles read from them."""

from __future__ import annotations

import math
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from rowcrew.model.histogram import FIRST_SECONDS, GROWTH, bucket_of, count_in, percentile, seconds_of

LASTING = st.floats(min_value=FIRST_SECONDS, max_value=3e10)


@given(LASTING)
def test_a_bucket_stands_for_all_it_holds_within_a_twentieth(seconds: float) -> None:
    assert abs(seconds_of(bucket_of(seconds)) / seconds - 1) <= 0.048


@given(LASTING)
def test_a_bucket_ends_a_tenth_above_the_one_before(seconds: float) -> None:
    bucket = bucket_of(seconds)
    assert FIRST_SECONDS * GROWTH ** (bucket - 1) < seconds * (1 + 1e-9)
    assert seconds <= FIRST_SECONDS * GROWTH**bucket * (1 + 1e-9)


@given(st.lists(LASTING, min_size=1), st.sampled_from([0.01, 0.5, 0.95, 0.99, 1.0]))
def test_percentiles_are_those_of_a_plain_computation_within_a_twentieth(
    values: list[float], share: float
) -> None:
    plain = sorted(values)[math.ceil(share * len(values)) - 1]
    told = percentile(Counter(map(bucket_of, values)), share)
    assert told is not None
    assert abs(told / plain - 1) <= 0.048


def test_what_lasts_up_to_a_millisecond_or_nothing_at_all_is_in_the_first_bucket() -> None:
    assert [bucket_of(seconds) for seconds in (-1.0, 0.0, 0.0005, 0.001, 0.0011)] == [0, 0, 0, 0, 1]
    assert percentile({0: 3}, 0.95) == FIRST_SECONDS


def test_of_nothing_there_is_no_percentile() -> None:
    assert percentile({}, 0.5) is None


@given(st.lists(st.floats(min_value=-1.0, max_value=math.inf)))
def test_times_that_are_counted_together_are_each_in_their_bucket(times: list[float]) -> None:
    counts = Counter({3: 2})
    count_in(counts, times)
    assert counts == Counter({3: 2}) + Counter(map(bucket_of, times))


def test_what_lasts_for_more_than_a_thousand_years_is_in_the_last_bucket() -> None:
    assert bucket_of(math.inf) == bucket_of(1e11) > bucket_of(3.15e10)
