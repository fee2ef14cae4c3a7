"""`GET /metrics`: the sample as Prometheus reads it.

In: the sampler. Out: its text format. The number of series is bounded, however many queues and types there
are. docs/runbook.md lists the metrics; the alert rules in deploy/ read them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from rowcrew.installed import VERSION
from rowcrew.web.sampler import Sampler
from rowcrew.web.tally import LIMITS, OTHER, Tally

MOST_QUEUES: Final = 200
"""Queues that have series of their own; the rest of them add up as `*`."""


def exposition(sampler: Sampler, accept: str) -> tuple[bytes, str]:
    """The metrics and their media type, in the form that the reader asks for."""
    registry = CollectorRegistry()
    registry.register(_Sample(sampler))
    encode, kind = choose_encoder(accept)
    return encode(registry), kind


class _Sample(Collector):
    """The last sample as families of metrics."""

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        yield _build()
        yield from _ages(self._sampler)
        yield from _of_queues(self._sampler)
        yield _workers(self._sampler)
        yield from _of_runs(self._sampler.tally)


def _build() -> Metric:
    build = GaugeMetricFamily(
        "rowcrew_build_info", "The version that serves these metrics.", labels=["version"]
    )
    build.add_metric([VERSION], 1)
    return build


def _ages(sampler: Sampler) -> Iterator[Metric]:
    age = GaugeMetricFamily(
        "rowcrew_sample_age_seconds", "How old the numbers of a part are.", labels=["part"]
    )
    for name in ("queues", "crew", "counts"):
        if (seconds := getattr(sampler, name).age_seconds) is not None:
            age.add_metric([name], seconds)
    yield age


def _of_queues(sampler: Sampler) -> Iterator[Metric]:
    depth = GaugeMetricFamily("rowcrew_queue_depth", "Jobs of a queue by state.", labels=["queue", "state"])
    oldest = GaugeMetricFamily(
        "rowcrew_queue_oldest_seconds", "For how long the oldest ready job has been ready.", labels=["queue"]
    )
    queues = sampler.queues.value or []
    for queue in queues[:MOST_QUEUES]:
        states = {"ready": queue.ready, "delayed": queue.delayed, "in_flight": queue.processing}
        for state, jobs in states.items():
            depth.add_metric([queue.queue, state], jobs)
        oldest.add_metric([queue.queue], queue.oldest_wait_seconds or 0.0)
    if rest := queues[MOST_QUEUES:]:
        depth.add_metric([OTHER, "ready"], sum(queue.ready for queue in rest))
        depth.add_metric([OTHER, "delayed"], sum(queue.delayed for queue in rest))
        depth.add_metric([OTHER, "in_flight"], sum(queue.processing for queue in rest))
        oldest.add_metric([OTHER], max(queue.oldest_wait_seconds or 0.0 for queue in rest))
    yield from (depth, oldest)


def _workers(sampler: Sampler) -> Metric:
    workers = GaugeMetricFamily("rowcrew_workers", "Workers by state.", labels=["state"])
    crew = sampler.crew.value
    states = [worker.state for worker in crew.workers] if crew else []
    for state in ("live", "draining", "stopping", "silent"):
        workers.add_metric([state], states.count(state))
    return workers


def _of_runs(tally: Tally) -> Iterator[Metric]:
    finished = CounterMetricFamily(
        "rowcrew_jobs_finished", "Ends of runs.", labels=["queue", "type", "outcome"]
    )
    for (pair, outcome), count in tally.finished.items():
        finished.add_metric([*pair, outcome], count)
    duration = HistogramMetricFamily(
        "rowcrew_job_duration_seconds", "How long runs took.", labels=["queue", "type"]
    )
    for pair, times in tally.run_times.items():
        duration.add_metric([*pair], _cumulated(times.counts), times.seconds)
    stopped = CounterMetricFamily(
        "rowcrew_workers_stopped", "Workers that left or were lost.", labels=["queue", "reason"]
    )
    for (queue, why), count in tally.stopped.items():
        stopped.add_metric([queue, why], count)
    yield from (finished, duration, stopped)


def _cumulated(counts: list[int]) -> list[tuple[str, float]]:
    names = [*(f"{limit:g}" for limit in LIMITS), "+Inf"]
    return [(name, sum(counts[: place + 1])) for place, name in enumerate(names)]
