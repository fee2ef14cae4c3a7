"""Metrics: each run, departure and launch is counted once, and a flood of names makes no flood of series."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from rig.table import Table
from rowcrew.table.link import Link
from rowcrew.web.links import Links
from rowcrew.web.metrics import exposition
from rowcrew.web.sampler import Sampler
from rowcrew.web.tally import MOST_PAIRS

pytestmark = pytest.mark.anyio


@pytest.fixture
def sampler(database_url: str) -> Sampler:
    return Sampler(Links(database_url, purpose="test", most=1, only_looks=True))


@pytest.fixture
async def link(database_url: str) -> AsyncIterator[Link]:
    link = Link(database_url, purpose="test")
    yield link
    await link.close()


def told(sampler: Sampler, name: str) -> dict[tuple[str, ...], float]:
    """The samples of this name by the values of their labels, in the order of the labels' names."""
    content, kind = exposition({None: sampler}, "")
    assert kind.startswith("text/plain")
    families = text_string_to_metric_families(content.decode())
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
        if sample.name == name
    }


def ended(table: Table, type: str, count: int, *, worker: int = 1, minute: int = 0, types: int = 1) -> None:
    table.rows(
        """INSERT INTO job_stats ("endsAt", seconds, "workerId", queue, type, outcome, count, "runSeconds",
                                  "runBuckets", "runCounts", "waitSeconds", "waitBuckets", "waitCounts")
           SELECT date_trunc('minute', now()) + %s * interval '1 minute', 60, %s, 'q', %s || n, 'completed',
                  %s, 2.0, '{0}', ARRAY[%s], 1.0, '{0}', ARRAY[%s]
             FROM generate_series(1, %s) AS n""",
        minute, worker, type, count, count, count, types,
    )  # fmt: skip


async def test_a_series_begins_at_0_and_each_row_is_counted_once(
    table: Table, sampler: Sampler, link: Link
) -> None:
    ended(table, "a", 5, minute=-1)
    await sampler.tally.count(link)
    assert told(sampler, "rowcrew_jobs_finished_total") == {("completed", "q", "a1"): 0}
    ended(table, "a", 3)
    for _ in range(3):
        await sampler.tally.count(link)
    assert told(sampler, "rowcrew_jobs_finished_total") == {("completed", "q", "a1"): 3}
    ended(table, "a", 2, worker=2, minute=-1)  # committed late, by a slow worker
    await sampler.tally.count(link)
    assert told(sampler, "rowcrew_jobs_finished_total") == {("completed", "q", "a1"): 5}
    assert told(sampler, "rowcrew_job_duration_seconds_count") == {("q", "a1"): 5}
    assert told(sampler, "rowcrew_job_duration_seconds_bucket")["0.01", "q", "a1"] == 5
    assert told(sampler, "rowcrew_job_wait_seconds_sum") == {("q", "a1"): 2.0}


async def test_a_flood_of_types_adds_up_as_one(table: Table, sampler: Sampler, link: Link) -> None:
    await sampler.tally.count(link)
    ended(table, "flood", 1, types=MOST_PAIRS + 500)
    await sampler.tally.count(link)
    finished = told(sampler, "rowcrew_jobs_finished_total")
    assert len(finished) == MOST_PAIRS + 1
    assert finished["completed", "*", "*"] == 500
    assert sum(finished.values()) == MOST_PAIRS + 500


async def test_workers_that_come_and_go_are_counted_by_queue_and_reason(
    table: Table, sampler: Sampler, link: Link
) -> None:
    await sampler.tally.count(link)
    table.rows(
        """INSERT INTO workers ("bootId", name, queues, "launchedAt", "stoppedAt", "stopReason", "lostAt")
           VALUES (gen_random_uuid(), 'a', '{q}', now(), now(), 'idle_timeout', NULL),
                  (gen_random_uuid(), 'b', '{}', NULL, NULL, NULL, now()),
                  (gen_random_uuid(), 'c', '{q}', now(), NULL, NULL, NULL)"""
    )
    for _ in range(2):
        await sampler.tally.count(link)
    assert told(sampler, "rowcrew_workers_spawned_total") == {("q",): 2}
    assert told(sampler, "rowcrew_workers_stopped_total") == {("q", "idle_timeout"): 1, ("*", "lost"): 1}
