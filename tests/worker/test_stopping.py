"""Runs that must end before their time: cancelled or changed by hand, too long, or deaf to everything."""

from __future__ import annotations

import pytest

from rig.fixtures import StartWorker
from rig.journal import Gate, Journal
from rig.table import Table
from rig.waiting import eventually
from rig.worker_process import WorkerProcess, is_gone


def let_go(table: Table, job: int) -> None:
    """Wait until the worker has acknowledged that the run of a row changed by hand is dead."""
    eventually(lambda: table.row(job)["workerId"] is None)


# Cancelled with SQL.


def test_cancelling_the_row_stops_an_async_handler(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    start_worker().ready()
    job = table.enqueue("hold", {"gate": gate.path})
    pid = journal.has("start", job=job)["pid"]
    table.set_status(job, "cancelled")
    journal.has("end", job=job)
    let_go(table, job)
    assert table.row(job)["status"] == "cancelled"
    assert not is_gone(pid), "a handler that stops when asked costs no runner"


def test_cancelling_the_row_stops_a_plain_handler_at_its_next_word(
    start_worker: StartWorker, table: Table, journal: Journal
) -> None:
    start_worker().ready()
    job = table.enqueue("polite")
    pid = journal.has("start", job=job)["pid"]
    table.set_status(job, "cancelled")
    journal.has("end", job=job)
    let_go(table, job)
    assert table.row(job)["status"] == "cancelled"
    assert not is_gone(pid)


def test_cancelling_works_without_notifications(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    worker = start_worker(WORKER_HEARTBEAT_INTERVAL=1).ready()
    job = table.enqueue("hold", {"gate": gate.path})
    journal.has("start", job=job)
    # A hand that goes past the trigger is the same as a notification that never arrived.
    table.write_past_triggers("UPDATE jobs SET status = 'cancelled' WHERE id = %s", job)
    journal.has("end", job=job)
    worker.said("job.stopping", job_id=job)
    assert table.row(job)["status"] == "cancelled"


@pytest.mark.parametrize(
    "type", ["hold_thread", "stubborn", "blocks_loop", "regex", "hold_process", "regex_alone"]
)
def test_a_deaf_handler_is_killed_after_the_grace_and_its_row_stays_cancelled(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate, type: str
) -> None:
    worker = start_worker(CANCEL_GRACE=0.5).ready()
    neighbour_gate = Gate(journal.path.with_name("neighbour"))
    job = table.enqueue(type, {} if type.startswith("regex") else {"gate": gate.path})
    pid = journal.has("start", job=job)["pid"]
    neighbour = table.enqueue("hold", {"gate": neighbour_gate.path}, maxAttempts=1)
    alone = type in ("hold_process", "regex_alone")
    frozen = type in ("regex", "blocks_loop")
    if frozen:
        worker.said("job.reserved", job_id=neighbour)
    else:
        journal.has("start", job=neighbour)
    table.set_status(job, "cancelled")
    eventually(lambda: is_gone(pid))
    let_go(table, job)
    row = table.row(job)
    assert (row["status"], row["attempts"]) == ("cancelled", 1)
    neighbour_gate.open()
    innocent = table.until(neighbour, "completed")
    assert (innocent["attempts"], innocent["crashes"]) == (1, 0)
    assert table.outcomes(neighbour) == ([] if alone else ["released"])
    assert worker.exit_code is None


def test_a_cancelled_job_is_never_overwritten_by_a_run_that_ends_anyway(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    start_worker().ready()
    job = table.enqueue("stubborn", {"gate": gate.path})
    journal.has("start", job=job)
    table.set_status(job, "cancelled")
    journal.has("asked to stop", job=job)
    gate.open()  # the handler now returns as if nothing had happened
    let_go(table, job)
    row = table.row(job)
    assert (row["status"], row["result"]) == ("cancelled", None)
    assert table.attempts(job) == []


def test_an_end_that_comes_after_the_cancel_lets_go_of_the_row(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    worker = start_worker(WORKER_HEARTBEAT_INTERVAL=60).ready()
    job = table.enqueue("hold", {"gate": gate.path})
    journal.has("start", job=job)
    # Past the trigger, and so without a notification: the worker learns of it when it records the end.
    table.write_past_triggers("UPDATE jobs SET status = 'cancelled' WHERE id = %s", job)
    gate.open()
    worker.said("job.stale", job_id=job)
    let_go(table, job)
    assert (table.row(job)["status"], table.row(job)["result"]) == ("cancelled", None)


def test_a_job_that_only_waits_is_cancelled_without_ever_starting(
    start_worker: StartWorker, table: Table, journal: Journal
) -> None:
    job = table.enqueue("tick")
    table.set_status(job, "cancelled")
    start_worker(WORKER_CONCURRENCY=1).ready()
    table.until(table.enqueue("tick"), "completed")
    assert table.row(job)["status"] == "cancelled"
    assert journal.entries("start", job=job) == []


# Other changes by hand.


def test_the_second_run_of_a_requeued_job_starts_after_the_first_is_dead(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    start_worker(CANCEL_GRACE=1).ready()
    other = start_worker().ready()
    job = table.enqueue("hold_thread", {"gate": gate.path})
    first = journal.has("start", job=job)
    table.set_status(job, "queued")
    second = journal.has("start", job=job, times=2)
    assert is_gone(first["pid"])
    assert second["attempt"] == 1
    gate.open()
    table.until(job, "completed")
    assert len(journal.entries("end", job=job)) == 1
    assert other.exit_code is None


def test_a_stuck_job_that_was_released_by_hand_stays_failed(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    start_worker().ready()
    job = table.enqueue("hold", {"gate": gate.path})
    journal.has("start", job=job)
    table.rows(
        """UPDATE jobs SET status = 'failed', "errorMessage" = 'Stuck job released' WHERE id = %s""",
        job,
    )
    journal.has("end", job=job)
    let_go(table, job)
    row = table.row(job)
    assert (row["status"], row["errorMessage"]) == ("failed", "Stuck job released")


def test_deleting_the_row_of_a_running_job_stops_its_handler(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    worker = start_worker(WORKER_HEARTBEAT_INTERVAL=1).ready()
    job = table.enqueue("hold", {"gate": gate.path})
    journal.has("start", job=job)
    table.rows("DELETE FROM jobs WHERE id = %s", job)
    journal.has("end", job=job)
    table.until(table.enqueue("noop"), "completed")
    assert table.rows("SELECT id FROM jobs WHERE id = %s", job) == []
    assert worker.exit_code is None


# Too long.


def test_a_type_limits_its_runs(start_worker: StartWorker, table: Table, journal: Journal) -> None:
    start_worker().ready()
    job = table.enqueue("limited", maxAttempts=2)
    row = table.until(job, "failed")
    assert (row["errorMessage"], row["attempts"]) == ("TimeoutError: ran longer than 1 seconds", 2)
    assert table.outcomes(job) == ["retried", "failed"]


def test_a_row_limits_its_run_whatever_the_others_say(start_worker: StartWorker, table: Table) -> None:
    start_worker(JOB_TIMEOUT=3600).ready()
    row = table.until(table.enqueue("unlimited", maxAttempts=1, timeoutSeconds=1), "failed")
    assert row["errorMessage"] == "TimeoutError: ran longer than 1 seconds"


def test_a_queue_limits_its_runs(start_worker: StartWorker, table: Table) -> None:
    table.rows("""INSERT INTO queues (queue, "timeoutSeconds") VALUES ('hasty', 1)""")
    start_worker(JOB_TIMEOUT=3600).ready()
    row = table.until(table.enqueue("unlimited", maxAttempts=1, queue="hasty"), "failed")
    assert row["errorMessage"] == "TimeoutError: ran longer than 1 seconds"


def test_the_worker_limits_runs_that_nobody_else_limits(start_worker: StartWorker, table: Table) -> None:
    start_worker(JOB_TIMEOUT=0.5).ready()
    row = table.until(table.enqueue("unlimited", maxAttempts=1), "failed")
    assert row["errorMessage"] == "TimeoutError: ran longer than 0.5 seconds"


@pytest.mark.parametrize("type", ["hold_thread", "stubborn", "hold_process"])
def test_a_deaf_handler_past_its_limit_is_killed_and_costs_its_neighbours_nothing(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate, type: str
) -> None:
    start_worker(CANCEL_GRACE=0.5).ready()
    neighbours = [table.enqueue("hold", {"gate": gate.path}, maxAttempts=1) for _ in range(2)]
    journal.has("start", times=2)
    deaf = table.enqueue(
        type, {"gate": str(journal.path.with_name("never"))}, maxAttempts=1, timeoutSeconds=1
    )
    row = table.until(deaf, "failed")
    assert row["errorMessage"] == "TimeoutError: ran longer than 1 seconds"
    eventually(lambda: is_gone(journal.entries("start", job=deaf)[0]["pid"]))
    gate.open()
    for neighbour in neighbours:
        innocent = table.until(neighbour, "completed")
        assert (innocent["attempts"], innocent["crashes"]) == (1, 0)


# A handler that holds the GIL.


def test_a_frozen_solo_runner_holds_up_nothing_else(
    start_worker: StartWorker, table: Table, journal: Journal
) -> None:
    start_worker(WORKER_HEARTBEAT_INTERVAL=0.5).ready()
    frozen = table.enqueue("regex_alone")
    journal.has("start", job=frozen)
    beats = table.rows("SELECT beats FROM workers")[0]["beats"]
    for _ in range(6):
        table.until(table.enqueue("noop"), "completed")
    eventually(lambda: table.rows("SELECT beats FROM workers")[0]["beats"] >= beats + 3)


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_a_job_that_holds_the_gil_past_the_lease_is_taken_by_nobody_and_completes(
    start_worker: StartWorker, table: Table, journal: Journal
) -> None:
    first = start_worker().ready()
    job = table.enqueue("holds_gil", {"seconds": 60})
    journal.has("start", job=job)
    second: WorkerProcess = start_worker().ready()
    row = table.until(job, seconds=120)
    assert (row["status"], row["attempts"], row["result"]) == ("completed", 1, "awake")
    assert len(journal.entries("start", job=job)) == 1
    for worker in (first, second):
        assert worker.heard("worker.rescued") == []
        assert worker.heard("fence.closed") == []


@pytest.mark.parametrize("type", ["regex", "blocks_loop"])
def test_a_frozen_runner_holds_up_no_other_runner(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate, type: str
) -> None:
    worker = start_worker(WORKER_RUNNERS=2, WORKER_CONCURRENCY=8, WORKER_HEARTBEAT_INTERVAL=0.5)
    worker.said("runner.started", times=2)
    frozen = table.enqueue(type, {} if type == "regex" else {"gate": gate.path})
    journal.has("start", job=frozen)
    beats = table.rows("SELECT beats FROM workers")[0]["beats"]
    others = [table.enqueue("noop") for _ in range(6)]
    for job in others:
        table.until(job, "completed")
    eventually(lambda: table.rows("SELECT beats FROM workers")[0]["beats"] >= beats + 3)
    assert table.row(frozen)["status"] == "processing"
    worker.said("runner.unresponsive")


def test_a_worker_whose_only_runner_is_frozen_leaves_jobs_to_others_until_it_answers(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    worker = start_worker(WORKER_CONCURRENCY=4).ready()
    frozen = table.enqueue("blocks_loop", {"gate": gate.path})
    journal.has("start", job=frozen)
    given_back = table.enqueue("noop")
    worker.said("runner.unresponsive")
    eventually(lambda: table.row(given_back)["status"] == "queued")
    assert table.row(given_back)["attempts"] == 0
    gate.open()
    table.until(frozen, "completed")
    table.until(given_back, "completed")
    assert table.row(given_back)["attempts"] == 1
