"""How a queue or a type has done within a time: rates, errors, percentiles, from what workers counted.

In: counts of runs by outcome, and buckets of waits and run times. Out: a `Pace` for each time looked at.
Called by `admin/pace.py` for every face.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from rowcrew.model.histogram import percentile
from rowcrew.model.tally import RunOutcome

RECENT_SECONDS: Final = 300
"""What a present rate is read from."""

WINDOWS: Final = {"5 min": RECENT_SECONDS, "1 h": 3_600, "24 h": 86_400}

_ERRORS: Final[frozenset[RunOutcome]] = frozenset({"retried", "failed", "lost"})
_OWN_ENDS: Final[frozenset[RunOutcome]] = frozenset({"completed", "retried", "failed", "cancelled"})
_LAST_ENDS: Final[frozenset[RunOutcome]] = frozenset({"completed", "failed", "cancelled"})


class RunCount(msgspec.Struct, frozen=True, rename="camel"):
    """How many runs of one queue and type ended with one outcome; seconds of all together."""

    queue: str
    type: str
    outcome: RunOutcome
    count: int
    run_seconds: float
    memory_bytes: int | None


class Pace(msgspec.Struct, frozen=True, rename="camel"):
    """What happened within a time, as far as workers have written it: they do once a minute.

    Attributes:
        seconds: how long the time is.
        completed: jobs.
        failed: jobs that ended so, out of attempts or for good.
        runs: that ended in whatever way but given back or snoozed.
        errors: runs that raised, or whose runner or worker was lost.
        error_share: errors of all these runs, from 0 to 1; None where nothing ran.
        ended_per_minute: jobs that ended for good.
        wait_p50_seconds, wait_p95_seconds: from "runAt" to the reservation.
        run_mean_seconds, run_p50_seconds, run_p95_seconds: from the handler's begin to its end.
        memory_bytes: the most that a process used which ran one; None = not seen.
    """

    seconds: int
    completed: int
    failed: int
    runs: int
    errors: int
    error_share: float | None
    ended_per_minute: float
    wait_p50_seconds: float | None
    wait_p95_seconds: float | None
    run_mean_seconds: float | None
    run_p50_seconds: float | None
    run_p95_seconds: float | None
    memory_bytes: int | None


def pace(
    seconds: int, counts: Iterable[RunCount], waits: Mapping[int, int], run_times: Mapping[int, int]
) -> Pace:
    """The pace within so many seconds; the last two count runs by bucket."""
    sums: dict[RunOutcome, int] = {}
    run_seconds, memory = 0.0, 0
    for one in counts:
        sums[one.outcome] = sums.get(one.outcome, 0) + one.count
        memory = max(memory, one.memory_bytes or 0)
        if one.outcome in _OWN_ENDS:
            run_seconds += one.run_seconds
    runs, errors, timed = _sum(sums, _OWN_ENDS | _ERRORS), _sum(sums, _ERRORS), sum(run_times.values())
    return Pace(
        seconds=seconds,
        completed=sums.get("completed", 0),
        failed=sums.get("failed", 0),
        runs=runs,
        errors=errors,
        error_share=errors / runs if runs else None,
        ended_per_minute=60 * _sum(sums, _LAST_ENDS) / seconds,
        wait_p50_seconds=percentile(waits, 0.5),
        wait_p95_seconds=percentile(waits, 0.95),
        run_mean_seconds=run_seconds / timed if timed else None,
        run_p50_seconds=percentile(run_times, 0.5),
        run_p95_seconds=percentile(run_times, 0.95),
        memory_bytes=memory or None,
    )


def drain_seconds(ready: int, recent: Pace) -> float | None:
    """Until nothing is ready at the present rate, if nothing is added; None = never."""
    if not ready:
        return 0.0
    return 60 * ready / recent.ended_per_minute if recent.ended_per_minute else None


def _sum(sums: Mapping[RunOutcome, int], outcomes: Iterable[RunOutcome]) -> int:
    return sum(sums.get(outcome, 0) for outcome in outcomes)
