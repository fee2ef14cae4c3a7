"""Limits hold: whatever is reserved under one finds room there.

In: a history. Out: violations of I13.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from storm.history import History, LimitChange, Step
from storm.rules.violation import Violation

# A reservation that began before the change was committed knows nothing of it.
UNDER_WAY_SECONDS: Final = 5.0
_PRECISION_SECONDS: Final = 1e-5

Said = defaultdict[str | None, list[LimitChange]]


def limits_hold(history: History) -> Iterator[Violation]:
    """Steps and changes come in the order in which they were written: so did those who counted see them."""
    queues: Said = defaultdict(list)
    keys: Said = defaultdict(list)
    running: dict[int, Step] = {}
    starts: dict[str, list[float]] = defaultdict(list)
    entries: list[Step | LimitChange] = [*history.steps, *history.limits]
    for entry in sorted(entries, key=lambda entry: entry.seq):
        if isinstance(entry, LimitChange):
            said = keys if entry.queue is None else queues
            said[entry.queue or entry.key].append(entry)
            continue
        was_running = running.pop(entry.job, None)
        if entry.status != "processing":
            continue
        if was_running is None and not entry.by_hand:
            rules = in_force(queues[entry.queue], entry.at)
            yield from _crowded(entry, running.values(), rules, in_force(keys[entry.limited_key], entry.at))
            yield from _hurried(entry, starts[entry.queue], rules)
        running[entry.job] = entry


def in_force(changes: list[LimitChange], at: float) -> list[LimitChange]:
    """What a reservation of this moment may have read."""
    before = [change for change in changes if change.at <= at - UNDER_WAY_SECONDS]
    return before[-1:] + [change for change in changes if change.at > at - UNDER_WAY_SECONDS]


def _crowded(
    step: Step, running: Iterable[Step], of_queue: list[LimitChange], of_key: list[LimitChange]
) -> Iterator[Violation]:
    others = list(running)
    in_queue = [other for other in others if other.queue == step.queue]
    alike = [other for other in in_queue if other.limited_key == step.limited_key]
    everywhere = [other for other in others if other.limited_key == step.limited_key]
    limits = [
        (f"queue {step.queue}", in_queue, _most([rule.most for rule in of_queue])),
        (f"each key of queue {step.queue}", alike, _most([rule.most_per_key for rule in of_queue])),
        (f"key {step.limited_key}", everywhere, _most([rule.most for rule in of_key])),
    ]
    for name, beside, most in limits:
        if most is not None and len(beside) >= most and (beside is in_queue or step.limited_key is not None):
            yield Violation("I13", step.job, f"was reserved beside {len(beside)} others; {name} has {most}")


def _hurried(step: Step, starts: list[float], rules: list[LimitChange]) -> Iterator[Violation]:
    rate = _most([rule.rate for rule in rules])
    if rate is None:
        return
    if step.place_at is None:
        yield Violation("I13", step.job, f"was reserved in queue {step.queue} and is not counted there")
        return
    starts.append(step.place_at)
    period = max([rule.period or 0 for rule in rules])
    if len(starts) > rate and starts[-1] - starts[-1 - rate] < period - _PRECISION_SECONDS:
        yield Violation(
            "I13", step.job, f"is the start after {rate} in {starts[-1] - starts[-1 - rate]:.3f} s"
        )


def _most(limits: list[int | None]) -> int | None:
    """The loosest of them; None = no limit, also where nothing is said."""
    said = [limit for limit in limits if limit is not None]
    return max(said, default=None) if len(said) == len(limits) else None
