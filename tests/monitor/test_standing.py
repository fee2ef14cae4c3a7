"""How queues stand: a word for each, worst first, and one sentence."""

from __future__ import annotations

from typing import Any

import pytest

from rowcrew.model.standing import EndedMinute, QueueCounts, QueueNow, sentence, standing


def counts(queue: str, **values: Any) -> QueueCounts:
    return QueueCounts(
        **{
            "queue": queue,
            "label": None,
            "paused": False,
            "max_concurrent": None,
            "ready": 0,
            "delayed": 0,
            "waiting": 0,
            "processing": 0,
            "more": False,
            "oldest_wait_seconds": None,
            "workers": 1,
            "slots": 4,
            "slots_taken": 0,
            "unserved_types": [],
            **values,
        }
    )


def stands(**values: Any) -> QueueNow:
    [queue] = standing([counts("q", **values)], [])
    return queue


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({}, "idle"),
        ({"processing": 1}, "on pace"),
        ({"ready": 1, "oldest_wait_seconds": 59.0}, "on pace"),
        ({"ready": 1, "oldest_wait_seconds": 61.0}, "behind"),
        ({"ready": 1, "oldest_wait_seconds": 1.0, "workers": 0}, "unserved"),
        ({"ready": 1, "oldest_wait_seconds": 1.0, "unserved_types": ["a"]}, "unserved"),
        ({"workers": 0}, "idle"),
        ({"ready": 1, "oldest_wait_seconds": 999.0, "paused": True}, "paused"),
    ],
)
def test_a_queue_has_one_word(values: dict[str, Any], word: str) -> None:
    assert stands(**values).stands == word


def test_the_worst_queue_stands_first_what_nobody_serves_before_what_waits_longest() -> None:
    queues = standing(
        [
            counts("idle"),
            counts("slow", ready=1, oldest_wait_seconds=500.0),
            counts("slower", ready=1, oldest_wait_seconds=900.0),
            counts("unserved", ready=1, oldest_wait_seconds=5.0, workers=0),
        ],
        [],
    )
    assert [queue.queue for queue in queues] == ["unserved", "slower", "slow", "idle"]


def test_ends_are_told_minute_by_minute_the_latest_last() -> None:
    minutes = [EndedMinute("q", 0, 10, 1), EndedMinute("q", 4, 15, 0), EndedMinute("q", 59, 7, 2)]
    [queue] = standing([counts("q", ready=10, oldest_wait_seconds=1.0)], minutes)
    assert (queue.ended[-1], queue.ended[-5], queue.ended[0], len(queue.ended)) == (10, 15, 7, 60)
    assert queue.ended_per_minute == 5.0
    assert queue.failed == 3
    assert queue.drain_seconds == 120.0


@pytest.mark.parametrize(
    ("values", "seconds"), [({}, 0.0), ({"ready": 3}, None), ({"ready": 3, "paused": True}, None)]
)
def test_a_queue_is_drained_now_or_never_when_nothing_ends(
    values: dict[str, Any], seconds: float | None
) -> None:
    assert stands(**values).drain_seconds == seconds


@pytest.mark.parametrize(
    ("queues", "live", "said"),
    [
        ([], 0, "There are no jobs yet, and no workers."),
        ([], 1, "There are no jobs yet."),
        ([counts("a", ready=1, workers=0)], 0, "No worker lives; 1 job is ready."),
        ([counts("a")], 1, "Nothing is ready, and nothing is at work."),
        ([counts("a", processing=2)], 1, "All queues keep pace; 2 jobs are at work."),
        ([counts("a", ready=1, oldest_wait_seconds=61.0)], 1, "1 of 1 queue is behind."),
        (
            [
                counts("a", ready=1, oldest_wait_seconds=61.0),
                counts("b", ready=1, unserved_types=["pdf"]),
                counts("c", paused=True),
            ],
            1,
            "1 of 3 queues is behind; nothing serves `pdf`; `c` is paused.",
        ),
        (
            [counts(name, ready=1, workers=0) for name in "abcd"],
            1,
            "Nothing serves `a`, `b` and 2 more.",
        ),
    ],
)
def test_one_sentence_says_what_a_colleague_would(queues: list[QueueCounts], live: int, said: str) -> None:
    assert sentence(standing(queues, []), live) == said
