"""Prints what a storm was like, and what it broke.

In: a history and its violations. Out: text.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from storm.check import timeline
from storm.history import HANDS, STALE_SAVES, History
from storm.rules.violation import Violation
from storm.rules.workers import MEBIBYTE, memory_growth

MOST_TIMELINES = 5
MOST_OF_EACH = 12


def report(history: History, violations: list[Violation]) -> None:
    logs = "\n".join(history.texts.values())
    figures: dict[str, Any] = {
        "jobs": len({step.job for step in history.steps}),
        "runs": len(history.runs),
        "steps": len(history.steps),
        "faults": len([fault for fault in history.faults if not fault.detail]),
        "came to little": Counter(
            f"{fault.kind}, {fault.detail}" for fault in history.faults if fault.detail
        ),
        "changes by hand": sum(step.author == HANDS for step in history.steps),
        "stale saves": sum(step.author == STALE_SAVES for step in history.steps),
        "rows set aside": len(history.set_aside),
        "jobs under limits": len({step.job for step in history.steps if step.place_at is not None}),
        "jobs that waited": len({step.job for step in history.steps if step.is_parked}),
        "ticks": len(history.ticks),
        "stale ends": _said(logs, "job.stale"),
        "rescued jobs": _said(logs, "job.rescued"),
        "workers declared lost": _said(logs, "worker.declared_lost"),
        "alarms for lost commits": _said(logs, "database.turned_back"),
        "fences closed": _said(logs, "fence.closed"),
        "runners too large": _said(logs, "runner.replaced") + _said(logs, "runner.killed"),
        "killed for memory": history.out_of_memory,
        "runners not started": _said(logs, "runner.not_started"),
        "given back": Counter(history.outcomes.values()),
        "heard by receivers": f"{len(history.heard)} times, {len(_different(history))} messages",
        "memory": _longest_memory(history),
    }
    for name, figure in figures.items():
        told = (
            ", ".join(f"{n} {word}" for word, n in figure.items()) if isinstance(figure, Counter) else figure
        )
        print(f"{name:>23}  {told}")
    for invariant, count in Counter(violation.invariant for violation in violations).items():
        print(f"{invariant} broken {count} times")
    for violation in _some_of_each(violations):
        whom = "" if violation.job is None else f"job {violation.job} "
        print(f"{violation.invariant}: {whom}{violation.message}")
    for job in list(dict.fromkeys(v.job for v in violations if v.job is not None))[:MOST_TIMELINES]:
        print(f"\njob {job}")
        print("\n".join(timeline(history, job)))
    print("storm: no invariant was broken" if not violations else f"storm: {len(violations)} violations")


def _different(history: History) -> set[tuple[str, int]]:
    return {(heard.receiver, heard.message["id"]) for heard in history.heard}


def _some_of_each(violations: list[Violation]) -> list[Violation]:
    by_invariant: dict[str, list[Violation]] = {}
    for violation in violations:
        by_invariant.setdefault(violation.invariant, []).append(violation)
    return [violation for some in by_invariant.values() for violation in some[:MOST_OF_EACH]]


def _longest_memory(history: History) -> str:
    """The memory of the control process that was watched for longest."""
    samples = max(history.memory.values(), key=len, default=[])
    if not samples:
        return "not looked at"
    minutes, growth = memory_growth(samples)
    return f"{samples[-1][1] / MEBIBYTE:.1f} MiB, {growth / MEBIBYTE:+.1f} in {minutes:.1f} minutes"


def _said(logs: str, event: str) -> int:
    return len(re.findall(rf'"event": ?"{re.escape(event)}"', logs))
