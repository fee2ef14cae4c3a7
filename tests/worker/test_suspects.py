"""Crowds in which one job kills its runner or its worker: it fails, no other does, and memory is enough."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil
import pytest

from rig.fixtures import StartWorker
from rig.journal import Gate, Journal
from rig.limits import little_memory, memory_limit_permitted, out_of_memory
from rig.table import Table
from rig.waiting import eventually
from rig.worker_process import CREW, WorkerProcess
from rowcrew.model.suspicion import MOST_GROUPS

SLOTS = 50
MOST_RUNNERS = 1 + MOST_GROUPS  # one is shared
MEBIBYTES = 512


def a_crowd_with_a_culprit(table: Table) -> tuple[list[int], int]:
    """Jobs for all slots; the innocents must not lose a single attempt."""
    before, after = SLOTS // 2, SLOTS - SLOTS // 2 - 1
    innocents = [table.enqueue("naps", {"seconds": 1.5}, maxAttempts=1) for _ in range(before)]
    culprit = table.enqueue("dies", {"how": "segfault"}, maxAttempts=2)
    innocents += [table.enqueue("naps", {"seconds": 1.5}, maxAttempts=1) for _ in range(after)]
    return innocents, culprit


def live_jobs(table: Table) -> int:
    return int(table.rows("SELECT count(*) AS n FROM jobs WHERE status IN ('queued', 'processing')")[0]["n"])


def living_runners(worker: WorkerProcess) -> int:
    def lives(process: psutil.Process) -> bool:
        try:
            return bool(process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    return sum(lives(process) for process in worker.family())


def most_runners_until(worker: WorkerProcess, table: Table, seconds: float = 120) -> int:
    """The largest number of runners that were seen until all jobs have ended."""
    most = 0

    def all_ended() -> bool:
        nonlocal most
        most = max(most, living_runners(worker))
        return not live_jobs(table)

    eventually(all_ended, seconds)
    return most


def only_the_culprit_failed(table: Table, innocents: list[int], culprit: int) -> None:
    assert table.row(culprit)["status"] == "failed"
    for innocent in innocents:
        row = table.row(innocent)
        assert (row["status"], row["attempts"]) == ("completed", 1), row


@pytest.mark.slow
def test_of_fifty_jobs_one_that_kills_its_runner_fails_and_three_runners_are_enough(
    start_worker: StartWorker, table: Table
) -> None:
    innocents, culprit = a_crowd_with_a_culprit(table)
    worker = start_worker(WORKER_CONCURRENCY=SLOTS).ready()
    assert most_runners_until(worker, table) <= MOST_RUNNERS
    only_the_culprit_failed(table, innocents, culprit)
    assert table.row(culprit)["attempts"] == 2
    assert len(worker.heard("runner.died")) <= 1 + SLOTS.bit_length() + 2


@pytest.mark.slow
@pytest.mark.skipif(not memory_limit_permitted(), reason="no control groups are lent here")
def test_the_same_in_a_small_container_leaves_the_kernel_nothing_to_kill(
    start_worker: StartWorker, table: Table
) -> None:
    innocents, culprit = a_crowd_with_a_culprit(table)
    with little_memory(MEBIBYTES * 2**20) as group:
        join = f"echo $$ > {group}/cgroup.procs && exec '{sys.executable}' -m rowcrew.cli worker {CREW}"
        worker = start_worker(WORKER_CONCURRENCY=SLOTS, program=["/bin/sh", "-c", join]).ready()
        assert most_runners_until(worker, table) <= MOST_RUNNERS
        assert out_of_memory(group) == 0
        assert worker.stop() == 0
    only_the_culprit_failed(table, innocents, culprit)


@pytest.mark.slow
def test_a_job_that_kills_its_worker_fails_at_last_and_no_other_job_does(
    start_worker: StartWorker, table: Table, journal: Journal
) -> None:
    slots = 4
    innocents = [table.enqueue("naps", {"seconds": 2}, maxAttempts=1) for _ in range(2)]
    culprit = table.enqueue("kills_worker", maxAttempts=1)
    innocents.append(table.enqueue("naps", {"seconds": 2}, maxAttempts=1))
    worker = start_worker(WORKER_CONCURRENCY=slots)

    def all_ended() -> bool:
        nonlocal worker
        if worker.exit_code is not None:
            worker = start_worker(WORKER_CONCURRENCY=slots)
        return not live_jobs(table)

    eventually(all_ended, 120)
    only_the_culprit_failed(table, innocents, culprit)
    assert len(journal.entries("start", job=culprit)) <= 1 + (slots.bit_length() - 1) + 2


def test_what_a_killed_worker_ran_begins_elsewhere_in_two_runners(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    first = start_worker(WORKER_CONCURRENCY=SLOTS).ready()
    jobs = [table.enqueue("hold", {"gate": gate.path}, maxAttempts=1) for _ in range(SLOTS)]
    journal.has("start", times=SLOTS)
    first.kill()
    second = start_worker(WORKER_CONCURRENCY=SLOTS)
    journal.has("start", times=2 * SLOTS)
    assert len(second.heard("runner.started")) <= MOST_RUNNERS
    gate.open()
    assert {table.until(job, "completed")["attempts"] for job in jobs} == {1}


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's choice is Linux's")
def test_when_memory_runs_out_a_runner_goes_before_its_worker(start_worker: StartWorker) -> None:
    worker = start_worker().ready()
    (runner,) = worker.runners()
    scores = [int(Path(f"/proc/{pid}/oom_score_adj").read_text()) for pid in (worker.pid, runner)]
    assert scores[0] < scores[1]
