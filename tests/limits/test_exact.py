"""Limits hold at every instant, across workers: swept over a log that a trigger wrote."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf
from typing import Any, NamedTuple

import pytest

from rig.fixtures import StartWorker
from rig.pooler import MISSING, PROGRAM, Pooler
from rig.table import Table
from tests.limits.log_of_runs import Seen, most_at_once, most_in_a_window, seen, watch

pytestmark = pytest.mark.long

QUICK = {"WORKER_CONCURRENCY": 6, "POLL_INTERVAL": 0.2}


@pytest.fixture(autouse=True)
def watched(table: Table) -> None:
    watch(table)


def enqueue(table: Table, count: int, keys: int = 0, queue: str = "default", most: int = 30) -> int:
    """Jobs of a few random milliseconds; the id of the first."""
    rows = table.rows(
        """
        INSERT INTO jobs (type, queue, payload, "concurrencyKey")
        SELECT 'naps', %s, jsonb_build_object('seconds', random() * %s / 1000.0),
               CASE WHEN %s > 0 THEN 'k' || i %% %s END
          FROM generate_series(1, %s) AS i
        RETURNING id
        """,
        queue,
        most,
        keys,
        max(keys, 1),
        count,
    )
    return int(rows[0]["id"])


def set_limits(table: Table, queue: str = "default", **limits: Any) -> None:
    """As an operator does, with one statement."""
    names = ", ".join(f'"{name}"' for name in limits)
    changes = ", ".join(f'"{name}" = EXCLUDED."{name}"' for name in limits)
    query: Any = (
        f"INSERT INTO queues (queue, {names}) VALUES (%s, {', '.join(['%s'] * len(limits))})"
        f" ON CONFLICT (queue) DO UPDATE SET {changes}"
    )
    table.rows(query, queue, *limits.values())


def two_workers(start_worker: StartWorker, **options: Any) -> None:
    for worker in [start_worker(**(QUICK | options)) for _ in range(2)]:
        worker.ready()


def test_a_queue_has_no_more_runs_than_its_limit_and_reaches_it(
    start_worker: StartWorker, table: Table
) -> None:
    set_limits(table, maxConcurrent=3)
    enqueue(table, 150)
    two_workers(start_worker)
    table.drained()
    assert most_at_once(seen(table)) == 3


def test_a_key_has_no_more_runs_than_the_limit_per_key(start_worker: StartWorker, table: Table) -> None:
    set_limits(table, maxConcurrentPerKey=2, maxConcurrent=7)
    enqueue(table, 200, keys=4)
    two_workers(start_worker)
    table.drained()
    runs = seen(table)
    keys = {one.key for one in runs}
    assert len(keys) == 4
    assert {most_at_once([one for one in runs if one.key == key]) for key in keys} == {2}
    assert most_at_once(runs) <= 7


def test_no_window_has_more_starts_than_the_rate(start_worker: StartWorker, table: Table) -> None:
    set_limits(table, rateLimit=6)  # as many as one look may take, however slow the machine is
    enqueue(table, 36)
    two_workers(start_worker)
    table.drained()
    assert most_in_a_window(seen(table), 1.0) == 6


def test_no_window_has_more_starts_of_a_key_than_the_rate_per_key(
    start_worker: StartWorker, table: Table
) -> None:
    set_limits(table, rateLimitPerKey=2)
    enqueue(table, 36, keys=3)
    two_workers(start_worker)
    table.drained()
    runs = seen(table)
    assert {most_in_a_window([one for one in runs if one.key == f"k{key}"], 1.0) for key in range(3)} == {2}


def test_a_named_limit_holds_in_all_queues_and_holds_back_no_other_row(
    start_worker: StartWorker, table: Table
) -> None:
    table.rows("""INSERT INTO limits (key, "maxConcurrent", "rateLimit") VALUES ('k0', 2, 50)""")
    for queue in ("a", "b"):
        enqueue(table, 60, keys=1, queue=queue)
        enqueue(table, 100, queue=queue)
    two_workers(start_worker)
    table.drained()
    runs = seen(table, lambda one: one.key == "k0")
    assert most_at_once(runs) == 2
    assert most_in_a_window(runs, 1.0) <= 50


class Reign(NamedTuple):
    """A limit, from before its UPDATE was sent until the next one had committed."""

    limit: int
    since: float
    until: float


def test_a_lowered_limit_lets_nothing_start_above_it(start_worker: StartWorker, table: Table) -> None:
    set_limits(table, maxConcurrent=8)
    two_workers(start_worker)
    reigns = [Reign(8, 0, inf)]
    for limit in (2, 6, 1, 4):
        table.until(enqueue(table, 60), "processing", "completed")
        sent = clock(table)
        set_limits(table, maxConcurrent=limit)
        reigns[-1] = reigns[-1]._replace(until=clock(table))
        reigns.append(Reign(limit, sent, inf))
    enqueue(table, 60)
    table.drained()
    running = 0
    for run in seen(table):
        running += 1 if run.starts else -1
        assert not run.starts or running <= most_allowed(reigns, run), run


def most_allowed(reigns: Sequence[Reign], run: Seen) -> int:
    """A reservation goes by one limit; one that was under way at a change, by the former or the new one."""
    return max(one.limit for one in reigns if one.since <= run.at and run.began <= one.until)


def clock(table: Table) -> float:
    return float(table.rows("SELECT extract(epoch FROM clock_timestamp())::float8 AS at")[0]["at"])


@pytest.fixture
def pooled_url(tcp_database_url: str, database: str) -> Iterator[str]:
    with Pooler(tcp_database_url, sessions=3) as pooler:
        yield pooler.url_of(database)


@pytest.mark.skipif(PROGRAM is None, reason=MISSING)
def test_limits_hold_behind_a_pooler_that_shares_sessions(
    start_worker: StartWorker, table: Table, pooled_url: str
) -> None:
    set_limits(table, maxConcurrent=2, rateLimitPerKey=20)
    enqueue(table, 80, keys=4)
    two_workers(start_worker, url=pooled_url)
    table.drained()
    runs = seen(table)
    assert most_at_once(runs) == 2
    assert all(most_in_a_window([one for one in runs if one.key == f"k{key}"], 1.0) <= 20 for key in range(4))
