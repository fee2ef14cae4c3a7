"""Whole workers that operators let drain, go on and stop, from the command line and with SQL."""

from __future__ import annotations

import json
import os
import signal

import pytest

from rig.fixtures import StartWorker
from rig.journal import Gate, Journal
from rig.programs import run
from rig.table import Row, Table
from rig.waiting import eventually

# Of a worker that has been silent for long the others need not watch a whole lease.
LONG_SILENT = """
    UPDATE workers SET "leaseSeconds" = 1, "heartbeatAt" = now() - interval '1 hour' WHERE name = 'anna'
"""


def asked(table: Table, *arguments: str) -> list[str]:
    done = run("workers", *arguments, DATABASE_URL=table.address)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def the_worker(table: Table) -> Row:
    (row,) = table.rows('SELECT id, state, "stopReason" FROM worker_status')
    return row


def test_a_drained_worker_ends_its_job_takes_no_other_and_goes_on_when_resumed(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    worker = start_worker().ready()
    first = table.enqueue("hold", {"gate": gate.path})
    journal.has("start", job=first)
    id = str(the_worker(table)["id"])
    assert asked(table, "drain", id) == [f"Worker {id} ({worker_name(table)}): draining; it has still 1 job"]
    worker.said("worker.draining")
    second = table.enqueue("echo", {"value": 1})
    gate.open()
    table.until(first, "completed")
    assert (the_worker(table)["state"], table.row(second)["status"]) == ("draining", "queued")
    asked(table, "resume", "--all")
    table.until(second, "completed")


@pytest.mark.parametrize("by_sql", [True, False], ids=["by SQL", "by command"])
def test_a_terminated_worker_stops_as_after_a_signal_and_exits_with_0(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate, by_sql: bool
) -> None:
    worker = start_worker().ready()
    job = table.enqueue("hold", {"gate": gate.path})
    journal.has("start", job=job)
    id = the_worker(table)["id"]
    if by_sql:
        table.rows("UPDATE workers SET asked = 'terminate' WHERE id = %s", id)
    else:
        asked(table, "terminate", str(id))
    worker.said("worker.stopping", reason="drained")
    gate.open()
    assert worker.exited() == 0
    assert table.row(job)["status"] == "completed"
    assert (the_worker(table)["state"], the_worker(table)["stopReason"]) == ("stopped", "drained")


def test_of_three_workers_of_a_queue_one_dies_one_drains_and_one_is_terminated(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    names = ("anna", "bert", "carl")
    workers = {name: start_worker(WORKER_ID=name, WORKER_QUEUES="ai", WORKER_CONCURRENCY=1) for name in names}
    for worker in workers.values():
        worker.said("worker.ready", seconds=90)
    for _ in names:
        table.enqueue("hold", {"gate": gate.path}, queue="ai")
    eventually(lambda: table.count("processing") == 3, 60)
    workers["anna"].kill()
    table.rows(LONG_SILENT)
    assert counted(table) == 2
    eventually(lambda: table.count("queued") == 1, 60)  # the others have rescued what she held
    asked(table, "drain", str(table.rows("SELECT id FROM workers WHERE name = 'bert'")[0]["id"]))
    assert counted(table) == 1
    asked(table, "terminate", "--queue", "ai")
    gate.open()
    assert {workers[name].exited() for name in ("bert", "carl")} == {0}
    states = {row["name"]: row["state"] for row in table.rows("SELECT name, state FROM worker_status")}
    assert states == {"anna": "lost", "bert": "stopped", "carl": "stopped"}
    assert (table.count("completed"), table.count("queued"), counted(table)) == (2, 1, 0)


def counted(table: Table) -> int:
    return int(table.rows("SELECT get_active_worker_count('ai') AS live")[0]["live"])


def test_runners_that_died_are_counted(start_worker: StartWorker, table: Table, journal: Journal) -> None:
    start_worker(WORKER_HEARTBEAT_INTERVAL=1).ready()
    job = table.enqueue("polite")
    os.kill(journal.has("start", job=job)["pid"], signal.SIGKILL)

    def restarts() -> int:
        (line,) = asked(table, "list", "--json")
        return int(json.loads(line)["restarts"])

    eventually(lambda: restarts() == 1)


def worker_name(table: Table) -> str:
    return str(table.rows("SELECT name FROM workers")[0]["name"])
