"""How many workers are wanted: the specification's numbers, and what holds for any numbers."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcrew.spawn.decision import Standing, decide, pause_seconds

COUNTS = st.integers(0, 50)
STANDINGS = st.builds(
    Standing,
    ready=COUNTS,
    startable=st.none() | COUNTS,
    processing=COUNTS,
    stranded=st.integers(0, 5),
    oldest_wait_seconds=st.floats(0, 1000),
    mean_run_seconds=st.none() | st.floats(0.01, 500),
    live=st.integers(0, 12),
    slots=st.integers(1, 4),
    max_concurrent=st.none() | st.integers(0, 12),
    target_wait_seconds=st.none() | st.integers(1, 600),
    paused=st.booleans(),
    cooldown_left_seconds=st.sampled_from([0.0, 3.0]),
    failures=st.integers(0, 3),
    since_failure_seconds=st.floats(0, 100),
)


def start(**numbers: object) -> int:
    return decide(Standing(**numbers)).start  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ready", "processing", "live", "wanted"), [(1, 1, 1, 1), (5, 0, 0, 3), (2, 3, 3, 0), (0, 3, 0, 0)]
)
def test_jobs_that_are_ready_or_run_are_covered_up_to_the_limit(
    ready: int, processing: int, live: int, wanted: int
) -> None:
    assert start(ready=ready, processing=processing, live=live, max_concurrent=3) == wanted


def test_a_queue_without_a_limit_gets_one_worker() -> None:
    assert start(ready=1000) == 1
    assert start(ready=1000, live=1) == 0


@pytest.mark.parametrize(
    ("hindrance", "reason"),
    [
        ({"paused": True}, "it is paused"),
        ({"max_concurrent": 0}, "its limit lets nothing start"),
        ({"startable": 0}, "its rate is used up"),
        ({"cooldown_left_seconds": 4.0}, "cools down for 4 s"),
        ({"failures": 2, "since_failure_seconds": 3.0}, "2 rounds of launches failed, rests for 7 s"),
    ],
)
def test_a_backlog_that_no_worker_can_lessen_starts_none_and_says_why(
    hindrance: dict[str, object], reason: str
) -> None:
    decision = decide(Standing(**{"ready": 100, "max_concurrent": 5, **hindrance}))  # type: ignore[arg-type]
    assert (decision.start, decision.reason) == (0, reason)


def test_of_a_throttled_backlog_only_what_may_start_now_counts() -> None:
    assert start(ready=100, startable=2, max_concurrent=10) == 2


def test_jobs_of_dead_workers_that_nobody_rescues_bring_one_worker() -> None:
    assert start(stranded=2, processing=2, max_concurrent=3) == 1
    assert start(stranded=2, processing=2, max_concurrent=3, live=1) == 0


def test_with_a_target_workers_come_as_the_predicted_wait_exceeds_it() -> None:
    crowd = {"ready": 30, "mean_run_seconds": 2.0, "max_concurrent": 10, "target_wait_seconds": 30}
    assert start(**crowd) == 2  # 60 s of work within 30 s
    assert start(**crowd, live=2) == 0
    assert start(**{**crowd, "ready": 100}, live=2) == 5  # 200 s of work
    assert start(**{**crowd, "ready": 1000}) == 10  # within the limit


def test_with_a_target_an_old_job_brings_one_more_where_no_run_is_counted_yet() -> None:
    crowd = {"ready": 5, "processing": 1, "live": 1, "max_concurrent": 10, "target_wait_seconds": 30}
    assert start(**crowd, oldest_wait_seconds=29) == 0
    assert start(**crowd, oldest_wait_seconds=31) == 1


@given(STANDINGS)
def test_a_target_never_asks_for_more_than_no_target(standing: Standing) -> None:
    without = dataclasses.replace(standing, target_wait_seconds=None)
    assert 0 <= decide(standing).start <= decide(without).start


@given(STANDINGS)
def test_no_more_workers_than_allowed_and_than_jobs(standing: Standing) -> None:
    wanted = decide(standing).start
    assert wanted == 0 or standing.live + wanted <= standing.allowed
    assert wanted <= standing.ready + standing.processing + standing.stranded


@given(STANDINGS)
def test_what_waits_and_may_start_gets_a_first_worker(standing: Standing) -> None:
    free = dataclasses.replace(standing, live=0, paused=False, cooldown_left_seconds=0.0, failures=0)
    if free.pressing and free.allowed:
        assert decide(free).start >= 1


@given(STANDINGS)
def test_one_worker_more_never_makes_more_wanted(standing: Standing) -> None:
    with_one_more = dataclasses.replace(standing, live=standing.live + 1)
    assert with_one_more.live + decide(with_one_more).start >= standing.live + decide(standing).start


@given(STANDINGS, st.integers(1, 20))
def test_more_ready_jobs_never_make_fewer_wanted(standing: Standing, further: int) -> None:
    more = dataclasses.replace(standing, ready=standing.ready + further)
    assert decide(more).start >= decide(standing).start or standing.stranded > 0


@given(STANDINGS)
def test_paused_throttled_and_cooling_queues_get_none(standing: Standing) -> None:
    for change in ({"paused": True}, {"startable": 0, "stranded": 0}, {"cooldown_left_seconds": 9.0}):
        assert decide(dataclasses.replace(standing, **change)).start == 0


def test_the_pause_after_failed_launches_doubles_up_to_ten_minutes() -> None:
    assert [pause_seconds(failures) for failures in range(5)] == [0, 5, 10, 20, 40]
    assert pause_seconds(1_000_000) == 600
