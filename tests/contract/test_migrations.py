"""Migrations: they make what is declared, go up and down, wait for each other, and are alembic's own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.util import CommandError

from rig.waiting import eventually
from rowcrew.family import FamilyBroken, bundled
from rowcrew.table import migrate
from rowcrew.table.address import for_sqlalchemy
from rowcrew.table.compatibility import SCHEMA_REVISION, complaint
from rowcrew.table.statements import SQL
from tests.conftest import Connect
from tests.contract.hands import insert

CHECKOUT = Path(__file__).parents[2]

COLUMNS = """
    SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
           a.attstorage, pg_get_expr(d.adbin, d.adrelid)
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid LEFT JOIN pg_attrdef d
        ON d.adrelid = c.oid AND d.adnum = a.attnum
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0
       AND c.relname <> 'rowcrew_migrations' ORDER BY c.relname, a.attnum"""
CONSTRAINTS = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
     WHERE connamespace = 'public'::regnamespace
       AND conrelid <> coalesce(to_regclass('rowcrew_migrations'), 0)
     ORDER BY 1, 2"""
INDEXES = """SELECT tablename, indexname, indexdef FROM pg_indexes
              WHERE schemaname = 'public' AND tablename <> 'rowcrew_migrations' ORDER BY 1, 2"""
STORAGE = """SELECT relname, (SELECT array_agg(o ORDER BY o) FROM unnest(reloptions) o) FROM pg_class
              WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
                AND relname <> 'rowcrew_migrations' ORDER BY 1"""
EVERYTHING = """
    SELECT relname FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE 'rowcrew_migrations%'
     UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
     UNION ALL SELECT typname FROM pg_type
     WHERE typnamespace = 'public'::regnamespace AND typname NOT LIKE '%rowcrew_migrations'"""


def ask(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(query).fetchall()


def test_the_declared_tables_are_those_that_the_migrations_make(database_url: str, empty_url: str) -> None:
    engine = sqlalchemy.create_engine(for_sqlalchemy(empty_url), poolclass=sqlalchemy.NullPool)
    for metadata in migrate.declared():
        metadata.create_all(engine)
    for catalog in (COLUMNS, CONSTRAINTS, INDEXES, STORAGE):
        made = ask(database_url, catalog)
        assert len(made) > 5
        assert ask(empty_url, catalog) == made


def test_alembic_finds_no_difference_to_the_declared_tables(database_url: str) -> None:
    engine = sqlalchemy.create_engine(for_sqlalchemy(database_url), poolclass=sqlalchemy.NullPool)
    tables: Any = migrate.declared()  # alembic takes several, and its types say one
    with engine.connect() as connection:
        options = {"compare_server_default": True, "include_name": migrate.is_ours}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, tables) == []


def test_down_removes_everything_and_up_makes_the_same_again(empty_url: str) -> None:
    migrate.migrate(empty_url)
    made = [ask(empty_url, catalog) for catalog in (COLUMNS, CONSTRAINTS, INDEXES, STORAGE)]
    migrate.downgrade(empty_url, "base")
    assert ask(empty_url, EVERYTHING) == []
    migrate.migrate(empty_url)
    assert [ask(empty_url, catalog) for catalog in (COLUMNS, CONSTRAINTS, INDEXES, STORAGE)] == made


def test_migrating_again_changes_nothing_and_keeps_the_rows(database_url: str, connect: Connect) -> None:
    insert(connect())
    migrate.migrate(database_url)
    assert ask(database_url, "SELECT count(*) FROM jobs") == [(1,)]


def test_every_revision_says_its_number_in_the_schema(empty_url: str) -> None:
    migrate.migrate(empty_url)
    ((number, minimum_worker),) = ask(empty_url, SQL["worker/schema_revision"])
    assert number == SCHEMA_REVISION
    assert complaint(number, minimum_worker) is None
    migrations = (CHECKOUT / "migrations" / "versions").glob("0*.py")
    revisions = sorted(int(path.name[:4]) for path in migrations)
    for revision in reversed(revisions[:-1]):
        migrate.downgrade(empty_url, f"{revision:04}")
        ((number, minimum_worker),) = ask(empty_url, SQL["worker/schema_revision"])
        assert number == revision
        assert 1 <= minimum_worker <= revision


def test_a_database_shared_with_another_alembic_keeps_the_others_version(empty_url: str) -> None:
    with psycopg.connect(empty_url) as connection:
        connection.execute("CREATE TABLE alembic_version AS SELECT '1a2b' AS version_num")
    migrate.migrate(empty_url)
    assert ask(empty_url, "SELECT * FROM alembic_version") == [("1a2b",)]


def test_migrations_started_together_do_not_collide(empty_url: str) -> None:
    command = "import sys; from rowcrew.table.migrate import migrate; migrate(sys.argv[1])"
    running = [subprocess.Popen([sys.executable, "-c", command, empty_url], cwd=CHECKOUT) for _ in range(3)]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    assert ask(empty_url, "SELECT revision FROM rowcrew_schema") == [(SCHEMA_REVISION,)]


def test_plain_alembic_from_the_checkout_does_what_migrate_does(empty_url: str, database_url: str) -> None:
    environment = {**os.environ, "DATABASE_URL": empty_url.replace("postgresql://", "postgres://")}
    environment.pop("DATABASE_DIRECT_URL", None)
    for arguments in (["upgrade", "heads"], ["check"]):
        command = [sys.executable, "-m", "alembic", *arguments]
        subprocess.run(command, cwd=CHECKOUT, env=environment, check=True, capture_output=True, timeout=60)
    for catalog in (COLUMNS, CONSTRAINTS, INDEXES, STORAGE):
        assert ask(empty_url, catalog) == ask(database_url, catalog)


def test_a_migration_waits_for_the_one_at_work(empty_url: str) -> None:
    with psycopg.connect(empty_url) as other:
        other.execute(SQL["migration/lock"])
        second = threading.Thread(target=migrate.migrate, args=[empty_url], daemon=True)
        second.start()
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_try_advisory_xact_lock(821733, 2)%'"
        )
        eventually(lambda: ask(empty_url, waiting) > [(2,)])
        assert ask(empty_url, "SELECT to_regclass('jobs')") == [(None,)]
    second.join(30)
    assert ask(empty_url, "SELECT count(*) FROM jobs") == [(0,)]


def test_a_producer_of_jobs_that_wait_keeps_no_migration_waiting(connect: Connect) -> None:
    producer = connect(autocommit=False)
    producer.execute("INSERT INTO jobs (type) VALUES ('first')")
    producer.execute("""INSERT INTO jobs (type, "waitsFor") SELECT 'second', ARRAY[id] FROM jobs""")
    assert connect().execute(SQL["migration/lock"]).fetchall() == [(True,)]


def test_a_migration_that_finds_a_table_in_use_steps_back_and_tries_again(
    database_url: str, connect: Connect
) -> None:
    reader = connect(autocommit=False)
    reader.execute("SELECT FROM blobs")
    down = threading.Thread(target=migrate.downgrade, args=[database_url, "files@base"], daemon=True)
    down.start()
    gave_up_once = "SELECT xact_rollback FROM pg_stat_database WHERE datname = current_database()"
    eventually(lambda: ask(database_url, gave_up_once) > [(0,)])
    reader.commit()
    down.join(30)
    assert ask(database_url, "SELECT to_regclass('blobs')") == [(None,)]


def test_an_administrator_can_read_the_sql_without_a_database() -> None:
    command = [sys.executable, "-m", "alembic", "upgrade", "heads", "--sql"]
    written = subprocess.run(
        command, cwd=CHECKOUT, check=True, capture_output=True, text=True, timeout=60
    ).stdout
    assert "CREATE TABLE jobs" in written
    assert "CREATE TRIGGER jobs_by_hand" in written
    assert "CREATE TABLE blobs" in written


@pytest.mark.parametrize(
    ("revision", "minimum_worker", "expected"),
    [
        (
            None,
            None,
            (
                "the database has no schema, need revision 2: run rowcrew migrate; "
                "if that was done, rowcrew doctor tells where the tables are"
            ),
        ),
        (1, 1, "schema at revision 1, need 2: run rowcrew migrate"),
        (2, 1, None),
        (9, 2, None),
        (
            9,
            3,
            "schema at revision 9 serves workers of revision 3 and above, this one is of 2: upgrade rowcrew",
        ),
    ],
)
def test_a_worker_and_a_schema_that_do_not_fit_say_what_to_do(
    monkeypatch: pytest.MonkeyPatch, revision: int | None, minimum_worker: int | None, expected: str | None
) -> None:
    monkeypatch.setattr("rowcrew.table.compatibility.SCHEMA_REVISION", 2)
    assert complaint(revision, minimum_worker) == expected


TABLES = """SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
             AND relname <> 'rowcrew_migrations' ORDER BY 1"""


def test_the_queue_alone_can_be_migrated_and_a_family_alone(empty_url: str) -> None:
    migrate.migrate(empty_url, only=["queue"])
    queue = {name for (name,) in ask(empty_url, TABLES)}
    assert "jobs" in queue
    assert not queue & {"blobs", "modelRuns"}
    migrate.migrate(empty_url, only=["files"])
    assert {name for (name,) in ask(empty_url, TABLES)} == queue | {"blobs"}
    migrate.downgrade(empty_url, "files@base")
    assert {name for (name,) in ask(empty_url, TABLES)} == queue


def test_a_family_that_is_not_installed_is_refused_by_name(empty_url: str) -> None:
    with pytest.raises(FamilyBroken, match="there is no family invoices; installed are files, "):
        migrate.migrate(empty_url, only=["invoices"])


def test_the_version_of_a_family_that_is_not_installed_here_stands_in_nobodys_way(empty_url: str) -> None:
    migrate.migrate(empty_url, only=["queue"])
    with psycopg.connect(empty_url) as other:
        other.execute("INSERT INTO rowcrew_migrations VALUES ('acme_invoices_0003')")
    migrate.migrate(empty_url)
    migrate.migrate(empty_url)
    assert ask(empty_url, "SELECT to_regclass('blobs')::text") == [("blobs",)]
    versions = {version for (version,) in ask(empty_url, "SELECT version_num FROM rowcrew_migrations")}
    queues = f"{SCHEMA_REVISION:04}"
    assert versions == {
        queues,
        "files_0001",
        "model_run_0001",
        "costs_0002",
        "retrieval_0001",
        "investigation_0001",
        "announcements_0001",
        "acme_invoices_0003",
    }


def test_the_version_of_a_newer_queue_is_kept_and_not_undone(empty_url: str) -> None:
    migrate.migrate(empty_url)
    with psycopg.connect(empty_url) as newer:
        newer.execute("UPDATE rowcrew_migrations SET version_num = '9999' WHERE version_num ~ '^0'")
        newer.execute("UPDATE rowcrew_migrations SET version_num = 'files_0099' WHERE version_num ~ '^files'")
    migrate.migrate(empty_url)
    migrate.migrate(empty_url, only=["files"])
    with pytest.raises(CommandError, match="9999"):
        migrate.downgrade(empty_url, "queue@base")
    assert ("9999",) in ask(empty_url, "SELECT version_num FROM rowcrew_migrations")


def test_alembic_in_a_checkout_finds_the_migrations_of_every_bundled_family() -> None:
    configured = Config(str(CHECKOUT / "alembic.ini")).get_version_locations_list()
    assert configured is not None
    places = [one.migrations_directory() for one in bundled()]
    assert [Path(place) for place in configured] == [
        CHECKOUT / "migrations" / "versions",
        *(place for place in places if place is not None),
    ]
