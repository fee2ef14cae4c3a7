"""What whole workers write to `job_stats`, beside the rows they write it about."""

from __future__ import annotations

from rig.fixtures import StartWorker
from rig.journal import Gate
from rig.table import Table

TOLD = "SELECT outcome, sum(count)::int AS count FROM job_stats GROUP BY outcome"
HAPPENED = """
    SELECT outcome, count(*)::int AS count FROM job_attempts GROUP BY outcome
    UNION ALL
    SELECT 'completed', count(*)::int FROM jobs WHERE status = 'completed'
"""


def told(table: Table) -> dict[str, int]:
    return {row["outcome"]: row["count"] for row in table.rows(TOLD)}


def happened(table: Table) -> dict[str, int]:
    return {row["outcome"]: row["count"] for row in table.rows(HAPPENED)}


def test_workers_that_have_stopped_have_told_every_run_that_the_rows_tell(
    start_worker: StartWorker, table: Table
) -> None:
    workers = [start_worker(WORKER_CONCURRENCY=4).ready() for _ in range(2)]
    table.rows("INSERT INTO jobs (type) SELECT 'tick' FROM generate_series(1, 300)")
    table.rows("INSERT INTO jobs (type) SELECT 'permanent' FROM generate_series(1, 5)")
    for _ in range(4):
        table.enqueue("fails", {"times": 1})
        table.enqueue("dies", {"how": "os._exit"}, maxAttempts=1)
        table.enqueue("transacts_often", {"times": 2})
    table.drained()
    assert [worker.stop() for worker in workers] == [0, 0]
    assert told(table) == happened(table)
    assert {"completed", "retried", "failed"} <= told(table).keys()


def test_a_killed_worker_leaves_untold_only_what_it_had_not_written_and_nothing_is_told_twice(
    start_worker: StartWorker, table: Table, gate: Gate
) -> None:
    """Its last minute is lost at most. What it held is told as lost by the worker that rescues it."""
    first = start_worker(WORKER_CONCURRENCY=4).ready()
    table.rows("INSERT INTO jobs (type) SELECT 'tick' FROM generate_series(1, 50)")
    table.drained()
    held = [table.enqueue("hold", {"gate": gate.path}) for _ in range(2)]
    for id in held:
        table.until(id, "processing")
    first.kill()
    second = start_worker(WORKER_CONCURRENCY=4).ready()
    gate.open()
    table.rows("INSERT INTO jobs (type) SELECT 'tick' FROM generate_series(1, 70)")
    table.drained()
    assert second.stop() == 0
    untold = {outcome: happened(table)[outcome] - count for outcome, count in told(table).items()}
    assert untold.pop("completed") in range(51)
    assert untold == {"lost": 0}
    (by_second,) = table.rows(
        """SELECT sum(count)::int AS completed FROM job_stats
            WHERE outcome = 'completed' AND "workerId" = (SELECT max(id) FROM workers)"""
    )
    assert by_second == {"completed": 72}


def test_the_queue_that_is_named_for_a_worker_gets_a_row_with_no_limit_and_keeps_what_is_set_there(
    start_worker: StartWorker, table: Table
) -> None:
    assert start_worker(JOB_QUEUE_NAME="archaeologist_jobs").ready().stop() == 0
    find = 'SELECT queue, "maxConcurrent" FROM queues'
    assert table.rows(find) == [{"queue": "archaeologist_jobs", "maxConcurrent": None}]
    table.rows('UPDATE queues SET "maxConcurrent" = 3')
    assert start_worker(JOB_QUEUE_NAME="archaeologist_jobs").ready().stop() == 0
    assert table.rows(find) == [{"queue": "archaeologist_jobs", "maxConcurrent": 3}]
