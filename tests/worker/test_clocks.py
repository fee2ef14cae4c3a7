"""Machines whose clocks are four hours apart: only the database's is stored, and no two are compared."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from rig.fixtures import StartWorker
from rig.journal import Gate, Journal
from rig.table import Table
from rig.waiting import eventually
from rig.worker_process import WorkerProcess
from rig.wrong_clock import needs_faketime, wrong_by

pytestmark = [pytest.mark.long, needs_faketime]

# Every date that a worker writes, with the table it stands in.
DATES = """
    SELECT 'jobs' AS place,
           unnest(ARRAY["createdAt", "runAt", "startedAt", "updatedAt", "finishedAt"]) AS date
      FROM jobs
    UNION ALL
    SELECT 'job_attempts', unnest(ARRAY["startedAt", "finishedAt"]) FROM job_attempts
    UNION ALL
    SELECT 'workers', unnest(ARRAY["startedAt", "heartbeatAt", "lostAt", "stoppedAt"]) FROM workers
    UNION ALL
    SELECT 'job_types', "updatedAt" FROM job_types
"""


def clock(table: Table) -> datetime:
    (row,) = table.rows("SELECT clock_timestamp() AS now")
    now: datetime = row["now"]
    return now


def living_at(start_worker: StartWorker, offset: str) -> WorkerProcess:
    """A worker whose wall clock is wrong by so much; its monotonic clock is that of the machine."""
    return start_worker(WORKER_CONCURRENCY=1, WORKER_HEARTBEAT_INTERVAL=1, **wrong_by(offset)).ready()


def is_ahead_by(worker: WorkerProcess, hours: int, now: datetime) -> bool:
    """Whether its log lines have the dates of the wrong clock."""
    said = datetime.fromisoformat(worker.lines()[-1]["timestamp"])
    return abs(said - now - timedelta(hours=hours)) < timedelta(minutes=10)


def looks(table: Table, worker_id: int) -> int:
    """How often a worker has looked at the others: once for each of its heartbeats."""
    (row,) = table.rows("SELECT beats FROM workers WHERE id = %s", worker_id)
    return int(row["beats"])


@pytest.mark.slow
def test_workers_four_hours_apart_leave_the_living_alone_and_take_over_from_the_dead(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    began = clock(table)
    behind = living_at(start_worker, "-2h")
    of_behind = table.enqueue("hold", {"gate": gate.path})
    journal.has("start", job=of_behind)
    ahead = living_at(start_worker, "+2h")
    of_ahead = table.enqueue("hold", {"gate": gate.path})
    journal.has("start", job=of_ahead)
    assert is_ahead_by(behind, -2, began)
    assert is_ahead_by(ahead, 2, began)

    first, second = (row["id"] for row in table.rows("SELECT id FROM workers ORDER BY id"))
    seen = looks(table, first), looks(table, second)
    eventually(lambda: looks(table, first) > seen[0] + 3 and looks(table, second) > seen[1] + 3)
    assert behind.heard("worker.rescued") + ahead.heard("worker.rescued") == []

    # As if it were another machine's: this one cannot ask its own kernel whether that process lives.
    table.rows("""UPDATE workers SET host = 'elsewhere', "processKey" = NULL WHERE id = %s""", second)
    ahead.kill()
    behind.said("job.rescued", job_id=of_ahead, seconds=60)
    gate.open()
    for job in (of_behind, of_ahead):
        table.until(job, "completed")
    assert table.outcomes(of_ahead) == ["lost"]
    assert table.outcomes(of_behind) == []
    assert behind.stop() == 0
    ended = clock(table)
    wrong = [row for row in table.rows(DATES) if row["date"] and not began <= row["date"] <= ended]
    assert wrong == []
