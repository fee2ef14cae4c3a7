"""The crew on the page of Django, with a real worker, when handlers' sessions are cut between jobs."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from rig.fixtures import StartWorker
from rig.table import Table
from rig.worker_process import PACKAGES
from tests.clients.programs import PAGES, write_files
from tests.docs.pages import blocks

pytestmark = pytest.mark.long

StartSite = Callable[..., None]

SESSIONS = """
SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'mysite'
"""
TYPES = ("count_people", "count_people_async")


@pytest.fixture
def start_site(tmp_path: Path, table: Table, tcp_database_url: str, start_worker: StartWorker) -> StartSite:
    """A worker with the page's crew, one job at a time; `hooks=False` takes them out of it."""
    [people] = [block.text for block in blocks("sql") if block.page == PAGES / "README.md"]
    with table.another() as connection:
        connection.execute(people.encode())
        connection.execute("INSERT INTO people (name) VALUES ('Ada'), ('Bob')")
    write_files("django", tmp_path)
    shutil.copy(Path(__file__).parent / "django_site.py", tmp_path / "mysite" / "settings.py")

    def start(*, max_age: int, checks: bool, hooks: bool = True) -> None:
        crew = tmp_path / "mysite" / "jobs.py"
        if not hooks:
            crew.write_text(re.sub(r"^@crew\.(before|after)_run\n", "", crew.read_text(), flags=re.MULTILINE))
        settings = {"SITE_DATABASE": tcp_database_url, "SITE_MAX_AGE": max_age, "SITE_CHECKS": int(checks)}
        start_worker(
            crew="mysite.jobs:crew",
            PYTHONPATH=os.pathsep.join((*PACKAGES, str(tmp_path))),
            WORKER_CONCURRENCY=1,
            WORKER_RUNNERS=1,
            RUNNER_ENVIRONMENT=",".join(settings),
            **settings,
        ).ready()

    return start


def end_of_a_run(table: Table, type: str) -> str:
    """Enqueue a job that has one attempt; how it ended."""
    row = table.until(table.enqueue(type, maxAttempts=1), "completed", "failed")
    assert row["result"] in (None, {"people": 2})
    return str(row["status"])


def cut_sessions(table: Table) -> int:
    """End the handlers' sessions, as a restart of the server or a firewall does; how many there were."""
    return len(table.rows(f"SELECT pg_terminate_backend(pid, 5000) FROM ({SESSIONS}) AS open"))


@pytest.mark.parametrize("type", TYPES)
def test_with_the_hooks_a_cut_session_costs_no_attempt(
    start_site: StartSite, table: Table, type: str
) -> None:
    start_site(max_age=600, checks=True)
    assert end_of_a_run(table, type) == "completed"
    assert cut_sessions(table) == 1
    assert end_of_a_run(table, type) == "completed"


@pytest.mark.parametrize("type", TYPES)
def test_with_the_hooks_no_session_outlives_a_run_by_default(
    start_site: StartSite, table: Table, type: str
) -> None:
    start_site(max_age=0, checks=False)
    assert end_of_a_run(table, type) == "completed"
    assert table.rows(SESSIONS) == []
    assert end_of_a_run(table, type) == "completed"


def test_without_health_checks_a_cut_session_costs_one_run(start_site: StartSite, table: Table) -> None:
    start_site(max_age=600, checks=False)
    assert end_of_a_run(table, "count_people") == "completed"
    assert cut_sessions(table) == 1
    assert [end_of_a_run(table, "count_people") for _ in range(2)] == ["failed", "completed"]


def test_without_the_hooks_every_run_after_the_cut_fails(start_site: StartSite, table: Table) -> None:
    start_site(max_age=600, checks=True, hooks=False)
    assert end_of_a_run(table, "count_people") == "completed"
    assert cut_sessions(table) == 1
    assert [end_of_a_run(table, "count_people") for _ in range(2)] == ["failed", "failed"]
