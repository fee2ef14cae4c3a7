"""Many workers, many jobs: each runs once."""

from __future__ import annotations

from collections import Counter

from rig.fixtures import StartWorker
from rig.journal import Journal
from rig.table import Table

WORKERS = 8
JOBS = 5_000


def test_eight_workers_run_each_of_five_thousand_jobs_once(
    start_worker: StartWorker, table: Table, journal: Journal
) -> None:
    workers = [start_worker(WORKER_CONCURRENCY=10) for _ in range(WORKERS)]
    for worker in workers:
        worker.ready()
    table.rows("INSERT INTO jobs (type) SELECT 'tick' FROM generate_series(1, %s)", JOBS)
    table.drained()
    starts = Counter(entry["job"] for entry in journal.entries("start"))
    assert (len(starts), set(starts.values())) == (JOBS, {1})
    (row,) = table.rows(
        """
        SELECT count(*) AS n, min(attempts) AS least, max(attempts) AS most,
               count(DISTINCT "leaseId") AS leases
          FROM jobs WHERE status = 'completed'
        """
    )
    assert row == {"n": JOBS, "least": 1, "most": 1, "leases": JOBS}
    assert table.rows("SELECT * FROM job_attempts WHERE outcome <> 'released'") == []
    assert len({entry["pid"] for entry in journal.entries("start")}) > 1
