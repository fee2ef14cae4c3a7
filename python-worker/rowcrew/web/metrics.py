"""`GET /metrics`: the sample as Prometheus reads it.

In: the sampler of each database. Out: their text format. The number of series is bounded, however many queues
and types there are. docs/metrics.md lists the metrics; the alert rules in deploy/ read them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from rowcrew.installed import VERSION
from rowcrew.model.standing import QueueNow
from rowcrew.web.sampler import Sampler
from rowcrew.web.tally import LIMITS, OTHER, Pair, Tally, Times

MOST_QUEUES: Final = 200
"""Queues that have series of their own; the rest of them add up as `*`."""


def exposition(samplers: Mapping[str | None, Sampler], accept: str) -> tuple[bytes, str]:
    """The metrics and their media type, in the form that the reader asks for.

    Args:
        samplers: by the name of their database, which becomes a label; None = there is but one.
    """
    registry = CollectorRegistry()
    registry.register(_Samples(samplers))
    encode, kind = choose_encoder(accept)
    return encode(registry), kind


class _Samples(Collector):
    """The last sample of each database as families of metrics, each family once."""

    def __init__(self, samplers: Mapping[str | None, Sampler]) -> None:
        self._samplers = samplers

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        families: dict[str, Metric] = {}
        for name, sampler in self._samplers.items():
            database = {} if name is None else {"database": name}
            for family in _families(sampler):
                whole = families.setdefault(
                    family.name, Metric(family.name, family.documentation, family.type)
                )
                whole.samples += (one._replace(labels=database | one.labels) for one in family.samples)
        yield _build()
        yield from families.values()


def _families(sampler: Sampler) -> Iterator[Metric]:
    yield _up(sampler)
    yield from _ages(sampler)
    yield from _of_queues(sampler)
    yield _workers(sampler)
    yield from _of_runs(sampler.tally)


def _build() -> Metric:
    build = GaugeMetricFamily(
        "rowcrew_build_info", "The version that serves these metrics.", labels=["version"]
    )
    build.add_metric([VERSION], 1)
    return build


def _up(sampler: Sampler) -> Metric:
    is_answered = sampler.now.value is not None and sampler.now.problem is None
    return GaugeMetricFamily(
        "rowcrew_database_up", "Whether the database answered the latest look.", value=int(is_answered)
    )


def _ages(sampler: Sampler) -> Iterator[Metric]:
    age = GaugeMetricFamily(
        "rowcrew_sample_age_seconds", "How old the numbers of a part are.", labels=["part"]
    )
    for name, part in sampler.parts.items():
        if (seconds := part.age_seconds) is not None:
            age.add_metric([name], seconds)
    yield age


def _of_queues(sampler: Sampler) -> Iterator[Metric]:
    depth = GaugeMetricFamily("rowcrew_queue_depth", "Jobs of a queue by state.", labels=["queue", "state"])
    oldest = GaugeMetricFamily(
        "rowcrew_queue_oldest_seconds", "For how long the oldest ready job has been ready.", labels=["queue"]
    )
    use = GaugeMetricFamily(
        "rowcrew_queue_utilization", "What runs, of what may run at once, from 0 to 1.", labels=["queue"]
    )
    workers = GaugeMetricFamily(
        "rowcrew_queue_workers",
        "Workers that serve a queue, and its limit.",
        labels=["queue", "state"],
    )
    queues = sorted(sampler.now.value.queues if sampler.now.value else [], key=lambda one: one.queue)
    for name, some in _crowds(queues):
        depth.add_metric([name, "ready"], sum(queue.ready for queue in some))
        depth.add_metric([name, "delayed"], sum(queue.delayed for queue in some))
        depth.add_metric([name, "in_flight"], sum(queue.processing for queue in some))
        oldest.add_metric([name], max(queue.oldest_wait_seconds or 0.0 for queue in some))
        use.add_metric([name], max(_utilization(queue) for queue in some))
        workers.add_metric([name, "live"], max(queue.workers for queue in some))
        if limits := [queue.max_concurrent for queue in some if queue.max_concurrent is not None]:
            workers.add_metric([name, "allowed"], max(limits))
    yield from (depth, oldest, use, workers)


def _crowds(queues: Sequence[QueueNow]) -> Iterator[tuple[str, Sequence[QueueNow]]]:
    """Each queue by its name, and those beyond MOST_QUEUES together."""
    for queue in queues[:MOST_QUEUES]:
        yield queue.queue, [queue]
    if rest := queues[MOST_QUEUES:]:
        yield OTHER, rest


def _utilization(queue: QueueNow) -> float:
    """How near the queue is to its limit, or to the end of the slots that serve it, whichever is nearer."""
    of_slots = queue.slots_taken / queue.slots if queue.slots else 0.0
    if queue.max_concurrent is None:
        return of_slots
    return max(of_slots, min(1.0, queue.processing / queue.max_concurrent) if queue.max_concurrent else 1.0)


def _workers(sampler: Sampler) -> Metric:
    workers = GaugeMetricFamily("rowcrew_workers", "Workers by state.", labels=["state"])
    states = [worker.state for worker in sampler.now.value.workers] if sampler.now.value else []
    for state in ("live", "draining", "stopping", "silent"):
        workers.add_metric([state], states.count(state))
    return workers


def _of_runs(tally: Tally) -> Iterator[Metric]:
    finished = CounterMetricFamily(
        "rowcrew_jobs_finished", "Ends of runs.", labels=["queue", "type", "outcome"]
    )
    for (pair, outcome), count in tally.finished.items():
        finished.add_metric([*pair, outcome], count)
    stopped = CounterMetricFamily(
        "rowcrew_workers_stopped", "Workers that left or were lost.", labels=["queue", "reason"]
    )
    for labels, count in tally.stopped.items():
        stopped.add_metric(labels, count)
    spawned = CounterMetricFamily(
        "rowcrew_workers_spawned", "Workers that a spawner started.", labels=["queue"]
    )
    for labels, count in tally.spawned.items():
        spawned.add_metric(labels, count)
    yield finished
    yield _histogram("rowcrew_job_duration_seconds", "How long runs took.", tally.run_times)
    yield _histogram("rowcrew_job_wait_seconds", "How long jobs were ready before they ran.", tally.waits)
    yield from (stopped, spawned)


def _histogram(name: str, help: str, times: Mapping[Pair, Times]) -> Metric:
    family = HistogramMetricFamily(name, help, labels=["queue", "type"])
    for pair, one in times.items():
        family.add_metric([*pair], _cumulated(one.counts), one.seconds)
    return family


def _cumulated(counts: list[int]) -> list[tuple[str, float]]:
    names = [*(f"{limit:g}" for limit in LIMITS), "+Inf"]
    return [(name, sum(counts[: place + 1])) for place, name in enumerate(names)]
