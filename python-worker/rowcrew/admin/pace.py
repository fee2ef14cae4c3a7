"""How queues and types do: what workers have counted, for every face. Reads no job.

In: a link, and a queue or a type. Out: a `Pace` for each time looked at. Called by the command line.
"""

from __future__ import annotations

from rowcrew.model.pace import RECENT_SECONDS, WINDOWS, Pace, RunCount, pace
from rowcrew.table import operator
from rowcrew.table.link import Link


async def paces(link: Link, *, queue: str | None = None, type: str | None = None) -> list[Pace]:
    """The last five minutes, the last hour and the last day of a queue or a type; None = of all."""
    return [await _pace(link, seconds, queue, type) for seconds in WINDOWS.values()]


async def ended_per_minute(link: Link) -> dict[str, float]:
    """How many jobs of each queue end in a minute at present; a queue where none does is not named."""
    by_queue: dict[str, list[RunCount]] = {}
    for one in await operator.count_runs(link, seconds=RECENT_SECONDS):
        by_queue.setdefault(one.queue, []).append(one)
    return {
        queue: pace(RECENT_SECONDS, counts, {}, {}).ended_per_minute for queue, counts in by_queue.items()
    }


async def _pace(link: Link, seconds: int, queue: str | None, type: str | None) -> Pace:
    counts = await operator.count_runs(link, seconds=seconds, queue=queue, type=type)
    buckets: dict[str, dict[int, int]] = {"wait": {}, "run": {}}
    for kind, bucket, runs in await operator.time_runs(link, seconds=seconds, queue=queue, type=type):
        buckets[kind][bucket] = runs
    return pace(seconds, counts, buckets["wait"], buckets["run"])
