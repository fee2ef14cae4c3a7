"""What workers cost: hours that they lived, hours that jobs ran, and what the same would be always on.

In: seconds of workers and of jobs. Out: figures, and the hours that a backlog needs. Called by
`admin/cost.py` for every face.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

MONTH_DAYS: Final = 30
HOUR_SECONDS: Final = 3_600
DAY_SECONDS: Final = 86_400


class Spent(msgspec.Struct, frozen=True, rename="camel"):
    """What the workers of one queue did within a time.

    Attributes:
        queue: None for workers that serve several queues, or all.
        workers: how many lived in that time, for however long.
        worker_seconds: from start to stop, idle time included.
        job_seconds: in which handlers of the queue's jobs ran, whoever ran them.
    """

    queue: str | None
    workers: int
    worker_seconds: float
    job_seconds: float


class Expense(msgspec.Struct, frozen=True):
    """What the workers did, queue by queue, and the days that this says something of.

    Attributes:
        since: the first worker's start, if it was within the time that was asked about.
        days: from then to now, or all that were asked about.
    """

    queues: list[Spent]
    since: datetime | None
    days: float

    @property
    def whole(self) -> Spent:
        """All queues together."""
        return Spent(
            "all",
            sum(one.workers for one in self.queues),
            sum(one.worker_seconds for one in self.queues),
            sum(one.job_seconds for one in self.queues),
        )

    @property
    def monthly_seconds(self) -> float:
        """How long workers live in a month that goes on as these days did."""
        return monthly(self.whole.worker_seconds, self.days)


class AlwaysOn(msgspec.Struct, frozen=True, rename="camel"):
    """So many workers that never stop, for so many days."""

    workers: int
    days: int = MONTH_DAYS

    @property
    def hours(self) -> int:
        return self.workers * 24 * self.days

    def saved(self, hours: float) -> float:
        """What so many hours in its place save, in percent; below 0 when they are more."""
        return 100 * (1 - hours / self.hours)


class Waiting(msgspec.Struct, frozen=True, rename="camel"):
    """The jobs of one type that a queue still has to run.

    Attributes:
        mean_seconds: what a run of the type takes; None when none has been counted.
    """

    queue: str
    type: str
    jobs: int
    mean_seconds: float | None


class Forecast(msgspec.Struct, frozen=True, rename="camel"):
    """What a backlog needs.

    Attributes:
        jobs: those of types whose run time is known.
        worker_seconds: with all slots of each worker at work.
        unknown: jobs of types that nobody has timed yet; no seconds are reckoned for them.
    """

    jobs: int
    worker_seconds: float
    unknown: int


def hours(seconds: float) -> float:
    return seconds / HOUR_SECONDS


def monthly(seconds: float, days: float) -> float:
    """The seconds of a month that goes on as these days did."""
    return seconds / days * MONTH_DAYS


def forecast(waiting: Sequence[Waiting], slots: int) -> Forecast:
    """What so many jobs need of workers with so many slots."""
    seconds, known, unknown = 0.0, 0, 0
    for one in waiting:
        if one.mean_seconds is None:
            unknown += one.jobs
        else:
            known += one.jobs
            seconds += one.jobs * one.mean_seconds
    return Forecast(known, seconds / slots, unknown)
