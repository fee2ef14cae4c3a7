"""Workers that die without a word, and workers that only seem to."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from rig.fixtures import StartWorker
from rig.journal import Gate, Journal
from rig.table import Table
from rig.waiting import eventually
from rig.worker_process import is_gone
from rowcrew.table.statements import SQL


def declare_lost(table: Table, worker_id: int) -> None:
    """What a rescuer does once it has watched a worker's heartbeat stand still for a whole lease."""
    (row,) = table.rows("SELECT beats FROM workers WHERE id = %s", worker_id)
    with table.another() as rescuer:
        rescuer.execute(SQL["worker/rescue"], {"workers": [worker_id], "beats": [row["beats"]], "only": None})


def worker_ids(table: Table) -> list[int]:
    return [row["id"] for row in table.rows("SELECT id FROM workers ORDER BY id")]


def test_a_restart_on_the_same_host_releases_what_a_killed_worker_held_at_once(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    first = start_worker().ready()
    job = table.enqueue("hold", {"gate": gate.path})
    last = table.enqueue("hold", {"gate": gate.path}, maxAttempts=1)
    journal.has("start", times=2)
    first.kill()
    second = start_worker()
    second.said("rescue.checking")
    again = journal.has("start", job=job, times=2)
    assert again["attempt"] == 1
    row = table.row(job)
    assert (row["crashes"], row["workerId"]) == (1, worker_ids(table)[-1])
    assert table.outcomes(job) == ["lost"]
    assert again["pid"] in second.runners("group")
    gate.open()
    assert [table.until(id, "completed")["attempts"] for id in (job, last)] == [1, 1]


@pytest.mark.slow
def test_the_jobs_of_a_killed_worker_run_elsewhere_within_forty_seconds(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    first = start_worker().ready()
    job = table.enqueue("hold", {"gate": gate.path})
    begun = journal.has("start", job=job)
    second = start_worker().ready()
    third = start_worker().ready()
    first.kill()
    again = journal.has("start", job=job, times=2, seconds=40)
    assert is_gone(begun["pid"])
    assert again["attempt"] == 1
    gate.open()
    table.until(job, "completed")
    told = eventually(
        lambda: [line for one in (second, third) for line in one.heard("job.rescued", job_id=job)]
    )
    assert len(told) == 1
    assert table.outcomes(job) == ["lost"]


def test_a_worker_that_was_declared_lost_stops_its_runs_and_begins_anew(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    worker = start_worker(WORKER_HEARTBEAT_INTERVAL=0.5).ready()
    job = table.enqueue("hold", {"gate": gate.path}, maxAttempts=1)
    first = journal.has("start", job=job)
    declare_lost(table, worker_ids(table)[0])
    worker.said("worker.declared_lost")
    eventually(lambda: is_gone(first["pid"]))
    journal.has("start", job=job, times=2)
    held_by = table.rows("SELECT \"workerId\" AS id FROM jobs WHERE status = 'processing'")
    assert held_by == [{"id": worker_ids(table)[1]}]
    gate.open()
    assert table.until(job, "completed")["attempts"] == 1


def test_a_worker_that_was_declared_lost_reserves_nothing_until_it_has_begun_anew(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    worker = start_worker(WORKER_HEARTBEAT_INTERVAL=3, POLL_INTERVAL=0.05).ready()
    job = table.enqueue("hold", {"gate": gate.path})
    first = journal.has("start", job=job)
    declare_lost(table, worker_ids(table)[0])
    journal.has("start", job=job, times=2)
    assert is_gone(first["pid"])
    assert table.row(job)["workerId"] == worker_ids(table)[1]
    gate.open()
    table.until(job, "completed")
    assert table.outcomes(job) == ["lost"]
    assert worker.stop() == 0


def test_what_a_paused_worker_writes_after_others_took_over_changes_nothing(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    paused = start_worker().ready()
    job = table.enqueue("hold_each", {"gate": gate.path})
    journal.has("start", job=job)
    table.rows('UPDATE workers SET "aloneWith" = (SELECT "leaseId" FROM jobs)')  # the attempt will count
    paused.signal(signal.SIGSTOP)
    other = start_worker().ready()
    declare_lost(table, worker_ids(table)[0])
    journal.has("start", job=job, attempt=2)
    Gate(Path(f"{gate.path}-1")).open()
    journal.has("end", job=job, attempt=1)
    held = table.row(job)
    paused.signal(signal.SIGCONT)
    paused.said("worker.declared_lost")
    table.until(table.enqueue("noop"), "completed")
    assert table.row(job) == held
    Gate(Path(f"{gate.path}-2")).open()
    row = table.until(job, "completed")
    assert (row["attempts"], row["result"]) == (2, "attempt 2")
    assert table.outcomes(job) == ["lost"]
    assert paused.heard("job.completed", job_id=job) == []
    other.said("job.completed", job_id=job)


def test_a_slow_but_living_worker_is_left_alone(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    first = start_worker(WORKER_HEARTBEAT_INTERVAL=1).ready()
    job = table.enqueue("hold", {"gate": gate.path})
    journal.has("start", job=job)
    second = start_worker(WORKER_HEARTBEAT_INTERVAL=0.5).ready()
    # By the database's clock the last heartbeat is an hour old: after the start, clocks decide nothing.
    table.rows("""UPDATE workers SET "heartbeatAt" = now() - interval '1 hour'""")
    beats = table.rows("SELECT beats FROM workers WHERE id = %s", worker_ids(table)[1])[0]["beats"]
    eventually(
        lambda: (
            table.rows("SELECT beats FROM workers WHERE id = %s", worker_ids(table)[1])[0]["beats"]
            > beats + 4
        )
    )
    assert second.heard("worker.rescued") == []
    gate.open()
    assert table.until(job, "completed")["attempts"] == 1
    assert first.exit_code is None
