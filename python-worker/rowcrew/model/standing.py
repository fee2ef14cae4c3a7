"""How the queues stand now: each with its word, worst first, and all of them in one sentence.

In: what was counted of each queue, and how many of its jobs ended in each of the last minutes. Out:
`QueueNow`s and a sentence. No clock, no connection. Called by `admin/now.py` for every face.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

import msgspec

MINUTES: Final = 60
"""How far back ends are told, minute by minute."""

BEHIND_SECONDS: Final = 60.0
"""A queue is behind when a job has been ready for longer."""

_RECENT_MINUTES: Final = 5
_NAMED: Final = 2

Stands = Literal["unserved", "behind", "paused", "on pace", "idle"]


class QueueLook(msgspec.Struct, frozen=True, rename="camel"):
    """What one look at the table says of a queue.

    Attributes:
        ready, delayed, waiting: queued jobs that may start, that are due later, that wait for other jobs.
        more: whether of one of its priorities only the first 10,000 queued jobs were counted.
        workers, slots, slots_taken: of the live workers that serve the queue.
    """

    queue: str
    label: str | None
    paused: bool
    max_concurrent: int | None
    ready: int
    delayed: int
    waiting: int
    processing: int
    more: bool
    oldest_wait_seconds: float | None
    workers: int
    slots: int
    slots_taken: int


class QueueCounts(QueueLook, frozen=True):
    """A queue, and the types of its ready jobs that no live worker which serves it knows."""

    unserved_types: list[str]


class EndedMinute(NamedTuple):
    """How many jobs of a queue ended for good in one of the last minutes, 0 being the latest."""

    queue: str
    minutes_ago: int
    ended: int
    failed: int


class QueueNow(QueueCounts, frozen=True):
    """A queue as it stands.

    Attributes:
        stands: the word for it.
        ended: how many jobs ended in each of the last sixty minutes, the latest last.
        ended_per_minute: of the last five minutes.
        failed: how many of the last hour's ends were failures.
        drain_seconds: until nothing is ready at that rate, if nothing is added; None = never.
    """

    stands: Stands
    ended: list[int]
    ended_per_minute: float
    failed: int
    drain_seconds: float | None


def standing(counts: Iterable[QueueCounts], minutes: Iterable[EndedMinute]) -> list[QueueNow]:
    """The queues, worst first: what nobody serves, then what has waited longest."""
    ends: dict[str, list[EndedMinute]] = {}
    for minute in minutes:
        ends.setdefault(minute.queue, []).append(minute)
    return sorted((_now(one, ends.get(one.queue, [])) for one in counts), key=_badness)


def sentence(queues: Sequence[QueueNow], live: int) -> str:
    """What a colleague would say first; `live` is how many workers live."""
    if not queues:
        return "There are no jobs yet, and no workers." if not live else "There are no jobs yet."
    ready = sum(queue.ready for queue in queues)
    if not live:
        return f"No worker lives; {_count(ready, 'job')} {'is' if ready == 1 else 'are'} ready."
    unserved = [name for queue in queues if queue.stands == "unserved" for name in _unserved(queue)]
    behind = sum(queue.stands == "behind" for queue in queues)
    paused = [queue.queue for queue in queues if queue.paused]
    told = []
    if behind:
        told.append(f"{behind} of {_count(len(queues), 'queue')} {'is' if behind == 1 else 'are'} behind")
    if unserved:
        told.append(f"nothing serves {named(unserved)}")
    if paused:
        told.append(f"{named(paused)} {'is' if len(paused) == 1 else 'are'} paused")
    said = "; ".join(told) or _well(queues)
    return f"{said[0].upper()}{said[1:]}."


def _now(counts: QueueCounts, minutes: Sequence[EndedMinute]) -> QueueNow:
    ended = [0] * MINUTES
    for minute in minutes:
        if 0 <= minute.minutes_ago < MINUTES:
            ended[-1 - minute.minutes_ago] += minute.ended
    per_minute = sum(ended[-_RECENT_MINUTES:]) / _RECENT_MINUTES
    return QueueNow(
        **msgspec.structs.asdict(counts),
        stands=_stands(counts),
        ended=ended,
        ended_per_minute=per_minute,
        failed=sum(minute.failed for minute in minutes),
        drain_seconds=_drain_seconds(counts, per_minute),
    )


def _stands(counts: QueueCounts) -> Stands:
    if counts.paused:
        return "paused"
    if counts.ready and (not counts.workers or counts.unserved_types):
        return "unserved"
    if (counts.oldest_wait_seconds or 0.0) > BEHIND_SECONDS:
        return "behind"
    return "on pace" if counts.ready or counts.processing else "idle"


def _drain_seconds(counts: QueueCounts, per_minute: float) -> float | None:
    if not counts.ready:
        return 0.0
    return None if counts.paused or not per_minute else 60 * counts.ready / per_minute


def _badness(queue: QueueNow) -> tuple[bool, float, str]:
    return queue.stands != "unserved", -(queue.oldest_wait_seconds or 0.0), queue.queue


def _unserved(queue: QueueNow) -> list[str]:
    return queue.unserved_types if queue.workers else [queue.queue]


def _well(queues: Sequence[QueueNow]) -> str:
    busy = sum(queue.stands == "on pace" for queue in queues)
    if not busy:
        return "nothing is ready, and nothing is at work"
    working = sum(queue.processing for queue in queues)
    return f"all queues keep pace; {_count(working, 'job')} {'is' if working == 1 else 'are'} at work"


def named(names: Sequence[str]) -> str:
    """`a`, `b` and 3 more."""
    known = list(dict.fromkeys(names))
    quoted = [f"`{name}`" for name in known[:_NAMED]]
    if len(known) > _NAMED:
        quoted.append(f"{len(known) - _NAMED} more")
    return " and ".join(filter(None, [", ".join(quoted[:-1]), quoted[-1]]))


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
