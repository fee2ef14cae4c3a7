"""Who may pay for what: a job for what its handler does, and no other.

In: a history. Out: violations of I7.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from storm.history import Fault, History, Step
from storm.rules.rows import LOST_WORKER
from storm.rules.violation import Violation

HARMLESS: Final = frozenset(
    {
        *(
            "sleeps",
            "sleeps_in_thread",
            "sleeps_alone",
            "writes",
            "parent",
            "gathers",
            "snoozes",
            "forks",
            "leaves",
        ),
        "ticks",
    }
)
DEADLY: Final = frozenset({"dies", "garbles", "exits"})
# In a runner that cannot have what it asks for, every handler may fail.
STARVING: Final = frozenset({"exhaust runner", "exhaust memory"})
STARVED_SECONDS: Final = 2.0
# An end is heard of within this, and a process id is not that of another runner within the longer one.
HEARD_SECONDS: Final = 5.0
SAME_RUNNER_SECONDS: Final = 60.0


def nobody_pays_for_others(history: History) -> Iterator[Violation]:
    for job, steps in history.by_job().items():
        for before, after in pairwise(steps):
            if after.by_hand or before.status != "processing" or after.status == "processing":
                continue
            outcome = history.outcomes.get(after.lease or "")
            blamed = outcome in ("retried", "failed")
            if after.status == "failed" and after.error == LOST_WORKER:
                yield Violation("I7", job, "failed because of a worker that ran others too")
            if (
                blamed
                and after.type in HARMLESS
                and not _died_alone(history, after)
                and not _own_connection(after)
                and not _was_starved(history.faults, before, after)
            ):
                yield Violation("I7", job, f"harmless, and its run was {outcome}: {after.error}")
        if steps[-1].type in DEADLY and steps[-1].status not in ("failed", "cancelled"):
            yield Violation("I7", job, f"kills its runner, and is {steps[-1].status}")


def _died_alone(history: History, step: Step) -> bool:
    """Whether its runner was killed from outside and had never run another: that looks like its own doing."""
    if not (step.error or "").startswith("its runner died"):
        return False
    return not any(
        (other.pid, other.process) == (run.pid, run.process)
        and other.how is not None
        and HEARD_SECONDS < run.start - other.seen < SAME_RUNNER_SECONDS
        for run in history.runs
        if run.lease == step.lease
        for other in history.runs
    )


def _was_starved(faults: list[Fault], begun: Step, ended: Step) -> bool:
    """Whether the system may have refused its runner something while it ran."""
    return any(
        fault.kind in STARVING
        and fault.process == begun.process
        and fault.start <= ended.at
        and begun.at <= fault.end + STARVED_SECONDS
        for fault in faults
    )


def _own_connection(step: Step) -> bool:
    """The handler's own connection was ended, or none was to be had: its error, by what it asked for."""
    return step.type in ("writes", "gathers")
