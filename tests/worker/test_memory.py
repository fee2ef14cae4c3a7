"""Runners that use more memory than they may, and what they give back of it."""

from __future__ import annotations

import pytest

from rig.fixtures import StartWorker
from rig.journal import Gate, Journal
from rig.table import Table
from rig.waiting import eventually
from rig.worker_process import WorkerProcess, is_gone


def test_a_runner_above_the_limit_finishes_its_jobs_and_another_takes_its_place(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    worker = start_worker(WORKER_MAX_MEMORY="300M", WORKER_HEARTBEAT_INTERVAL=0.5).ready()
    job = table.enqueue("grows", {"mebibytes": 300, "gate": gate.path}, maxAttempts=1)
    old = journal.has("start", job=job)["pid"]
    worker.said("runner.replaced", pid=old)
    table.until(table.enqueue("tick"), "completed")
    assert not is_gone(old)
    gate.open()
    assert table.until(job, "completed")["attempts"] == 1
    eventually(lambda: is_gone(old))
    assert journal.entries("start", type="tick")[0]["pid"] != old
    worker.said("runner.ended", pid=old)
    assert worker.heard("runner.died") == []
    assert len(worker.runners()) == 1


def test_a_runner_far_above_the_limit_is_killed_and_its_job_pays(
    start_worker: StartWorker, table: Table, gate: Gate
) -> None:
    worker = start_worker(WORKER_MAX_MEMORY="200M", WORKER_HEARTBEAT_INTERVAL=0.5).ready()
    job = table.enqueue("grows", {"mebibytes": 500, "gate": gate.path}, maxAttempts=2)
    row = table.until(job, "failed")
    assert row["attempts"] == 2
    assert table.outcomes(job) == ["retried", "failed"]
    worker.said("runner.killed")
    table.until(table.enqueue("noop"), "completed")


@pytest.mark.parametrize("type", ["litters", "litters_alone"])
def test_what_a_run_leaves_in_circles_is_collected_though_no_other_job_comes(
    standing_worker: WorkerProcess, shared_table: Table, shared_journal: Journal, type: str
) -> None:
    job = shared_table.enqueue(type)
    shared_table.until(job, "completed")
    shared_journal.has("collected", job=job)
