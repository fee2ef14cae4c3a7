"""How a host ends is told to its jobs in the same way in every mode: politely, by kill -9, by an operator."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from rig.journal import Gate, Journal
from rig.programs import START_SECONDS
from rig.table import Table
from rig.waiting import eventually
from rig.worker_process import is_gone
from tests.modes.conftest import StartHost

pytestmark = pytest.mark.timeout(600)  # two hosts begin, one after the other


def held(table: Table, journal: Journal, gate: Gate, **columns: Any) -> tuple[int, int]:
    """A job that runs until the gate opens, and the process that it runs in."""
    job = table.enqueue("hold", {"gate": gate.path}, **columns)
    return job, journal.has("start", job=job, seconds=START_SECONDS)["pid"]


def test_a_polite_end_lets_jobs_end_within_the_grace(
    start_host: StartHost, table: Table, journal: Journal, gate: Gate
) -> None:
    host = start_host(SHUTDOWN_GRACE=60).ready()
    job, _ = held(table, journal, gate)
    host.terminate()
    host.process.said("worker.stopping")
    late = table.enqueue("tick")
    gate.open()
    host.process.exited()
    assert (table.row(job)["status"], table.outcomes(job)) == ("completed", [])
    assert table.row(late)["attempts"] == 0
    assert host.workers() == []
    eventually(lambda: table.connections_of_workers() == [])


def test_a_polite_end_gives_back_what_outlasts_the_grace_and_costs_no_attempt(
    start_host: StartHost, table: Table, journal: Journal, gate: Gate
) -> None:
    host = start_host(SHUTDOWN_GRACE=1, CANCEL_GRACE=1).ready()
    jobs = [table.enqueue(type, {"gate": gate.path}, maxAttempts=1) for type in ("hold", "stubborn")]
    pids = {journal.has("start", job=job, seconds=START_SECONDS)["pid"] for job in jobs}
    host.stop()
    for job in jobs:
        assert (table.row(job)["status"], table.row(job)["attempts"]) == ("queued", 0)
    assert all(map(is_gone, pids))
    gate.open()
    start_host().ready()
    for job in jobs:
        assert table.until(job, "completed", seconds=START_SECONDS)["attempts"] == 1


def test_kill_9_takes_the_runners_along_and_the_jobs_run_again_elsewhere(
    start_host: StartHost, table: Table, journal: Journal, gate: Gate
) -> None:
    host = start_host().ready()
    job, pid = held(table, journal, gate, maxAttempts=1)
    host.kill_worker_of(job)
    eventually(lambda: is_gone(pid))
    start_host().ready()
    again = journal.has("start", job=job, times=2, seconds=START_SECONDS)
    assert again["pid"] != pid
    row = table.row(job)
    assert (row["attempts"], row["crashes"], table.outcomes(job)) == (1, 1, ["lost"])
    gate.open()
    table.until(job, "completed")


def test_a_worker_that_an_operator_ends_leaves_its_host_and_says_so(
    start_host: StartHost, table: Table, journal: Journal, gate: Gate
) -> None:
    host = start_host(WORKER_HEARTBEAT_INTERVAL=0.5).ready()
    job, _ = held(table, journal, gate)
    table.rows("UPDATE workers SET asked = 'drain'")
    host.process.said("worker.draining")
    gate.open()
    table.until(job, "completed")
    table.rows("UPDATE workers SET asked = 'terminate'")
    host.process.said("worker.stopped")
    assert {row["stopReason"] for row in table.rows("SELECT * FROM workers")} == {"drained"}
    eventually(lambda: table.connections_of_workers() == [] or host.mode == "spawned")


def test_one_host_that_is_killed_leaves_the_others_at_work(
    start_host: StartHost, table: Table, journal: Journal, gate: Gate
) -> None:
    first = start_host(WORKER_CONCURRENCY=1).ready()
    job, _ = held(table, journal, gate)
    start_host(WORKER_CONCURRENCY=1).ready()
    first.kill_worker_of(job)
    os.kill(first.process.pid, signal.SIGKILL)
    assert table.until(table.enqueue("echo", {"value": 1}), "completed")["result"] == 1
    gate.open()
    table.until(job, "completed", seconds=START_SECONDS)
