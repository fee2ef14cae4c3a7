"""SIGTERM, SIGINT and SIGKILL: how a worker leaves, and what it leaves behind."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from rig.fixtures import StartWorker
from rig.journal import Gate, Journal
from rig.limits import no_descriptors
from rig.table import Table
from rig.waiting import eventually
from rig.worker_process import PACKAGES, WorkerProcess, is_gone


def assert_left_nothing(table: Table, worker: WorkerProcess, family: list[int]) -> None:
    assert table.count("processing") == 0
    assert [pid for pid in family if not is_gone(pid)] == []
    eventually(lambda: table.connections_of_workers() == [])
    (row,) = table.rows("SELECT * FROM workers")
    assert row["stoppedAt"] is not None
    assert row["stopReason"] == "signal"
    assert worker.heard("worker.stopped")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_running_jobs_end_and_takes_no_more(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate, number: signal.Signals
) -> None:
    worker = start_worker(WORKER_CONCURRENCY=3).ready()
    running = [table.enqueue(type, {"gate": gate.path}) for type in ("hold", "hold_thread", "hold_process")]
    journal.has("start", times=3)
    family = [child.pid for child in worker.family()]
    worker.signal(number)
    worker.said("worker.stopping")
    late = table.enqueue("tick")
    gate.open()
    assert worker.exited() == 0
    for job in running:
        row = table.row(job)
        assert (row["status"], row["result"], row["attempts"]) == ("completed", "let go", 1)
    assert table.row(late)["revision"] == 0
    assert_left_nothing(table, worker, family)


def test_jobs_past_the_grace_are_stopped_and_given_back_without_costing_an_attempt(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    worker = start_worker(SHUTDOWN_GRACE=0.5, CANCEL_GRACE=0.5).ready()
    types = ("hold", "hold_thread", "hold_process", "stubborn")
    jobs = [table.enqueue(type, {"gate": gate.path}) for type in types]
    journal.has("start", times=4)
    family = [child.pid for child in worker.family()]
    assert worker.stop() == 0
    for job in jobs:
        row = table.row(job)
        assert (row["status"], row["attempts"], row["crashes"], row["workerId"]) == ("queued", 0, 0, None), (
            row["type"]
        )
        assert table.outcomes(job) == ["released"]
    assert_left_nothing(table, worker, family)


def test_a_frozen_runner_does_not_keep_the_worker_from_leaving(
    start_worker: StartWorker, table: Table, journal: Journal
) -> None:
    worker = start_worker(SHUTDOWN_GRACE=0.5, CANCEL_GRACE=0.5).ready()
    frozen = table.enqueue("regex")
    journal.has("start", job=frozen)
    behind = table.enqueue("tick")
    worker.said("job.reserved", job_id=behind)
    family = [child.pid for child in worker.family()]
    assert worker.stop() == 0
    assert (table.row(frozen)["status"], table.row(frozen)["attempts"]) == ("queued", 0)
    assert (table.row(behind)["status"], table.row(behind)["attempts"]) == ("queued", 0)
    assert journal.entries("start", job=behind) == []
    assert_left_nothing(table, worker, family)


def test_jobs_that_have_not_started_go_back_at_once(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    worker = start_worker(SHUTDOWN_GRACE=30).ready()
    held = table.enqueue("hold", {"gate": gate.path})
    journal.has("start", job=held)
    table.until(table.enqueue("noop"), "completed")  # a worker that is ready may still open its connections
    with no_descriptors(worker.pid):  # these wait for runners of their own, which cannot be started
        waiting = [table.enqueue("hold_process", {"gate": gate.path}) for _ in range(3)]
        for job in waiting:
            worker.said("job.reserved", job_id=job)
        worker.signal(signal.SIGTERM)
        for job in waiting:
            eventually(lambda job=job: table.row(job)["status"] == "queued")  # type: ignore[misc]
    assert table.row(held)["status"] == "processing"
    gate.open()
    assert worker.exited() == 0
    assert table.row(held)["status"] == "completed"
    assert [table.row(job)["attempts"] for job in waiting] == [0, 0, 0]
    assert journal.entries("start", type="hold_process") == []


def test_a_worker_stopped_in_full_swing_leaves_each_job_done_or_untouched(
    start_worker: StartWorker, table: Table, journal: Journal
) -> None:
    worker = start_worker(WORKER_CONCURRENCY=10).ready()
    table.rows("INSERT INTO jobs (type) SELECT 'tick' FROM generate_series(1, 20000)")
    journal.has("start", times=500)
    family = [child.pid for child in worker.family()]
    assert worker.stop() == 0
    assert_left_nothing(table, worker, family)
    begun = {entry["job"] for entry in journal.entries("start")}
    done = {
        row["id"] for row in table.rows("SELECT id FROM jobs WHERE status = 'completed' AND attempts = 1")
    }
    assert begun == done
    assert len(journal.entries("start")) == len(begun)
    assert table.rows("SELECT id FROM jobs WHERE status = 'queued' AND attempts <> 0") == []
    assert len(done) < 20_000


def test_a_second_signal_changes_nothing(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    worker = start_worker().ready()
    job = table.enqueue("hold", {"gate": gate.path})
    journal.has("start", job=job)
    worker.signal(signal.SIGTERM)
    worker.said("worker.stopping")
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
        worker.signal(number)
    # Signals are taken in order, so once this one has been seen to change nothing, all have.
    assert table.row(job)["status"] == "processing"
    gate.open()
    assert worker.exited() == 0
    assert table.row(job)["status"] == "completed"
    assert len(worker.heard("worker.stopping")) == 1


def test_an_idle_worker_leaves_at_once(start_worker: StartWorker, table: Table) -> None:
    worker = start_worker(SHUTDOWN_GRACE=600, POLL_INTERVAL=600).ready()
    family = [child.pid for child in worker.family()]
    worker.signal(signal.SIGTERM)
    assert worker.exited(20) == 0
    assert_left_nothing(table, worker, family)


def test_a_worker_that_is_still_starting_leaves_at_once(start_worker: StartWorker, table: Table) -> None:
    worker = start_worker()
    worker.said("worker.starting")
    worker.signal(signal.SIGTERM)
    assert worker.exited(20) == 0
    eventually(lambda: table.connections_of_workers() == [])


def test_a_reservation_under_way_when_the_signal_comes_is_not_left_behind(
    start_worker: StartWorker, table: Table
) -> None:
    worker = start_worker(POLL_INTERVAL=0.1).ready()
    with table.another() as other:
        other.execute("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE")
        waits = """SELECT pid FROM pg_stat_activity WHERE application_name = 'rowcrew reserve'
                      AND datname = current_database() AND wait_event_type = 'Lock'"""
        eventually(lambda: table.rows(waits))
        other.execute("INSERT INTO jobs (type) SELECT 'tick' FROM generate_series(1, 4)")
        worker.signal(signal.SIGTERM)
        worker.said("worker.stopping")
        other.commit()
    assert worker.exited() == 0
    assert table.count("processing") == 0
    assert {row["attempts"] for row in table.rows("SELECT attempts FROM jobs WHERE status = 'queued'")} <= {0}


def test_runners_leave_polite_signals_to_their_worker(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    worker = start_worker().ready()
    job = table.enqueue("hold", {"gate": gate.path})
    runner = journal.has("start", job=job)["pid"]
    os.kill(runner, signal.SIGTERM)
    os.kill(runner, signal.SIGINT)
    gate.open()
    assert table.until(job, "completed")["attempts"] == 1
    assert worker.runners() == [runner]


def test_an_interrupt_from_the_terminal_reaches_the_worker_alone(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    worker = start_worker().ready()
    job = table.enqueue("hold_process", {"gate": gate.path})
    journal.has("start", job=job)
    os.killpg(worker.pid, signal.SIGINT)
    worker.said("worker.stopping")
    gate.open()
    assert worker.exited() == 0
    assert table.row(job)["status"] == "completed"


def test_the_runners_of_a_killed_worker_die_with_it(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    worker = start_worker().ready()
    for type in ("hold", "hold_process"):
        table.enqueue(type, {"gate": gate.path})
    table.enqueue("regex_alone")  # this one cannot even notice that its worker is gone
    journal.has("start", times=3)
    family = [child.pid for child in worker.family()]
    worker.kill()
    eventually(lambda: all(is_gone(pid) for pid in family))
    assert len(family) >= 2


def test_a_worker_told_to_leave_while_its_crew_loads_leaves_as_ever(
    start_worker: StartWorker, tmp_path: Path
) -> None:
    loads = tmp_path / "loads_for_ever.py"
    loads.write_text(
        f"import pathlib, time\npathlib.Path({str(tmp_path / 'loading')!r}).touch()\ntime.sleep(600)\n"
    )
    worker = start_worker(crew="loads_for_ever:crew", PYTHONPATH=os.pathsep.join([*PACKAGES, str(tmp_path)]))
    worker.said("database.connected")
    eventually((tmp_path / "loading").exists)
    worker.signal(signal.SIGTERM)
    assert worker.exited() == 0
    assert worker.heard("worker.crashed") == []
