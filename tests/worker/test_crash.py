"""A worker in which something breaks that must not: it says so, lets go of everything and exits with 1."""

from __future__ import annotations

import sys

import pytest

from rig.fixtures import StartWorker
from rig.journal import Gate, Journal
from rig.table import Table
from rig.worker_process import CREW, is_gone

# The front door of a worker with something of its user's own in the same process, which breaks.
BESIDE = """
import asyncio, sys, threading
from pathlib import Path
from rowcrew import settings
from rowcrew.control import main

crew, gate, where = sys.argv[1:]

async def wait_and_break():
    while not Path(gate).exists():
        await asyncio.sleep(0.01)
    raise RuntimeError("a library broke")

class Worker(main.Worker):
    async def start(self):
        asyncio.get_running_loop().create_task(wait_and_break())
        await super().start()

if where == "thread":
    threading.Thread(target=lambda: asyncio.run(wait_and_break()), daemon=True).start()
else:
    main.Worker = Worker
sys.exit(main.run_worker([crew], settings.read()))
"""


def test_a_broken_organ_ends_the_worker_with_exit_code_one(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    worker = start_worker(SHUTDOWN_GRACE=0.5, CANCEL_GRACE=0.5, POLL_INTERVAL=0.1).ready()
    job = table.enqueue("hold", {"gate": gate.path})
    journal.has("start", job=job)
    family = [child.pid for child in worker.family()]
    table.rows("ALTER TABLE jobs RENAME TO gone")
    crashed = worker.said("worker.crashed")
    assert "UndefinedTable" in crashed["message"]
    assert worker.exited() == 1
    assert [pid for pid in family if not is_gone(pid)] == []
    table.rows("ALTER TABLE gone RENAME TO jobs")
    gate.open()
    start_worker().ready()
    table.until(job, "completed")


@pytest.mark.parametrize("where", ["task", "thread"])
def test_what_breaks_beside_the_worker_ends_it_after_its_jobs(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate, where: str
) -> None:
    breaks = Gate(journal.path.with_name("breaks"))
    worker = start_worker(program=[sys.executable, "-c", BESIDE, CREW, breaks.path, where]).ready()
    job = table.enqueue("hold", {"gate": gate.path})
    journal.has("start", job=job)
    breaks.open()
    assert "a library broke" in worker.said("worker.crashed")["message"]
    worker.said("worker.stopping")
    gate.open()
    assert worker.exited() == 1
    assert table.row(job)["status"] == "completed"
