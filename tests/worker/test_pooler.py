"""Behind a real PgBouncer in transaction mode a worker polls, and leaves no trace in sessions it borrowed."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest

from rig.fixtures import StartWorker
from rig.journal import Gate, Journal
from rig.pooler import MISSING, PROGRAM, Pooler, borrowed_state
from rig.table import Table
from rig.waiting import eventually
from rig.worker_process import WorkerProcess

SESSIONS = 3
QUICK = {"WORKER_HEARTBEAT_INTERVAL": 0.5, "POLL_INTERVAL": 0.2}

pytestmark = pytest.mark.skipif(PROGRAM is None, reason=MISSING)


@pytest.fixture
def pooler(tcp_database_url: str) -> Iterator[Pooler]:
    """Fewer sessions than a worker has connections, so that they are shared."""
    with Pooler(tcp_database_url, sessions=SESSIONS) as pooler:
        yield pooler


@pytest.fixture
def pooled_url(pooler: Pooler, database: str) -> str:
    return pooler.url_of(database)


def start_pooled(start_worker: StartWorker, pooled_url: str, **options: Any) -> WorkerProcess:
    worker = start_worker(url=pooled_url, **(QUICK | options)).ready()
    worker.said("database.pooled")
    return worker


def test_a_worker_notices_the_pooler_and_runs_jobs_without_listening(
    start_worker: StartWorker, table: Table, pooled_url: str
) -> None:
    worker = start_pooled(start_worker, pooled_url, WORKER_CONCURRENCY=8)
    for value in range(200):
        table.enqueue("echo", {"value": value})
    table.drained()
    assert table.count("completed") == 200
    assert [row for row in table.connections_of_workers() if row["name"] == "rowcrew listen"] == []
    assert worker.heard("job.stale") == []
    assert worker.stop() == 0


def test_a_cancel_is_noticed_by_the_heartbeat(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate, pooled_url: str
) -> None:
    start_pooled(start_worker, pooled_url)
    job = table.enqueue("hold", {"gate": gate.path})
    journal.has("start", job=job)
    table.set_status(job, "cancelled")
    journal.has("end", job=job)


def test_what_a_killed_worker_held_is_released(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate, pooled_url: str
) -> None:
    first = start_pooled(start_worker, pooled_url)
    job = table.enqueue("hold", {"gate": gate.path})
    journal.has("start", job=job)
    first.kill()
    gate.open()
    start_pooled(start_worker, pooled_url)
    assert table.until(job, "completed")["attempts"] == 1


def test_nothing_is_left_in_the_sessions_of_the_pooler(
    start_worker: StartWorker, table: Table, gate: Gate, pooled_url: str
) -> None:
    table.rows("CREATE TABLE written (job bigint)")
    worker = start_pooled(start_worker, pooled_url)
    gate.open()
    jobs = [
        table.enqueue("transacts_often", {"times": 20}),
        table.enqueue("transacts_often_in_thread", {"times": 20}),
        table.enqueue("parent", {"gate": gate.path, "children": 20}),
        table.enqueue("fails", {"times": 1}, maxAttempts=1),
    ]
    for job in jobs:
        table.until(job)
    table.drained()
    assert table.rows("SELECT count(*) AS n FROM written")[0]["n"] == 40
    assert worker.stop() == 0
    assert borrowed_state(pooled_url, SESSIONS) == []


def test_a_worker_outlives_its_pooler(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate, pooler: Pooler, pooled_url: str
) -> None:
    worker = start_pooled(start_worker, pooled_url)
    job = table.enqueue("hold", {"gate": gate.path})
    journal.has("start", job=job)
    pooler.kill()
    worker.said("database.lost", purpose="heartbeat")
    gate.open()
    journal.has("end", job=job)
    pooler.start()
    assert table.until(job, "completed", seconds=60)["attempts"] == 1
    assert len(journal.entries("start", job=job)) == 1


def test_a_worker_outlives_a_restart_of_the_server_behind_its_pooler(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate, server: Any, pooled_url: str
) -> None:
    start_pooled(start_worker, pooled_url)
    job = table.enqueue("hold", {"gate": gate.path})
    journal.has("start", job=job)
    server.restart("fast")
    gate.open()
    assert table.until(job, "completed", seconds=60)["attempts"] == 1
    table.until(table.enqueue("noop"), "completed")


def test_an_address_past_the_pooler_gives_the_wake_ups_back(
    start_worker: StartWorker, table: Table, database_url: str, pooled_url: str
) -> None:
    start_pooled(start_worker, pooled_url, DATABASE_DIRECT_URL=database_url, POLL_INTERVAL=600)
    eventually(lambda: [r for r in table.connections_of_workers() if r["name"] == "rowcrew listen"])
    for _ in range(3):
        table.until(table.enqueue("noop"), "completed")


@pytest.mark.slow
def test_a_paused_pooler_closes_the_fence_as_a_lost_server_does(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate, pooler: Pooler, pooled_url: str
) -> None:
    worker = start_pooled(start_worker, pooled_url)
    job = table.enqueue("hold", {"gate": gate.path})
    journal.has("start", job=job)
    pooler.signal(signal.SIGSTOP)
    worker.said("fence.closed", seconds=60)
    pooler.signal(signal.SIGCONT)
    gate.open()
    table.until(job, "completed", seconds=60)
