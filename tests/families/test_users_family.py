"""A user's own family: a package that is built, installed and served as the families of Rowcrew are."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from rig.fixtures import StartWorker
from rig.logins import PASSWORD, ROLES
from rig.programs import run
from rig.table import Table
from rig.worker_process import PACKAGES
from rowcrew.embedded import EmbeddedPostgres
from tests.conftest import Connect
from tests.contract.test_migrations import ask

SOURCE = Path(__file__).parent / "acme_invoices"


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The PYTHONPATH of an installation that has the package, unpacked from its wheel."""
    built, site = tmp_path_factory.mktemp("built"), tmp_path_factory.mktemp("site")
    source = built / "source"
    shutil.copytree(SOURCE, source, ignore=shutil.ignore_patterns("__pycache__"))
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(built)]
    subprocess.run(build, cwd=source, check=True, capture_output=True)
    [wheel] = built.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(site)
    return os.pathsep.join([str(site), *PACKAGES])


@pytest.fixture
def worker_url(
    server: EmbeddedPostgres,
    site: str,
    database_url: str,
    tcp_database_url: str,
    connect: Connect,
    tmp_path: Path,
) -> Iterator[str]:
    """The address of a login with a worker's role, made as an operator makes it."""
    migrated = run("migrate", PYTHONPATH=site, DATABASE_URL=database_url)
    assert migrated.returncode == 0, migrated.stderr
    roles = tmp_path / "roles.sql"
    roles.write_text(run("roles", PYTHONPATH=site).stdout)
    server.run("psql", "-v", "ON_ERROR_STOP=1", "-f", str(roles), url=database_url)
    connect().execute(f"CREATE ROLE acme LOGIN PASSWORD '{PASSWORD}' IN ROLE rowcrew_worker")
    yield re.sub(r"//[^@]*@", f"//acme:{PASSWORD}@", tcp_database_url)
    every = ", ".join(["acme", *(f"rowcrew_{role}" for role in ROLES)])
    connect().execute(f"DROP OWNED BY {every}")
    connect().execute(f"DROP ROLE {every}")


def test_its_job_runs_in_a_worker_that_has_no_more_than_a_workers_role(
    worker_url: str, site: str, start_worker: StartWorker, table: Table
) -> None:
    program = [sys.executable, "-m", "rowcrew.cli", "worker"]
    worker = start_worker(url=worker_url, program=program, PYTHONPATH=site, ACME_SENDER="Acme").ready()
    job = table.enqueue("send_invoice", {"customer": "Duck", "cents": 1250})
    assert table.until(job, "completed")["result"] == "Acme-1"
    kept = table.rows("""SELECT sender, customer, cents, "dueAt" > now() AS due FROM "Invoices" """)
    assert kept == [{"sender": "Acme", "customer": "Duck", "cents": 1250, "due": True}]
    assert worker.stop() == 0


def test_migrate_inserts_its_schedule_once_and_leaves_the_row_to_people(site: str, empty_url: str) -> None:
    def migrate(*words: str) -> None:
        done = run("migrate", *words, PYTHONPATH=site, DATABASE_URL=empty_url)
        assert done.returncode == 0, done.stderr

    def change(sql: LiteralString) -> None:
        with psycopg.connect(empty_url, autocommit=True) as hand:
            hand.execute(sql)

    migrate("--only", "acme_invoices")  # where there is no queue there are no schedules
    migrate("--only", "queue")
    assert ask(empty_url, "SELECT name FROM schedules") == []
    migrate()
    row = """SELECT name, type, cron, "timezone", payload, source, "declaredBy", paused FROM schedules
           WHERE name = 'dunning'"""
    given = ("dunning", "send_invoice", "0 2 * * *", "America/New_York", {"customer": "Duck"})
    assert ask(empty_url, row) == [(*given, "family", "acme_invoices", False)]
    change("UPDATE schedules SET cron = '0 3 * * *', paused = true")
    migrate()
    assert ask(empty_url, "SELECT cron, paused FROM schedules WHERE name = 'dunning'") == [
        ("0 3 * * *", True)
    ]
    change("DELETE FROM schedules")
    migrate()
    assert ask(empty_url, "SELECT name FROM schedules") == []


def test_migrate_makes_its_table_with_the_others_or_alone_or_leaves_it_out(site: str, empty_url: str) -> None:
    tables = "SELECT to_regclass('jobs') IS NOT NULL, to_regclass('\"Invoices\"') IS NOT NULL"
    for only, expected in (("acme_invoices", (False, True)), ("queue", (True, True))):
        done = run("migrate", "--only", only, PYTHONPATH=site, DATABASE_URL=empty_url)
        assert done.returncode == 0, done.stderr
        assert ask(empty_url, tables) == [expected]


def test_its_queue_gets_a_row_once_and_what_is_changed_or_deleted_stays_so(
    site: str, database_url: str, connect: Connect
) -> None:
    hands = connect()
    hands.execute("INSERT INTO queues (queue) VALUES ('mine')")

    def rows_after_migrate() -> list[tuple[object, ...]]:
        assert run("migrate", PYTHONPATH=site, DATABASE_URL=database_url).returncode == 0
        return hands.execute('SELECT queue, label, "maxConcurrent", "cooldownSeconds" FROM queues').fetchall()

    assert sorted(map(str, rows_after_migrate())) == [
        "('invoices', 'INVOICES', 2, 10)",
        "('mine', None, None, 0)",
    ]
    hands.execute("""UPDATE queues SET "maxConcurrent" = 9, label = NULL WHERE queue = 'invoices'""")
    assert ("invoices", None, 9, 10) in rows_after_migrate()
    hands.execute("DELETE FROM queues")
    assert rows_after_migrate() == []


def test_a_service_without_the_package_migrates_the_same_database(site: str, empty_url: str) -> None:
    assert run("migrate", PYTHONPATH=site, DATABASE_URL=empty_url).returncode == 0
    for _ in range(2):
        done = run("migrate", PYTHONPATH=os.pathsep.join(PACKAGES), DATABASE_URL=empty_url)
        assert done.returncode == 0, done.stderr


def test_roles_gives_its_grants_to_each_role_that_it_names(site: str) -> None:
    printed = run("roles", PYTHONPATH=site).stdout
    assert 'GRANT SELECT, INSERT ON "Invoices" TO rowcrew_worker;' in printed
    assert 'GRANT SELECT ON "Invoices" TO rowcrew_reader;' in printed
    assert "Invoices" not in run("roles", PYTHONPATH=os.pathsep.join(PACKAGES)).stdout


def test_the_doctor_names_its_missing_setting_library_right_and_table(
    worker_url: str, site: str, database_url: str, connect: Connect
) -> None:
    connect().execute('REVOKE INSERT ON "Invoices" FROM rowcrew_worker')
    told = doctor(site, worker_url)
    assert ("settings", "failed", "ACME_SENDER is not set", "who sends the invoices") in told
    assert ("rights", "failed", 'the role lacks INSERT ON "Invoices"') in [row[:3] for row in told]
    [library] = [row for row in told if row[0] == "libraries"]
    assert library[2].startswith("send_invoice cannot run, because acme_stamps cannot be imported")
    assert library[3] == "pip install 'acme-invoices[stamps]'"
    connect().execute('DROP TABLE "Invoices"')
    [absent] = [row for row in doctor(site, worker_url) if row[0] == "family acme_invoices"]
    assert absent[2].startswith("the database has no table Invoices")


def test_a_worker_that_serves_it_does_not_start_without_its_setting_and_tells_all_at_once(
    site: str, database_url: str
) -> None:
    ended = run("worker", PYTHONPATH=site, DATABASE_URL=database_url, ACME_DUE="soon", POLL_INTERVAL="0")
    assert ended.returncode == 2
    for told in ("ACME_SENDER is not set: who sends the invoices", "ACME_DUE='soon'", "POLL_INTERVAL='0'"):
        assert told in ended.stderr


def test_a_worker_with_a_crew_of_its_own_needs_no_setting_of_it(
    site: str, start_worker: StartWorker, table: Table
) -> None:
    worker = start_worker(PYTHONPATH=site).ready()
    job = table.enqueue("echo", {"value": 1})
    table.until(job, "completed")
    assert worker.stop() == 0


def test_an_import_of_a_csv_file_does_not_fill_its_table(site: str) -> None:
    program = "from rowcrew.family import own_tables; print(*own_tables())"
    printed = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": site},
        capture_output=True,
        text=True,
        check=True,
    )
    assert {"Invoices", "jobs", "blobs"} <= set(printed.stdout.split())


def test_a_package_whose_family_cannot_be_loaded_is_named(tmp_path: Path, database_url: str) -> None:
    information = tmp_path / "broken-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[rowcrew.families]\nbroken = nowhere:family\n")
    path = os.pathsep.join([str(tmp_path), *PACKAGES])
    ended = run("migrate", PYTHONPATH=path, DATABASE_URL=database_url)
    assert ended.returncode == 1
    assert "the family broken cannot be loaded from nowhere:family" in ended.stderr


def doctor(site: str, url: str) -> list[tuple[str, str, str, str]]:
    lines = run("doctor", "--json", PYTHONPATH=site, DATABASE_URL=url).stdout.splitlines()
    rows = map(json.loads, lines)
    return [(row["name"], row["result"], row["what"], row["remedy"]) for row in rows]
