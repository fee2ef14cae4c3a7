"""Rows that no statement takes, and rows that somebody holds: the others run, and the worker lives."""

from __future__ import annotations

from rig.fixtures import StartWorker
from rig.journal import Gate, Journal
from rig.table import Table
from rig.waiting import eventually


def test_changed_rows_that_somebody_holds_delay_no_beat(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    worker = start_worker(WORKER_CONCURRENCY=8, WORKER_HEARTBEAT_INTERVAL=0.5).ready()
    jobs = [table.enqueue("hold", {"gate": gate.path}) for _ in range(7)]
    journal.has("start", times=7)
    taken = jobs[5:]
    with table.another() as hand:
        hand.execute("UPDATE jobs SET status = 'cancelled' WHERE id = ANY (%s)", (taken,))
        hand.commit()
        hand.execute("SELECT FROM jobs WHERE id = ANY (%s) FOR UPDATE", (taken,))
        for job in taken:
            worker.said("job.stopping", job_id=job)
        before = table.rows("SELECT beats FROM workers")[0]["beats"]
        eventually(lambda: table.rows("SELECT beats FROM workers")[0]["beats"] >= before + 20)
        hand.rollback()
    eventually(
        lambda: not table.rows('SELECT 1 FROM jobs WHERE status = %s AND "workerId" IS NOT NULL', "cancelled")
    )
    gate.open()
    for job in jobs[:5]:
        assert table.until(job, "completed")["attempts"] == 1
    assert worker.heard("fence.closed") == worker.heard("database.lost") == []
    assert worker.stop() == 0
