"""How many jobs a worker asks for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rowcrew.model.appetite import (
    BATCH_BYTES,
    ENOUGH_RUNS,
    FIRST_BATCH,
    LARGEST_BATCH,
    MOST_AHEAD,
    SHORT_SECONDS,
    BatchSize,
    RunTimes,
    jobs_ahead,
)


def test_a_type_is_short_only_after_enough_runs_were_seen() -> None:
    times = RunTimes()
    assert not times.is_short("quick")
    times.add("quick", ENOUGH_RUNS - 1, 0.001)
    assert not times.is_short("quick")
    times.add("quick", 1, 0.0001)
    assert times.is_short("quick")


def test_a_type_that_turns_slow_is_no_longer_short() -> None:
    times = RunTimes()
    times.add("quick", 1_000, 0.1)
    assert times.is_short("quick")
    times.add("quick", 1, 1.0)
    assert not times.is_short("quick")


def test_the_slowest_of_the_short_types_counts() -> None:
    times = RunTimes()
    assert times.longest_short() == 0
    times.add("quick", 100, 0.1)
    times.add("quicker", 100, 0.01)
    times.add("slow", 100, 100.0)
    assert times.longest_short() == 0.001


def test_about_50_ms_of_work_is_held_ahead() -> None:
    assert jobs_ahead(4, 0.001, 500) == 200
    assert jobs_ahead(4, SHORT_SECONDS, 500) == 8
    assert jobs_ahead(0, 0.001, 500) == 0
    assert jobs_ahead(-3, 0.001, 500) == 0


@given(st.integers(-10, 10_000), st.floats(0, SHORT_SECONDS), st.integers(1, LARGEST_BATCH))
def test_never_more_than_two_batches_are_held_ahead(slots: int, seconds: float, batch: int) -> None:
    assert 0 <= jobs_ahead(slots, seconds, batch) <= min(2 * batch, MOST_AHEAD)


def test_a_batch_grows_while_the_line_fills_it_and_shrinks_when_it_does_not() -> None:
    batch = BatchSize()
    assert batch.value() == FIRST_BATCH
    for _ in range(10):
        batch.learn(batch.value(), batch.value(), 0)
    assert batch.value() == LARGEST_BATCH
    batch.learn(LARGEST_BATCH, 3, 300)
    assert batch.value() == FIRST_BATCH


def test_large_payloads_make_small_batches_at_once() -> None:
    batch = BatchSize()
    batch.learn(100, 100, 100 * 1_000_000)
    assert batch.value() * 1_000_000 <= 4 * BATCH_BYTES


@given(
    st.integers(1, LARGEST_BATCH),
    st.lists(st.tuples(st.integers(1, 500), st.integers(0, 500), st.integers(0, 1_000_000))),
)
def test_a_batch_lies_between_one_and_its_cap(cap: int, looks: list[tuple[int, int, int]]) -> None:
    batch = BatchSize(cap=cap)
    for asked, rows, size in looks:
        batch.learn(asked, min(rows, asked), rows * size)
        assert 1 <= batch.value() <= cap
