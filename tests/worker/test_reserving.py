"""Which jobs a worker takes, in which order, and how many."""

from __future__ import annotations

from pathlib import Path
from typing import LiteralString

import pytest

from rig.fixtures import StartWorker
from rig.journal import Gate, Journal
from rig.table import Table
from rig.waiting import eventually


def started_jobs(journal: Journal) -> list[int]:
    return [entry["job"] for entry in journal.entries("start")]


def test_jobs_start_by_priority_then_time_then_id(
    start_worker: StartWorker, table: Table, journal: Journal
) -> None:
    lines = {
        "low": (-10, 900),
        "young": (0, 10),
        "old": (0, 500),
        "twin": (0, 10),
        "urgent": (20, 1),
        "unusual": (7, 1),
        "high": (10, 1),
    }
    job = {name: table.enqueue("tick", priority=priority) for name, (priority, _) in lines.items()}
    # As if they had waited for so long; an INSERT into the past would be moved to the present.
    aged: LiteralString = """
        UPDATE jobs SET "runAt" = date_trunc('hour', now()) - %s * interval '1 s'
         WHERE id = %s
    """
    for name, (_, age) in lines.items():
        table.write_past_triggers(aged, 3600 + age, job[name])
    start_worker(WORKER_CONCURRENCY=1).ready()
    table.drained()
    order = ["urgent", "high", "unusual", "old", "young", "twin", "low"]
    assert started_jobs(journal) == [job[name] for name in order]


def test_a_priority_never_seen_before_is_found_by_polling_alone(
    start_worker: StartWorker, table: Table
) -> None:
    worker = start_worker(POLL_INTERVAL=0.5).ready()
    table.until(table.enqueue("noop"), "completed")
    table.rows("ALTER TABLE jobs DISABLE TRIGGER jobs_wake")
    job = table.enqueue("noop", priority=7)
    table.until(job, "completed", seconds=10)
    worker.said("job.completed", job_id=job)


def test_a_queue_with_ten_thousand_ready_jobs_starves_no_other(
    start_worker: StartWorker, table: Table, journal: Journal
) -> None:
    table.rows("INSERT INTO jobs (queue, type) SELECT 'crowded', 'tick' FROM generate_series(1, 10000)")
    lonely = {table.enqueue("tick", queue="lonely") for _ in range(3)}
    start_worker(WORKER_CONCURRENCY=1).ready()
    journal.has("start", times=10_003, seconds=60)
    places = [place for place, job in enumerate(started_jobs(journal)) if job in lonely]
    assert places[-1] < 5_000


def test_a_worker_for_one_queue_leaves_the_others_alone(start_worker: StartWorker, table: Table) -> None:
    start_worker(WORKER_QUEUES="reports").ready()
    other = table.enqueue("noop")
    mine = table.enqueue("noop", queue="reports")
    table.until(mine, "completed")
    table.until(table.enqueue("noop", queue="reports", priority=-10), "completed")
    assert table.row(other)["revision"] == 0


def test_nothing_starts_before_its_time(start_worker: StartWorker, table: Table) -> None:
    start_worker(POLL_INTERVAL=0.2).ready()
    table.rows(
        """
        INSERT INTO jobs (type, "runAt")
        SELECT 'noop', clock_timestamp() + n * interval '20 ms' FROM generate_series(1, 100) n
        """
    )
    table.drained()
    assert table.rows('SELECT id FROM jobs WHERE "startedAt" < "runAt"') == []


def in_flight(journal: Journal) -> int:
    return len(journal.entries("start")) - len(journal.entries("end"))


def most_at_once(journal: Journal) -> int:
    most = running = 0
    for entry in journal.entries():
        running += 1 if entry["what"] == "start" else -1
        most = max(most, running)
    return most


def test_no_more_jobs_run_at_once_than_there_are_slots(
    start_worker: StartWorker, table: Table, journal: Journal, tmp_path: Path
) -> None:
    gates = [Gate(tmp_path / f"gate-{number}") for number in range(12)]
    kinds = ["hold", "hold_thread", "hold_process", "hold"]
    jobs = [table.enqueue(kinds[n % 4], {"gate": gate.path}) for n, gate in enumerate(gates)]
    start_worker(WORKER_CONCURRENCY=4, WORKER_RUNNERS=2).ready()
    for number, gate in enumerate(gates):
        eventually(lambda begun=number: len(journal.entries("start")) >= min(12, begun + 4))  # type: ignore[misc]
        assert in_flight(journal) <= 4
        gate.open()
    for job in jobs:
        table.until(job, "completed")
    assert most_at_once(journal) == 4


@pytest.mark.parametrize(("slots", "runners"), [(3, 1), (3, 2)])
def test_jobs_reserved_ahead_take_no_slot_that_a_solo_run_has_taken(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate, slots: int, runners: int
) -> None:
    start_worker(WORKER_CONCURRENCY=slots, WORKER_RUNNERS=runners).ready()
    rests = [table.enqueue("rests") for _ in range(60)]
    table.until(rests[-1], "completed")
    table.enqueue("hold_process", {"gate": gate.path})
    journal.has("start", type="hold_process")
    table.rows("INSERT INTO jobs (type) SELECT 'rests' FROM generate_series(1, 100)")
    journal.has("end", type="rests", times=160)
    gate.open()
    table.drained()
    assert most_at_once(journal) <= slots


def test_jobs_reserved_ahead_take_no_slot_that_a_runner_has_which_is_being_replaced(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    worker = start_worker(
        WORKER_CONCURRENCY=3, WORKER_MAX_MEMORY="300M", WORKER_HEARTBEAT_INTERVAL=0.5
    ).ready()
    rests = [table.enqueue("rests") for _ in range(60)]
    table.until(rests[-1], "completed")
    table.enqueue("grows", {"mebibytes": 300, "gate": gate.path})
    worker.said("runner.replaced")
    worker.said("runner.started", times=2)
    table.rows("INSERT INTO jobs (type) SELECT 'rests' FROM generate_series(1, 100)")
    journal.has("end", type="rests", times=160)
    gate.open()
    table.drained()
    assert most_at_once(journal) <= 3


def test_a_job_beyond_the_slots_is_left_to_other_workers(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    for _ in range(10):
        table.enqueue("hold", {"gate": gate.path})
    start_worker(WORKER_CONCURRENCY=4).ready()
    journal.has("start", times=4)
    assert (table.count("processing"), table.count("queued")) == (4, 6)
    start_worker(WORKER_CONCURRENCY=4).ready()
    journal.has("start", times=8)
    assert (table.count("processing"), table.count("queued")) == (8, 2)
    gate.open()
    table.drained()


def most_reserved_at_once(table: Table) -> LiteralString:
    """Make the table write down how many rows each statement reserves; the query for the largest number."""
    table.rows(
        """
        CREATE TABLE reserves (rows bigint);
        CREATE FUNCTION write_down_reserve() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO reserves SELECT count(*) FROM after WHERE status = 'processing' HAVING count(*) > 0;
            RETURN NULL;
        END $$;
        CREATE TRIGGER write_down_reserve AFTER UPDATE ON jobs REFERENCING NEW TABLE AS after
            FOR EACH STATEMENT EXECUTE FUNCTION write_down_reserve();
        """
    )
    return "SELECT max(rows) AS most FROM reserves"


def test_a_batch_size_caps_what_one_statement_reserves(start_worker: StartWorker, table: Table) -> None:
    most = most_reserved_at_once(table)
    table.rows("INSERT INTO jobs (type) SELECT 'noop' FROM generate_series(1, 200)")
    start_worker(JOB_BATCH_SIZE=3, WORKER_CONCURRENCY=50).ready()
    table.drained()
    assert table.rows(most) == [{"most": 3}]


def test_short_jobs_are_reserved_ahead_of_free_slots(start_worker: StartWorker, table: Table) -> None:
    most = most_reserved_at_once(table)
    table.rows("INSERT INTO jobs (type) SELECT 'noop' FROM generate_series(1, 2000)")
    start_worker(WORKER_CONCURRENCY=4).ready()
    table.drained()
    assert table.rows(most)[0]["most"] > 4


def test_long_jobs_are_never_reserved_ahead_of_free_slots(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    table.rows("INSERT INTO jobs (type) SELECT 'noop' FROM generate_series(1, 300)")
    start_worker(WORKER_CONCURRENCY=4).ready()
    table.drained()  # by now the worker knows how short a noop is, and reserves ahead
    for _ in range(3):
        table.enqueue("hold", {"gate": gate.path})
    journal.has("start", times=3)
    more = [table.enqueue("hold", {"gate": gate.path}, priority=20) for _ in range(4)]
    table.rows("INSERT INTO jobs (type) SELECT 'noop' FROM generate_series(1, 2000)")
    journal.has("start", times=4)
    assert table.rows("SELECT count(*) AS n FROM jobs WHERE type = 'hold' AND status = 'processing'") == [
        {"n": 4}
    ]
    assert [table.row(job)["revision"] for job in more[1:]] == [0, 0, 0]
    gate.open()
    table.drained()
