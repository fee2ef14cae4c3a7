"""What runners send at once, and more than the database takes, does not pile up in control."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from rig.fixtures import StartWorker
from rig.journal import Gate, Journal
from rig.table import Table
from rig.waiting import eventually
from rig.worker_process import WorkerProcess

MOST_MEBIBYTES = 160
"""Control alone takes 45. Of the 228 MB of each test it held 930 and 1,390 once."""


def peak_mebibytes(worker: WorkerProcess) -> int:
    """The most memory that control has had in use."""
    status = Path(f"/proc/{worker.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) >> 10


def completed(table: Table) -> int:
    return int(table.rows("SELECT count(*) AS rows FROM jobs WHERE status = 'completed'")[0]["rows"])


@pytest.mark.parametrize("writing", ["at once", "after all have ended"])
def test_results_that_come_at_once_wait_in_their_runner(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate, writing: str
) -> None:
    worker = start_worker(WORKER_CONCURRENCY=240).ready()
    for _ in range(240):
        table.enqueue("answers_much", {"gate": gate.path, "characters": 950_000}, maxAttempts=1)
    eventually(lambda: len(journal.entries("start")) == 240, 60)
    with psycopg.connect(table.address) as holder:
        if writing == "after all have ended":
            holder.execute("LOCK TABLE jobs IN SHARE MODE")
        gate.open()
        eventually(lambda: len(journal.entries("end")) == 240, 60)
    eventually(lambda: completed(table) == 240, 60)
    assert peak_mebibytes(worker) < MOST_MEBIBYTES
    assert worker.heard("runner.died") == worker.heard("runner.killed") == []
    assert len(journal.entries("start")) == 240


def test_checkpoints_that_come_at_once_wait_in_their_runner(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    worker = start_worker(WORKER_CONCURRENCY=240).ready()
    for _ in range(240):
        table.enqueue("leaves_much", {"gate": gate.path, "characters": 900_000}, maxAttempts=1)
    eventually(lambda: len(journal.entries("start")) == 240, 60)
    Path(f"{gate.path}-begin").touch()
    left = "SELECT id FROM jobs WHERE checkpoint IS NOT NULL"
    eventually(lambda: len(table.rows(left)) == 240, 60)
    assert peak_mebibytes(worker) < MOST_MEBIBYTES
    gate.open()
    eventually(lambda: completed(table) == 240, 60)
