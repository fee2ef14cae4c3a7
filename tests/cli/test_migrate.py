"""`rowcrew migrate`: it says what is missing or different, and puts it back when asked."""

from __future__ import annotations

import json

from rig.programs import run
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
