"""Canaries: secrets planted in every place appear in no log line, no error, no traceback, no child."""

from __future__ import annotations

import json
from pathlib import Path

import psutil
import pytest

from rig.fixtures import StartWorker
from rig.logins import PASSWORD, Login
from rig.table import Table
from rig.waiting import eventually
from rig.worker_process import PACKAGES

SECRET = "canary-of-the-payload-41d9"
PLATFORM = "canary-of-the-platform-c802"
WAYS = ("address", "setting", "header", "json", "cause", "variable", "row", "own address")
CREW = {
    "crew": "crew_with_secrets:crew",
    "PYTHONPATH": f"{PACKAGES[0]}:{Path(__file__).parent}",
    "SECRET_OF_THE_PLATFORM": PLATFORM,
}


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_secret_leaves_the_place_where_it_was_put(
    login: Login, start_worker: StartWorker, table: Table, log_format: str
) -> None:
    table.rows("CREATE TABLE narrow (a int CHECK (a > 1), secret text)")
    table.rows("GRANT INSERT ON narrow TO rowcrew_worker")
    worker = start_worker(url=login("worker"), LOG_FORMAT=log_format, **CREW)
    jobs = [table.enqueue("stumbles", {"how": how, "secret": SECRET}) for how in WAYS]
    jobs.append(table.enqueue("takes_a_number", {"number": SECRET}))
    table.enqueue("nobody_knows", {"secret": SECRET})
    for job in jobs:
        table.until(job, "failed")
    lines = _lines_after_a_lost_connection(table, worker.log)
    told = table.rows(
        """
        SELECT "errorMessage" AS text FROM jobs WHERE "errorMessage" IS NOT NULL
        UNION ALL SELECT concat(error, traceback) FROM job_attempts
        UNION ALL SELECT worker_status::text FROM worker_status
        UNION ALL SELECT query FROM pg_stat_activity WHERE application_name LIKE 'rowcrew%%'
        """
    )
    told_to_the_world = "\n".join([lines, *(str(row["text"]) for row in told)])
    assert "ZeroDivisionError" in told_to_the_world  # errors are told, only not their secrets
    for canary in (SECRET, PLATFORM, PASSWORD):
        assert canary not in told_to_the_world


def _lines_after_a_lost_connection(table: Table, log: Path) -> str:
    """What a worker says of its database when connections break is where addresses are shown."""
    table.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'rowcrew%%'"
    )
    eventually(lambda: "back" in log.read_text())
    return log.read_text()


def test_children_get_what_they_need_and_no_secret_of_the_platform(
    login: Login, start_worker: StartWorker, table: Table, tmp_path: Path
) -> None:
    worker = start_worker(url=login("worker"), **CREW).ready()
    shown = tmp_path / "environment"
    table.until(table.enqueue("show_environment", {"into": str(shown)}), "completed")
    environment = json.loads(shown.read_text())
    assert "DATABASE_URL" in environment
    assert PLATFORM not in shown.read_text()
    # What every account of the machine can read.
    for process in (psutil.Process(worker.pid), *worker.family()):
        assert PASSWORD not in " ".join(process.cmdline())
