"""How many jobs a worker asks for: its free slots, and a little ahead when its jobs are short.

Reserving ahead saves a round trip between short jobs; a long job reserved ahead would only keep others from
it. Which types are short is measured, nobody configures it.
"""

from __future__ import annotations

from typing import Final

import msgspec

SHORT_SECONDS: Final = 0.025
AHEAD_SECONDS: Final = 0.050
MOST_AHEAD: Final = 1_000
ENOUGH_RUNS: Final = 10
FIRST_BATCH: Final = 100
LARGEST_BATCH: Final = 500
BATCH_BYTES: Final = 16 * 2**20
_NEWEST_WEIGHT: Final = 0.2


class RunTimes:
    """Mean run time of each type, newer runs weighing more."""

    def __init__(self) -> None:
        self._means: dict[str, float] = {}
        self._runs: dict[str, int] = {}

    def add(self, type: str, runs: int, seconds: float) -> None:
        mean = seconds / runs
        known = self._means.get(type)
        self._means[type] = mean if known is None else known + _NEWEST_WEIGHT * (mean - known)
        self._runs[type] = self._runs.get(type, 0) + runs

    def is_short(self, type: str) -> bool:
        return self._runs.get(type, 0) >= ENOUGH_RUNS and self._means[type] <= SHORT_SECONDS

    def longest_short(self) -> float:
        """The mean of the slowest of the short types, in seconds; 0 if there is none."""
        return max((mean for type, mean in self._means.items() if self.is_short(type)), default=0.0)


def jobs_ahead(short_slots: int, seconds_each: float, batch: int) -> int:
    """How many short jobs to hold beyond the slots: about 50 ms of work for slots not taken by long runs."""
    if short_slots <= 0:
        return 0
    if seconds_each <= 0:
        return 2 * batch
    return int(min(2 * batch, MOST_AHEAD, short_slots * AHEAD_SECONDS / seconds_each))


class BatchSize(msgspec.Struct):
    """The size of one reserve: grows while every batch is filled, within `cap` rows and 16 MiB of payload."""

    cap: int = LARGEST_BATCH
    rows: int = FIRST_BATCH
    mean_bytes: float = 0.0

    def value(self) -> int:
        by_bytes = int(BATCH_BYTES / self.mean_bytes) if self.mean_bytes else LARGEST_BATCH
        return max(1, min(self.rows, self.cap, by_bytes))

    def learn(self, asked: int, rows: int, payload_bytes: int) -> None:
        if rows:
            self.mean_bytes += _NEWEST_WEIGHT * (payload_bytes / rows - self.mean_bytes)
            self.mean_bytes = max(self.mean_bytes, payload_bytes / rows / 4)
        if rows < asked:
            self.rows = FIRST_BATCH
        elif asked >= self.rows:
            self.rows = min(2 * self.rows, LARGEST_BATCH)
