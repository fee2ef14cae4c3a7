"""Workers that leave by themselves: every reason to be gone, and nothing left behind."""

from __future__ import annotations

import signal
import time
import uuid
from pathlib import Path

import pytest

from rig.fixtures import StartWorker
from rig.journal import Gate, Journal
from rig.programs import run
from rig.table import Row, Table
from rig.waiting import eventually
from rig.worker_process import WorkerProcess, is_gone


@pytest.fixture
def start_ephemeral(start_worker: StartWorker) -> StartWorker:
    def start(**options: object) -> WorkerProcess:
        return start_worker(WORKER_EPHEMERAL="true", **options)

    return start


def the_worker(table: Table) -> Row:
    (row,) = table.rows("SELECT * FROM workers")
    return row


def assert_left_because(table: Table, worker: WorkerProcess, reason: str, exit_code: int = 0) -> None:
    """It is gone; its row and its log say why."""
    assert worker.exited() == exit_code
    assert worker.heard("worker.stopping", reason=reason)
    assert worker.heard("worker.stopped", reason=reason)
    assert (the_worker(table)["stopReason"], the_worker(table)["stoppedAt"] is None) == (reason, False)
    eventually(lambda: table.connections_of_workers() == [])


def test_max_jobs_its_jobs_are_done_and_it_took_no_other(
    start_ephemeral: StartWorker, table: Table, journal: Journal
) -> None:
    worker = start_ephemeral(WORKER_MAX_JOBS=3, WORKER_CONCURRENCY=10)
    table.rows("INSERT INTO jobs (type) SELECT 'tick' FROM generate_series(1, 20)")
    assert_left_because(table, worker, "max_jobs")
    assert len(journal.entries("start")) == table.count("completed") == 3
    assert table.rows("SELECT id FROM jobs WHERE status = 'queued' AND (attempts, revision) <> (0, 0)") == []


def test_idle_timeout_nothing_came(start_ephemeral: StartWorker, table: Table) -> None:
    worker = start_ephemeral(WORKER_IDLE_TIMEOUT=1, POLL_INTERVAL=600)
    assert_left_because(table, worker, "idle_timeout")


@pytest.mark.slow  # its time begins with the process, and a busy machine takes long to start the jobs
def test_max_runtime_a_job_that_outlasts_the_grace_goes_back_and_its_attempt_counts(
    start_ephemeral: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    worker = start_ephemeral(WORKER_MAX_RUNTIME=25, SHUTDOWN_GRACE=1, CANCEL_GRACE=1, WORKER_IDLE_TIMEOUT=600)
    long, stubborn = (table.enqueue(type, {"gate": gate.path}) for type in ("hold", "stubborn"))
    journal.has("start", times=2)
    worker.said("worker.stopping", reason="max_runtime", seconds=60)
    late = table.enqueue("tick")
    assert_left_because(table, worker, "max_runtime")
    for job in (long, stubborn):
        row = table.row(job)
        assert (row["status"], row["attempts"], row["crashes"]) == ("queued", 1, 0)
        assert "as long as it may" in table.attempts(job)[0]["error"]
    assert table.row(late)["revision"] == 0


def test_drained_it_ends_its_job_and_leaves(
    start_ephemeral: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    worker = start_ephemeral(WORKER_IDLE_TIMEOUT=600).ready()
    job = table.enqueue("hold", {"gate": gate.path})
    journal.has("start", job=job)
    table.rows("UPDATE workers SET asked = 'drain'")
    worker.said("worker.draining")
    gate.open()
    assert_left_because(table, worker, "drained")
    assert table.row(job)["status"] == "completed"


def test_signal_as_any_worker(start_ephemeral: StartWorker, table: Table) -> None:
    worker = start_ephemeral(WORKER_IDLE_TIMEOUT=600).ready()
    worker.signal(signal.SIGTERM)
    assert_left_because(table, worker, "signal")


def test_memory_its_job_ends_and_no_runner_replaces_the_large_one(
    start_ephemeral: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    worker = start_ephemeral(
        WORKER_MAX_MEMORY="300M", WORKER_HEARTBEAT_INTERVAL=0.5, WORKER_IDLE_TIMEOUT=600
    ).ready()
    job = table.enqueue("grows", {"mebibytes": 300, "gate": gate.path}, maxAttempts=1)
    journal.has("start", job=job)
    worker.said("worker.outgrown")
    late = table.enqueue("tick")
    gate.open()
    assert_left_because(table, worker, "memory")
    assert (table.row(job)["status"], table.row(late)["revision"]) == ("completed", 0)
    assert len(worker.heard("runner.started")) == 1


def test_error_an_organ_broke(start_ephemeral: StartWorker, table: Table) -> None:
    worker = start_ephemeral(WORKER_IDLE_TIMEOUT=600, POLL_INTERVAL=0.2).ready()
    table.rows("ALTER TABLE jobs RENAME TO gone")
    worker.said("worker.crashed")
    table.rows("ALTER TABLE gone RENAME TO jobs")
    assert_left_because(table, worker, "error", exit_code=1)


def test_lost_the_next_worker_says_so_and_removes_what_it_left(
    start_ephemeral: StartWorker, table: Table, journal: Journal, gate: Gate, tmp_path: Path
) -> None:
    files = tmp_path / "temporary"
    files.mkdir()
    worker = start_ephemeral(TMPDIR=files, WORKER_HEARTBEAT_INTERVAL=0.5).ready()
    job = table.enqueue("leaves_programs", {"gate": gate.path})
    programs = journal.has("start", job=job)["programs"]
    family = [child.pid for child in worker.family()]
    worker.kill()
    second = start_ephemeral(TMPDIR=files, WORKER_MAX_JOBS=1, WORKER_HEARTBEAT_INTERVAL=0.5)
    second.said("worker.rescued")
    gate.open()
    assert second.exited() == 0
    first_row, second_row = table.rows("SELECT * FROM workers ORDER BY id")
    assert (first_row["stopReason"], second_row["stopReason"]) == ("lost", "max_jobs")
    assert table.row(job)["status"] == "completed"
    eventually(lambda: all(map(is_gone, [*programs, *family])))
    eventually(lambda: table.connections_of_workers() == [])
    assert table.rows('SELECT id FROM workers WHERE "stoppedAt" IS NULL AND "lostAt" IS NULL') == []


def test_nothing_is_left_of_a_worker_that_has_left(
    start_ephemeral: StartWorker, table: Table, journal: Journal, gate: Gate, tmp_path: Path
) -> None:
    files = tmp_path / "temporary"
    files.mkdir()
    worker = start_ephemeral(TMPDIR=files, WORKER_MAX_JOBS=2)
    table.enqueue("leaves_programs", {"gate": gate.path})
    programs = journal.has("start")["programs"]
    family = [child.pid for child in worker.family()]
    table.enqueue("hold_process", {"gate": gate.path})
    gate.open()
    assert_left_because(table, worker, "max_jobs")
    assert [pid for pid in [*programs, *family] if not is_gone(pid)] == []
    assert left_in(files) == []


def test_a_reservation_under_way_when_it_leaves_is_not_left_behind(
    start_ephemeral: StartWorker, table: Table
) -> None:
    worker = start_ephemeral(POLL_INTERVAL=0.1, WORKER_IDLE_TIMEOUT=2).ready()
    with table.another() as other:
        other.execute("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE")
        other.execute("INSERT INTO jobs (type) SELECT 'tick' FROM generate_series(1, 4)")
        worker.said("worker.stopping", reason="idle_timeout")
        other.commit()
    assert_left_because(table, worker, "idle_timeout")
    assert table.count("processing") == 0
    assert {row["attempts"] for row in table.rows("SELECT attempts FROM jobs WHERE status = 'queued'")} <= {0}


def left_in(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if not path.is_dir()]


def test_idle_time_counts_from_the_end_of_the_last_job(
    start_ephemeral: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    worker = start_ephemeral(WORKER_IDLE_TIMEOUT=3, POLL_INTERVAL=0.5)
    job = table.enqueue("hold", {"gate": gate.path})
    journal.has("start", job=job)
    opened = time.monotonic() + 4
    eventually(lambda: time.monotonic() > opened)  # longer than it may be idle, and it is not
    gate.open()
    assert_left_because(table, worker, "idle_timeout")
    (waited,) = table.rows(
        """SELECT extract(epoch FROM w."stoppedAt" - j."finishedAt")::float8 AS seconds
             FROM workers w, jobs j"""
    )
    assert waited["seconds"] > 2.9


def test_the_limits_of_its_queue_hold_and_options_go_before_them(
    start_ephemeral: StartWorker, table: Table, journal: Journal
) -> None:
    table.rows(
        """INSERT INTO queues (queue, "maxJobsPerSession", "idleTimeoutSeconds", "maxRuntimeSeconds")
           VALUES ('short', 2, 600, 300)"""
    )
    table.rows("INSERT INTO jobs (type, queue) SELECT 'tick', 'short' FROM generate_series(1, 5)")
    first = start_ephemeral(WORKER_QUEUES="short")
    assert first.ready().said("worker.ephemeral")["limits"] == "2 jobs, 10 min without one, 5 min in all"
    assert first.exited() == 0
    assert table.count("completed") == 2
    second = start_ephemeral(WORKER_QUEUES="short", WORKER_MAX_JOBS=1)
    assert second.exited() == 0
    assert table.count("completed") == 3


def test_a_worker_enters_under_the_boot_id_it_is_given_and_its_handlers_do_not_see_it(
    start_ephemeral: StartWorker, table: Table, journal: Journal
) -> None:
    boot_id = uuid.uuid4()
    worker = start_ephemeral(
        ROWCREW_BOOT_ID=boot_id, WORKER_MAX_JOBS=1, RUNNER_ENVIRONMENT="JOURNAL,ROWCREW_*"
    ).ready()
    (runner,) = worker.runners()
    assert b"ROWCREW_BOOT_ID" not in Path(f"/proc/{runner}/environ").read_bytes()
    table.enqueue("tick")
    assert worker.exited() == 0
    assert the_worker(table)["bootId"] == boot_id


def test_a_boot_id_that_is_none_is_refused(table: Table) -> None:
    done = run("worker", DATABASE_URL=table.address, ROWCREW_BOOT_ID="42")
    assert (done.returncode, "ROWCREW_BOOT_ID='42': give a uuid" in done.stderr) == (2, True)


@pytest.mark.parametrize("option", ["--max-jobs", "--idle-timeout", "--max-runtime"])
def test_a_limit_that_no_worker_would_heed_is_refused(table: Table, option: str) -> None:
    done = run("worker", option, "5", DATABASE_URL=table.address)
    assert (done.returncode, "add --ephemeral" in done.stderr) == (2, True)
