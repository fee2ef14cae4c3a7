"""Runners that die, and who pays for it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest

from rig.fixtures import StartWorker
from rig.journal import Gate, Journal
from rig.table import Table
from rig.waiting import eventually
from rig.worker_process import is_gone


@pytest.fixture
def death(tmp_path: Path) -> Gate:
    return Gate(tmp_path / "death")


def test_a_killed_runner_gives_its_jobs_back_at_once_and_they_run_in_two_groups_at_most(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    worker = start_worker(WORKER_CONCURRENCY=4).ready()
    jobs = [table.enqueue("hold", {"gate": gate.path}, maxAttempts=1) for _ in range(4)]
    journal.has("start", times=4)
    (runner,) = worker.runners()
    os.kill(runner, signal.SIGKILL)
    journal.has("start", times=8)
    for job in jobs:
        row = table.row(job)
        assert (row["status"], row["attempts"], row["crashes"]) == ("processing", 1, 1)
        assert table.outcomes(job) == ["lost"]
    second_runs = [entry["pid"] for entry in journal.entries("start")[4:]]
    assert sorted(second_runs) == sorted(2 * worker.runners("group"))
    gate.open()
    for job in jobs:
        assert table.until(job, "completed")["attempts"] == 1


def test_the_next_runner_takes_jobs_after_one_was_killed(start_worker: StartWorker, table: Table) -> None:
    worker = start_worker().ready()
    os.kill(worker.runners()[0], signal.SIGKILL)
    worker.said("runner.died", reason="killed by SIGKILL")
    table.until(table.enqueue("noop"), "completed")


@pytest.mark.parametrize("how", ["kill", "os._exit", "close_descriptors", "segfault"])
def test_a_poison_job_fails_after_its_counted_runs_and_its_neighbours_are_unharmed(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate, how: str
) -> None:
    start_worker(WORKER_CONCURRENCY=4).ready()
    neighbours = [table.enqueue("hold", {"gate": gate.path}, maxAttempts=1) for _ in range(2)]
    journal.has("start", times=2)
    poison = table.enqueue("dies", {"how": how}, maxAttempts=2)
    row = table.until(poison, "failed")
    assert row["attempts"] == 2
    assert row["errorMessage"].startswith("its runner died: ")
    # The first death may be anybody's fault and costs nothing, the next two happen alone and count.
    assert len(journal.entries("start", job=poison)) == 3
    assert table.outcomes(poison) == ["lost", "retried", "failed"]
    gate.open()
    for neighbour in neighbours:
        assert table.until(neighbour, "completed")["attempts"] == 1


def test_the_only_job_of_a_dying_runner_is_to_blame(start_worker: StartWorker, table: Table) -> None:
    start_worker().ready()
    poison = table.enqueue("dies", {"how": "kill"}, maxAttempts=2)
    assert table.until(poison, "failed")["attempts"] == 2
    assert table.outcomes(poison) == ["retried", "failed"]


def test_the_death_of_a_solo_runner_counts(start_worker: StartWorker, table: Table) -> None:
    start_worker().ready()
    job = table.enqueue("dies_alone", {"times": 2}, maxAttempts=3)
    row = table.until(job, "completed")
    assert (row["attempts"], row["crashes"]) == (3, 0)
    assert table.outcomes(job) == ["retried", "retried"]


@pytest.mark.parametrize(("slots", "how"), [(1, "os._exit"), (1, "segfault"), (4, "os._exit")])
def test_what_an_ended_job_left_behind_costs_no_other_job_its_attempt(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate, death: Gate, slots: int, how: str
) -> None:
    start_worker(WORKER_CONCURRENCY=slots).ready()
    table.until(table.enqueue("leaves_a_death", {"how": how, "gate": death.path}), "completed")
    job = table.enqueue("hold", {"gate": gate.path}, maxAttempts=1)
    journal.has("start", job=job)
    death.open()
    journal.has("start", job=job, times=2)
    assert table.outcomes(job) == ["lost"]
    gate.open()
    assert table.until(job, "completed")["attempts"] == 1


def test_the_same_where_each_job_has_a_process_of_its_own(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate, death: Gate
) -> None:
    start_worker(WORKER_CONCURRENCY=2).ready()
    left = {"how": "segfault", "gate": death.path}
    table.until(table.enqueue("leaves_a_death_alone", left), "completed")
    job = table.enqueue("hold_process", {"gate": gate.path}, maxAttempts=1)
    journal.has("start", job=job)
    death.open()
    journal.has("start", job=job, times=2)
    gate.open()
    assert table.until(job, "completed")["attempts"] == 1
    assert table.outcomes(job) == ["lost"]


def test_a_poison_job_that_came_after_others_fails_all_the_same(
    start_worker: StartWorker, table: Table
) -> None:
    start_worker(WORKER_CONCURRENCY=1).ready()
    table.until(table.enqueue("noop"), "completed")
    poison = table.enqueue("dies", {"how": "segfault"}, maxAttempts=2)
    assert table.until(poison, "failed")["attempts"] == 2
    # The first death may be what the other left behind; the next two happen where no other has been.
    assert table.outcomes(poison) == ["lost", "retried", "failed"]


ENDS = ("sys.exit", "keyboard_interrupt", "cancelled", "recursion", "stop_iteration")


@pytest.mark.parametrize("type", ["dies", "dies_in_thread"])
def test_what_a_handler_raises_costs_one_attempt_and_no_runner(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate, type: str
) -> None:
    worker = start_worker(WORKER_CONCURRENCY=8).ready()
    runner = worker.runners()
    neighbour = table.enqueue("hold", {"gate": gate.path})
    jobs = {
        how: table.enqueue(type, {"how": how}, maxAttempts=1)
        for how in ENDS
        if how != "cancelled" or type == "dies"
    }
    for how, job in jobs.items():
        row = table.until(job, "failed")
        assert (row["attempts"], row["crashes"]) == (1, 0), how
        assert row["errorMessage"].split(":")[0] in (
            "SystemExit",
            "KeyboardInterrupt",
            "CancelledError",
            "RecursionError",
            "RuntimeError",
            "StopIteration",
        )
    gate.open()
    assert table.until(neighbour, "completed")["attempts"] == 1
    assert worker.runners() == runner
    assert table.attempts(neighbour) == []


def test_what_a_handler_starts_dies_with_its_runner(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    start_worker().ready()
    job = table.enqueue("leaves_children", {"gate": gate.path}, maxAttempts=1)
    started = journal.has("start", job=job)
    assert psutil.pid_exists(started["child"])
    os.kill(started["pid"], signal.SIGKILL)
    eventually(lambda: is_gone(started["child"]))


def test_what_a_handler_starts_is_gone_when_the_worker_is(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    worker = start_worker().ready()
    gate.open()
    job = table.enqueue("leaves_children", {"gate": gate.path})
    started = journal.has("start", job=job)
    table.until(job, "completed")
    assert worker.stop() == 0
    eventually(lambda: is_gone(started["child"]))


def test_a_crew_that_cannot_be_loaded_is_named_and_the_worker_leaves(start_worker: StartWorker) -> None:
    worker = start_worker(crew="no_such_module:crew")
    assert worker.exited() == 1
    (line,) = worker.heard("worker.failed_to_start")
    assert "no_such_module" in line["message"]
