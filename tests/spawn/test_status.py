"""The lines of a spawner, letter by letter, as people and programs read them."""

from __future__ import annotations

import io
from typing import Any

from rowcrew.log import Log
from rowcrew.spawn.status import prefix, summed, told
from rowcrew.table.spawn import QueueStanding


def queue(name: str, label: str | None = None, **numbers: Any) -> QueueStanding:
    nothing: dict[str, Any] = dict.fromkeys(QueueStanding._fields)
    zeros = dict.fromkeys(
        ("ready", "processing", "stranded", "live", "failures", "everywhere", "oldest_wait_seconds"), 0
    )
    rest = {"cooldown_left_seconds": 0.0, "since_failure_seconds": 0.0, "paused": False}
    return QueueStanding(
        **{**nothing, **zeros, **rest, "queue": name, "label": label, "launcher": "process", **numbers}
    )


THREE = [
    queue("ai_processing", "AI", live=3, max_concurrent=3, ready=4),
    queue("supabase_upload", "UPLOAD", live=2, max_concurrent=2, ready=1),
    queue("investor_processing", "INVESTOR", live=1, max_concurrent=1),
]


def line(event: str, **facts: Any) -> str:
    stream = io.StringIO()
    Log("text", stream).event(event, **facts)
    return stream.getvalue().rstrip("\n")


def test_the_status_line() -> None:
    assert line("spawner.status", **told(THREE, slots=1)) == (
        "📊 AI: 3/3 workers, 4 jobs | UPLOAD: 2/2 workers, 1 job | INVESTOR: 1/1 workers, 0 jobs"
    )


def test_the_short_status_line() -> None:
    facts = summed([queue("a", ready=3, everywhere=1), queue("b", ready=2, everywhere=1)], 0)
    assert line("spawner.summary", **facts) == "📊 Active workers: 1, Total jobs: 5"


def test_the_line_of_a_spawned_worker() -> None:
    facts = {"name": "ai_1643234567", "label": "AI", "total": 3}
    assert (
        line("worker.spawned", **facts, place="PID", handle=12345)
        == "🚀 Spawned worker ai_1643234567 for AI (PID: 12345, Total: 3)"
    )
    assert line("worker.spawned", **facts, place="ecs", handle="arn:aws:ecs:1").endswith(
        "(ecs: arn:aws:ecs:1, Total: 3)"
    )


def test_queues_that_nobody_has_named_are_told_while_they_have_jobs_or_workers() -> None:
    assert told([queue("idle"), queue("mails", ready=2)], slots=1)["status"] == "mails: 0/1 workers, 2 jobs"
    assert told([queue("idle")], slots=1)["status"] == "no jobs and no workers"


def test_of_many_queues_the_line_names_twenty() -> None:
    many = [queue(f"q{number}", ready=1) for number in range(1000)]
    assert told(many, slots=1)["status"].endswith("q19: 0/1 workers, 1 job | and 980 more queues")


def test_workers_are_named_after_the_label() -> None:
    assert [prefix(queue("x", "AI")), prefix(queue("x", "Late Mails")), prefix(queue("mails"))] == [
        "ai",
        "late_mails",
        "mails",
    ]
