"""What a spawner says of the queues at a check: the status line, and the short one.

In: standings. Out: text and facts for the log. Called by `spawner`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from rowcrew.model.counting import counted
from rowcrew.spawn.decision import Standing
from rowcrew.table.spawn import QueueStanding

_MOST_QUEUES: Final = 20


def label(queue: QueueStanding) -> str:
    """How people call the queue."""
    return queue.label or queue.queue


def prefix(queue: QueueStanding) -> str:
    """What the names of its workers begin with: `ai` for the label AI."""
    return "_".join(label(queue).lower().split())


def is_idle(queue: QueueStanding) -> bool:
    """Whether it has neither workers nor jobs, not even such as may not start now."""
    return not (queue.ready or queue.processing or queue.live or queue.oldest_wait_seconds)


def told(queues: Sequence[QueueStanding], *, slots: int) -> dict[str, Any]:
    """The facts of the status line: queues that somebody has named, or that have jobs or workers."""
    rows = [
        (label(queue), queue.live, standing(queue, slots=slots).allowed, queue.ready)
        for queue in queues
        if queue.label or queue.live or queue.ready
    ]
    parts = [
        f"{name}: {live}/{most} workers, {counted(ready, 'job')}"
        for name, live, most, ready in rows[:_MOST_QUEUES]
    ]
    if len(rows) > _MOST_QUEUES:
        parts.append(f"and {counted(len(rows) - _MOST_QUEUES, 'more queue')}")
    return {
        "status": " | ".join(parts) or "no jobs and no workers",
        "queues": [
            {"queue": name, "workers": live, "allowed": most, "jobs": ready}
            for name, live, most, ready in rows
        ],
    }


def summed(queues: Sequence[QueueStanding], started: int) -> dict[str, int]:
    """The facts of the short line; `started` since these queues were counted."""
    there = max((queue.everywhere for queue in queues), default=0)
    return {"workers": there + started, "jobs": sum(queue.ready for queue in queues)}


def standing(queue: QueueStanding, *, slots: int) -> Standing:
    """What the decision looks at."""
    return Standing(
        ready=queue.ready,
        startable=queue.startable,
        processing=queue.processing,
        stranded=queue.stranded,
        oldest_wait_seconds=queue.oldest_wait_seconds,
        mean_run_seconds=queue.mean_run_seconds,
        live=queue.live,
        slots=slots,
        max_concurrent=queue.max_concurrent,
        target_wait_seconds=queue.target_wait_seconds,
        paused=queue.paused,
        cooldown_left_seconds=queue.cooldown_left_seconds,
        failures=queue.failures,
        since_failure_seconds=queue.since_failure_seconds,
    )
