"""When a worker looks at a queue under limits next, judged from what it found alone."""

from __future__ import annotations

from typing import Any

import pytest

from rowcrew.control.road.limited_queue import ADOPT_SECONDS, GAP_SECONDS, LimitedQueue
from rowcrew.model.floors import BOTTOM
from rowcrew.table.limits import Granted
from rowcrew.table.worker import ReadyLine

POLL = 2.0
LINE = ReadyLine("2026-01-01 00:00:00", "2026-01-01 00:00:00", "ai", 0, False, True, False, False, False)


def a_queue(*, is_new: bool = False) -> LimitedQueue:
    queue = LimitedQueue("ai", limited=True, is_new=is_new, poll_seconds=POLL, now=0.0)
    queue.learn([LINE], 0.0)
    return queue


def granted(**changes: Any) -> Granted:
    """An answer without a row."""
    values: dict[str, Any] = {
        **dict.fromkeys(Granted._fields),
        "free": 3,
        "line_done": True,
        "walked_to": "",
        "place_floor": "2026-01-01 00:00:00+00",
        "settled": "2026-01-01 00:00:00",
    }
    return Granted(**{**values, **changes})


def looked(queue: LimitedQueue, *rows: Granted, room: int = 10, now: float = 0.0) -> float:
    """How long the queue waits after a look that was answered so."""
    queue.begin(room, now)
    queue.found(list(rows), room, now, counts=True)
    return queue.due - now


def test_empty_looks_follow_each_other_ever_later() -> None:
    queue = a_queue()
    assert [looked(queue, granted()) for _ in range(6)] == [0.005, 0.020, 0.080, 0.320, POLL, POLL]
    queue.woken(0.0, place=False)
    assert queue.due == 0.0
    assert looked(queue, granted()) == 0.005


def test_a_queue_that_filled_the_room_is_looked_at_again_at_once() -> None:
    row = granted(id=1, queue="ai", priority=0, run_at="2026-01-01 00:00:00", from_line=True)
    assert looked(a_queue(), row, room=1) == 0.0


def test_a_full_queue_waits_for_a_place_and_not_for_rows() -> None:
    queue = a_queue()
    assert looked(queue, granted(free=0)) == POLL
    queue.woken(0.5, place=False)
    assert queue.due == POLL
    queue.woken(0.5, place=True)
    assert queue.due == 0.5


def test_a_place_that_is_told_of_during_a_look_is_looked_for_after_it() -> None:
    queue = a_queue()
    queue.begin(10, 0.0)
    queue.woken(0.1, place=True)
    queue.found([granted(free=0)], 10, 0.2, counts=True)
    assert queue.due == 0.2
    assert looked(queue, granted(free=0), now=0.2) == pytest.approx(POLL)


def test_a_rate_that_is_used_up_says_when_to_look_again() -> None:
    assert looked(a_queue(), granted(free=0, again_seconds=0.25)) == 0.25
    assert looked(a_queue(), granted(free=0, again_seconds=60.0)) == POLL


def test_a_lost_lock_is_tried_again_within_milliseconds_and_ever_later() -> None:
    queue = a_queue()
    waits = []
    for _ in range(12):
        queue.lock_lost(0.0)
        waits.append(queue.due)
    assert 0.001 <= waits[0] <= 0.003
    assert max(waits) <= 0.048


def test_a_first_limit_is_not_worked_before_what_was_under_way_is_seen() -> None:
    queue = a_queue(is_new=True)
    assert queue.due == GAP_SECONDS
    queue.woken(0.5, place=True)
    assert queue.due == GAP_SECONDS


def test_runs_without_a_place_are_adopted_at_every_look_at_first_and_later_at_times() -> None:
    queue = a_queue()
    queue.adopted(0.0)
    assert queue.adopts(1.0)
    queue.adopted(3.0)
    assert not queue.adopts(4.0)
    assert queue.adopts(3.0 + ADOPT_SECONDS)


def test_a_full_sweep_counts_all_places_and_others_count_from_the_oldest() -> None:
    queue = a_queue()
    first = queue.begin(10, 0.0)
    assert (first.place_floor, first.counts_all) == (BOTTOM, True)
    queue.found([granted()], 10, 0.0, counts=True)
    later = queue.begin(10, 1.0)
    assert (later.place_floor, later.counts_all) == ("2026-01-01 00:00:00+00", False)


@pytest.mark.parametrize(("walked_to", "is_empty"), [("m", False), ("", True)])
def test_a_look_that_saw_only_blocked_keys_goes_on_with_the_next_ones(walked_to: str, is_empty: bool) -> None:
    waits = looked(a_queue(), granted(walked_to=walked_to))
    assert (waits == 0.005) == is_empty


@pytest.mark.parametrize(
    ("answer", "rereads"),
    [
        ({"id": 1}, True),
        ({}, True),
        ({"id": 1, "from_line": True}, False),  # the floor has moved with this row
        ({"id": 1, "line_done": False}, False),  # rows without a key are there, and keys took the room
    ],
)
def test_what_a_look_read_of_the_line_in_vain_is_not_read_again(
    answer: dict[str, Any], rereads: bool
) -> None:
    queue = a_queue()
    looked(queue, by_key(**answer))
    assert queue.rereads is rereads
    queue.begin(10, 1.0)
    assert not queue.rereads


def test_while_jobs_come_by_their_keys_the_line_is_passed_for_a_twentieth_of_the_time() -> None:
    queue = a_queue()
    queue.passed([], 0.0, 0.01)
    looked(queue, by_key(id=1), now=0.2)
    assert not queue.rereads
    looked(queue, by_key(id=1), now=0.22)
    assert queue.rereads


def by_key(**answer: Any) -> Granted:
    """A row that was found by its key, if `id` is given."""
    row = {"queue": "ai", "priority": 0, "run_at": "2026-01-01 00:00:00", "from_line": False}
    return granted(**{**row, **answer})
