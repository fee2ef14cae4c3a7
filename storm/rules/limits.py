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
Starts = defaultdict[str, list[float]]


def limits_hold(history: History) -> Iterator[Violation]:
    """Steps and changes come in the order in which they were written: so did those who counted see them."""
    queues: Said = defaultdict(list)
    keys: Said = defaultdict(list)
    running: dict[int, Step] = {}
    starts: Starts = defaultdict(list)
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
            of_queue = in_force(queues[entry.queue], entry.at)
            of_key = in_force(keys[entry.limited_key], entry.at)
            yield from _crowded(entry, running.values(), of_queue, of_key)
            yield from _hurried(entry, starts, of_queue, of_key)
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


def _hurried(
    step: Step, starts: Starts, of_queue: list[LimitChange], of_key: list[LimitChange]
) -> Iterator[Violation]:
    rates = [
        (f"queue {step.queue}", of_queue, _most([rule.rate for rule in of_queue])),
        (f"key {step.limited_key}", of_key, _most([rule.rate for rule in of_key])),
        (
            f"key {step.limited_key} of queue {step.queue}",
            of_queue,
            _most([rule.rate_per_key for rule in of_queue]) if step.limited_key is not None else None,
        ),
    ]
    for name, rules, rate in rates:
        if rate is not None:
            yield from _too_soon(step, name, starts[name], rate, max(rule.period or 0 for rule in rules))


def _too_soon(step: Step, name: str, starts: list[float], rate: int, period: int) -> Iterator[Violation]:
    if step.place_at is None:
        yield Violation("I13", step.job, f"was reserved and is not counted for {name}")
        return
    starts.append(step.place_at)
    if len(starts) > rate and starts[-1] - starts[-1 - rate] < period - _PRECISION_SECONDS:
        seconds = starts[-1] - starts[-1 - rate]
        yield Violation("I13", step.job, f"is the start after {rate} of {name} in {seconds:.3f} s")


def _most(limits: list[int | None]) -> int | None:
    """The loosest of them; None = no limit, also where nothing is said."""
    said = [limit for limit in limits if limit is not None]
    return max(said, default=None) if len(said) == len(limits) else None
