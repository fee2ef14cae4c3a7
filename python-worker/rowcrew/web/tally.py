"""Counters that only grow, made of rows that come late, are merged and are deleted.

In: what workers wrote to `job_stats` minute by minute, and which workers left. Out: sums since this process
began to look. Each row is counted once: rows are asked for with an overlap, since one may be committed after
a younger one, and known ones are passed over. Ticked by the sampler, read by `metrics`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple, get_args

from rowcrew.admin import looks
from rowcrew.model.histogram import seconds_of
from rowcrew.model.stay import WhyStopped
from rowcrew.table.link import Link
from rowcrew.table.looks import EndedRuns

MOST_PAIRS: Final = 1_000
"""Pairs of queue and type that are told apart; runs beyond count as those of `*`."""

OTHER: Final = "*"

LIMITS: Final = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 1_800.0, 3_600.0)
"""The upper bounds, in seconds, of the buckets in which times are counted."""

_OVERLAP: Final = timedelta(minutes=10)
_TIMED: Final = frozenset({"completed", "retried", "failed", "cancelled"})
_REASONS: Final = frozenset(get_args(WhyStopped))


class Pair(NamedTuple):
    """A queue and a type."""

    queue: str
    type: str


class Times:
    """How long the runs of one queue and type took, or waited: counts by bucket, and their sum."""

    def __init__(self) -> None:
        self.counts = [0] * (len(LIMITS) + 1)
        self.seconds = 0.0

    def add(self, seconds: float, buckets: Sequence[int], counts: Sequence[int]) -> None:
        self.seconds += seconds
        for bucket, runs in zip(buckets, counts, strict=True):
            self.counts[_place(seconds_of(bucket))] += runs


class Tally:
    """What ended, who was started and who left, since the first look."""

    def __init__(self) -> None:
        self.finished: dict[tuple[Pair, str], int] = defaultdict(int)
        self.run_times: dict[Pair, Times] = defaultdict(Times)
        self.waits: dict[Pair, Times] = defaultdict(Times)
        self.stopped: dict[tuple[str, ...], int] = defaultdict(int)
        self.spawned: dict[tuple[str, ...], int] = defaultdict(int)
        self._pairs: set[Pair] = set()
        self._since: datetime | None = None
        self._known: dict[object, datetime] = {}

    async def count(self, link: Link) -> bool:
        """Count what is new; the first time only remember what is there."""
        now = await looks.now(link)
        is_first = self._since is None
        changes = await looks.since(link, (self._since or now) - _OVERLAP)
        for row in changes.runs:
            if self._is_new((row.ends_at, row.worker_id, row.queue, row.type, row.outcome), row.ends_at):
                self._add_runs(row, times=0 if is_first else 1)
        for worker in changes.departures:
            if self._is_new(worker.id, worker.left_at) and not is_first:
                why = worker.reason if worker.reason in _REASONS else "other"
                for queue in worker.queues or [OTHER]:
                    _add_worker(self.stopped, queue, why)
        for launch in changes.launches:
            if self._is_new((launch.id, "launched"), launch.launched_at) and not is_first:
                for queue in launch.queues or [OTHER]:
                    _add_worker(self.spawned, queue)
        self._since = now
        self._known = {key: at for key, at in self._known.items() if at > now - 2 * _OVERLAP}
        return True

    def _is_new(self, key: object, at: datetime) -> bool:
        is_new = key not in self._known
        self._known[key] = at
        return is_new

    def _add_runs(self, row: EndedRuns, *, times: int) -> None:
        """A series begins at 0 with what was there before: its first growth is seen then."""
        pair = self._pair(row.queue, row.type)
        self.finished[pair, row.outcome] += row.count * times
        if times and row.outcome in _TIMED:
            self.run_times[pair].add(row.run_seconds, row.run_buckets, row.run_counts)
        if times:
            self.waits[pair].add(row.wait_seconds, row.wait_buckets, row.wait_counts)

    def _pair(self, queue: str, type: str) -> Pair:
        pair = Pair(queue, type)
        if pair not in self._pairs:
            if len(self._pairs) >= MOST_PAIRS:
                return Pair(OTHER, OTHER)
            self._pairs.add(pair)
        return pair


def _add_worker(counts: dict[tuple[str, ...], int], queue: str, *why: str) -> None:
    is_known = (queue, *why) in counts or len(counts) < MOST_PAIRS
    counts[queue if is_known else OTHER, *why] += 1


def _place(seconds: float) -> int:
    return next((place for place, limit in enumerate(LIMITS) if seconds <= limit), len(LIMITS))
