"""`rowcrew migrate`: it says what is missing or different, and puts it back when asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import psycopg

from rig.programs import ROOT, run
from rowcrew.table.compatibility import SCHEMA_REVISION
from tests.conftest import Connect


def test_what_is_missing_is_told_and_the_exit_code_stays(database_url: str, connect: Connect) -> None:
    connect().execute("DROP TRIGGER jobs_wake ON jobs")
    told = run("migrate", DATABASE_URL=database_url)
    assert told.stdout.splitlines() == [
        "❌ trigger jobs_wake of jobs is missing",
        "`rowcrew migrate --repair` puts back what it can, and says what a person must decide.",
        f"The tables are up to date (revision {SCHEMA_REVISION}).",
    ]
    assert told.returncode == 0
    as_json = json.loads(run("migrate", "--json", DATABASE_URL=database_url).stdout)
    missing = [{"what": "trigger jobs_wake of jobs is missing"}]
    assert as_json == {"revision": SCHEMA_REVISION, "differences": missing}


def test_a_repair_says_what_it_did_and_the_next_has_nothing_to_do(
    database_url: str, connect: Connect
) -> None:
    connect().execute("ALTER TABLE jobs DROP checkpoint; DROP INDEX jobs_held; DROP TABLE rowcrew_migrations")
    assert "no longer says what was migrated" in run("migrate", DATABASE_URL=database_url).stderr
    told = run("migrate", "--repair", DATABASE_URL=database_url)
    rights = "rights to it come from rowcrew roles"
    assert told.stdout.splitlines() == [
        "🔧 the table rowcrew_migrations no longer said what was migrated: put back",
        f"🔧 column jobs.checkpoint is missing: put back, without what it held; {rights}",
        "🔧 index jobs_held of jobs is missing: put back",
        f"The tables are up to date (revision {SCHEMA_REVISION}).",
    ]
    assert told.returncode == 0
    again = run("migrate", "--repair", DATABASE_URL=database_url)
    assert again.stdout == f"The tables are up to date (revision {SCHEMA_REVISION}).\n"


def later(connection: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    """As the next release might leave the tables; the versions it has written."""
    connection.execute("UPDATE rowcrew_schema SET revision = revision + 1")
    connection.execute("UPDATE rowcrew_migrations SET version_num = '0999' WHERE version_num ~ '^0'")
    connection.execute("DROP TRIGGER jobs_wake ON jobs")
    return connection.execute("SELECT version_num FROM rowcrew_migrations ORDER BY 1").fetchall()


def test_a_release_that_is_taken_back_leaves_later_tables_alone(database_url: str, connect: Connect) -> None:
    connection = connect()
    versions = later(connection)
    told = run("migrate", DATABASE_URL=database_url)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout == (
        f"The tables are at revision {SCHEMA_REVISION + 1};"
        f" this version needs {SCHEMA_REVISION}, and leaves them as they are.\n"
    )
    repaired = run("migrate", "--repair", DATABASE_URL=database_url)
    assert (repaired.returncode, "upgrade rowcrew" in repaired.stderr) == (1, True)
    assert connection.execute("SELECT version_num FROM rowcrew_migrations ORDER BY 1").fetchall() == versions
    assert connection.execute("SELECT FROM pg_trigger WHERE tgname = 'jobs_wake'").rowcount == 0


def test_plain_alembic_leaves_later_tables_alone_too(database_url: str, connect: Connect) -> None:
    later(connect())
    alembic = [sys.executable, "-m", "alembic", "upgrade", "heads"]
    env = os.environ | {"DATABASE_URL": database_url}
    done = subprocess.run(alembic, cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_what_a_person_must_decide_is_said_and_fails(database_url: str, connect: Connect) -> None:
    connect().execute("ALTER TABLE queues ALTER label TYPE varchar(9)")
    told = run("migrate", "--repair", DATABASE_URL=database_url)
    assert "❌ column queues.label is character varying(9), need text, and is left: " in told.stdout
    assert 'ALTER TABLE "queues" ALTER COLUMN "label" TYPE text USING …' in told.stdout
    assert told.returncode == 1


def test_a_shape_is_printed_and_an_unknown_family_refused(database_url: str) -> None:
    printed = run("migrate", "--shape", "files", DATABASE_URL=database_url)
    assert json.loads(printed.stdout)["revision"] == "files_0001"
    refused = run("migrate", "--shape", "invoices", DATABASE_URL=database_url)
    assert "there is no family invoices" in refused.stderr
