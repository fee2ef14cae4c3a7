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
