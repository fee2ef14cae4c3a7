"""Nothing that handlers start outlives their runner: no child, no new session, no orphan."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import psutil
import pytest

from rig.fixtures import StartWorker
from rig.journal import Gate, Journal
from rig.table import Table
from rig.waiting import eventually
from rig.worker_process import WorkerProcess, is_gone

End = Callable[[WorkerProcess, int, Gate], None]


def the_runner_dies(_worker: WorkerProcess, runner: int, _gate: Gate) -> None:
    os.kill(runner, signal.SIGKILL)


def the_worker_leaves(worker: WorkerProcess, _runner: int, gate: Gate) -> None:
    gate.open()
    assert worker.stop() == 0


@pytest.mark.parametrize("end", [the_runner_dies, the_worker_leaves])
def test_nothing_is_left_of_a_runner_that_has_ended(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate, end: End
) -> None:
    worker = start_worker().ready()
    job = table.enqueue("leaves_programs", {"gate": gate.path}, maxAttempts=1)
    started = journal.has("start", job=job)
    assert len(started["programs"]) == 6
    assert all(psutil.pid_exists(program) for program in started["programs"])
    end(worker, started["pid"], gate)
    eventually(lambda: all(map(is_gone, started["programs"])))
    assert worker.said("runner.leftovers", pid=started["pid"])["programs"] >= 4


def test_what_a_killed_worker_left_is_ended_by_the_next_one_on_this_host(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    worker = start_worker().ready()
    job = table.enqueue("leaves_programs", {"gate": gate.path}, maxAttempts=1)
    started = journal.has("start", job=job)
    worker.kill()
    start_worker().ready()
    eventually(lambda: all(map(is_gone, started["programs"])))


def test_programs_of_a_living_runner_are_left_alone(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    start_worker().ready()
    job = table.enqueue("leaves_programs", {"gate": gate.path}, maxAttempts=1)
    started = journal.has("start", job=job)
    start_worker().ready().stop()
    assert not any(map(is_gone, started["programs"]))
