"""What a soak leaves behind, as values, and what is wrong with that.

In: the text of `/metrics`, and what `soak` has read from the table and seen of processes. Out: complaints, a
sentence each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final, NamedTuple

from prometheus_client.parser import text_string_to_metric_families

WORKERS: Final = 3


class Metrics(NamedTuple):
    """What `/metrics` says of the queue."""

    completed: int
    waiting: int
    launched: int
    left: Mapping[str, int]


class Seen(NamedTuple):
    """What there was to see when all was over.

    Attributes:
        statuses: jobs of the table by status.
        twice: jobs that turned completed more than once.
        counted: completed runs by the worker that counted them in `job_stats`.
        left_well: completed runs, by a trigger, of each worker that was not killed.
        launched, left: workers that a spawner started, and those that are gone by reason.
        most_running, most_live: the most that were seen at any moment.
    """

    jobs: int
    statuses: Mapping[str, int]
    twice: list[int]
    counted: Mapping[int, int]
    left_well: Mapping[int, int]
    launched: int
    left: Mapping[str, int]
    most_running: int
    most_live: int
    metrics: Metrics
    processes: list[str]
    sessions: int
    rows_open: int


def complaints(seen: Seen) -> list[str]:
    """What is wrong with it, a sentence each."""
    metrics = seen.metrics
    asked = [
        (dict(seen.statuses) == {"completed": seen.jobs}, f"jobs by status: {dict(seen.statuses)}"),
        (not seen.twice, f"completed twice: {seen.twice}"),
        (seen.most_running <= WORKERS, f"{seen.most_running} jobs in flight at once, allowed {WORKERS}"),
        (seen.most_live <= WORKERS, f"{seen.most_live} workers live at once, allowed {WORKERS}"),
        (
            all(seen.counted.get(worker, 0) == ends for worker, ends in seen.left_well.items()),
            f"of workers that left well {dict(seen.left_well)} ended, {dict(seen.counted)} were counted",
        ),
        (sum(seen.counted.values()) <= seen.jobs, f"more counted than there are: {dict(seen.counted)}"),
        (
            metrics.completed == sum(seen.counted.values()),
            f"/metrics says {metrics.completed} completed, job_stats {sum(seen.counted.values())}",
        ),
        (metrics.waiting == 0, f"/metrics says that {metrics.waiting} jobs wait or run"),
        (
            metrics.launched == seen.launched,
            f"/metrics says {metrics.launched} were started, the table {seen.launched}",
        ),
        (dict(metrics.left) == dict(seen.left), f"/metrics says {dict(metrics.left)} left, {seen.left} did"),
        (not seen.processes, f"processes are left: {seen.processes}"),
        (not seen.sessions, f"{seen.sessions} sessions are left"),
        (not seen.rows_open, f"{seen.rows_open} rows of workers are open"),
    ]
    return [complaint for holds, complaint in asked if not holds]


def metrics_of(text: str) -> Metrics | None:
    """What the text of `/metrics` says; None before its server has looked at the database."""
    samples = [one for family in text_string_to_metric_families(text) for one in family.samples]

    def total(name: str, **labels: str) -> int:
        named = [one for one in samples if one.name == name and labels.items() <= one.labels.items()]
        return sum(int(one.value) for one in named)

    if not any(one.name == "rowcrew_queue_depth" for one in samples):
        return None
    left: Counter[str] = Counter()
    for one in samples:
        if one.name == "rowcrew_workers_stopped_total":
            left[one.labels["reason"]] += int(one.value)
    return Metrics(
        total("rowcrew_jobs_finished_total", outcome="completed"),
        total("rowcrew_queue_depth"),
        total("rowcrew_workers_spawned_total"),
        left,
    )
