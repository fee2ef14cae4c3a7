"""The shipped roles are enough for what each is for, and for nothing else."""

from __future__ import annotations

import re
import signal

import psycopg
import pytest
from psycopg import sql

from rig.fixtures import StartWorker
from rig.journal import Journal
from rig.logins import As, Login
from rig.table import Table
from rowcrew import enqueue, enqueue_many, get
from rowcrew.bundled.files.blobs import put_blob
from rowcrew.bundled.files.statements import SQL as FILES
from tests.conftest import Connect
from tests.contract.hands import job_in, read, register_worker
from tests.docs.pages import block_marked

pytestmark = pytest.mark.timeout(180)


def test_a_worker_and_a_producer_need_no_more_than_their_roles(
    login: Login, as_role: As, start_worker: StartWorker, table: Table
) -> None:
    start_worker(url=login("worker")).ready()
    producer = as_role("producer")
    good = enqueue("echo", {"value": "hello"}, unique_key="k", on=producer)
    assert enqueue("echo", {"value": "hello"}, unique_key="k", on=producer).id == good.id
    failing = enqueue_many([{"type": "fails", "payload": {"times": 1}}, {"type": "permanent"}], on=producer)
    table.until(good.id, "completed")
    status = get(good.id, on=producer)
    assert status is not None
    assert status.result == "hello"
    table.until(failing[0].id, "completed")
    table.until(failing[1].id, "failed")


def test_a_workers_role_is_enough_to_delete_files_past_their_time(as_role: As) -> None:
    worker = as_role("worker")
    put_blob(worker, "jobs/1/board.pdf", b"file", "application/pdf")
    limits = {"after": "", "batch": 10, "keep_files": 0, "most_bytes": 1}
    assert worker.execute(FILES["prune_files"], limits).fetchone() == ("jobs/1/board.pdf", 1)


def test_a_workers_role_is_enough_for_every_way_a_run_can_go(
    login: Login, start_worker: StartWorker, journal: Journal, table: Table
) -> None:
    """Children, checkpoints, transactions, deaths, cancels, the rescue of a dead worker, shutdown."""
    table.rows("CREATE TABLE written (job bigint)")
    table.rows("GRANT INSERT ON written TO rowcrew_worker")
    gate = journal.path.with_name("gate")
    lost = start_worker(url=login("worker")).ready()
    held = table.enqueue("hold", {"gate": str(gate)})
    journal.has("start", job=held)
    lost.kill()
    worker = start_worker(url=login("worker")).ready()
    journal.has("start", job=held, times=2)
    cancelled = table.enqueue("polite")
    journal.has("start", job=cancelled)
    table.set_status(cancelled, "cancelled")
    journal.has("end", job=cancelled)
    gate.touch()
    for type, payload in (
        ("parent", {"gate": str(gate)}),
        ("transacts", {"gate": str(gate)}),
        ("remembers", {"gate": str(gate)}),
        ("ends", {"how": "snooze"}),
        ("dies_alone", {"times": 1}),
    ):
        table.until(table.enqueue(type, payload), "completed")
    table.until(held, "completed")
    worker.signal(signal.SIGTERM)
    assert worker.exited() == 0
    assert "permission denied" not in worker.log.read_text()
    assert "permission denied" not in lost.log.read_text()


def test_a_producer_controls_jobs_with_the_five_statements(as_role: As, connect: Connect) -> None:
    producer, owner = as_role("producer"), connect()
    running, waiting = job_in(owner, "processing"), job_in(owner, "queued")
    producer.execute("UPDATE jobs SET status = 'failed', \"errorMessage\" = 'no' WHERE id = %s", [running])
    producer.execute("UPDATE jobs SET status = 'queued' WHERE id = %s", [running])
    producer.execute("UPDATE jobs SET \"runAt\" = now() + interval '1 day' WHERE id = %s", [waiting])
    producer.execute("UPDATE jobs SET priority = 20 WHERE id = %s", [waiting])
    producer.execute("UPDATE jobs SET status = 'cancelled' WHERE id = %s", [waiting])
    assert read(owner, running, "status", "attempts") == ("queued", 0)
    assert read(owner, waiting, "status", "priority") == ("cancelled", 20)


def test_a_producer_may_name_every_column_and_read_the_row_back(as_role: As, connect: Connect) -> None:
    """ORMs do: with the defaults of their models, with DEFAULT, with the dates of their own clock."""
    producer, owner = as_role("producer"), connect()
    verbatim = "INSERT INTO jobs (type, payload, status) VALUES ('x', '{}', 'queued')"
    producer.execute(verbatim)
    names = [column.name for column in owner.execute("SELECT * FROM jobs").description or ()]
    every = sql.SQL(", ").join(map(sql.Identifier, names))
    defaults = sql.SQL(", ").join(sql.SQL("'x'" if name == "type" else "DEFAULT") for name in names)
    producer.execute(sql.SQL("INSERT INTO jobs ({}) VALUES ({}) RETURNING *").format(every, defaults))
    producer.execute(
        sql.SQL("INSERT INTO jobs ({}) SELECT {} FROM jobs LIMIT 1 RETURNING {}").format(
            every, sql.SQL(", ").join([sql.Literal(1000), *map(sql.Identifier, names[1:])]), every
        )
    )
    assert owner.execute("SELECT count(*) FROM jobs WHERE status = 'queued'").fetchone() == (3,)


def test_what_only_workers_give_a_producer_cannot_claim(as_role: As, connect: Connect) -> None:
    as_role("producer").execute(
        """
        INSERT INTO jobs (type, "leaseId", "workerId", revision, crashes)
        VALUES ('x', gen_random_uuid(), 7, 90, 3)
        """
    )
    assert read(connect(), 1, "leaseId", "workerId", "revision", "crashes") == (None, None, 0, 0)


def test_the_documented_logins_can_be_made(login: Login, connect: Connect, tcp_database_url: str) -> None:
    owner = connect()
    owner.execute(block_marked("roles", "logins").text)
    try:
        url = re.sub(r"//[^@]*@", "//backend:change%20me@", tcp_database_url)
        with psycopg.connect(url, autocommit=True) as backend:
            enqueue("echo", {"value": 1}, on=backend)
    finally:
        owner.execute("DROP ROLE backend, crew, dashboard")


REFUSED = {
    "producer": [
        "SELECT * FROM job_attempts",
        "SELECT * FROM workers",
        "SELECT * FROM blobs",
        "INSERT INTO jobs (type, status) VALUES ('x', 'completed')",
        "INSERT INTO jobs (type, status) VALUES ('x', 'processing')",
        "INSERT INTO jobs (type, attempts) VALUES ('x', 2)",
        'UPDATE jobs SET "leaseId" = NULL',
        'UPDATE jobs SET "finishedAt" = now()',
        "UPDATE jobs SET payload = '{}'",
        "UPDATE jobs SET attempts = 0",
        'UPDATE jobs SET "maxAttempts" = 1000',
        "UPDATE jobs SET revision = revision + 1",
        "UPDATE jobs SET type = 'other'",
        "UPDATE jobs SET result = '{}'",
        "DELETE FROM jobs",
        "TRUNCATE jobs",
        "UPDATE workers SET beats = 0",
        "UPDATE workers SET asked = 'terminate'",
        "INSERT INTO job_types (type) VALUES ('x')",
        'UPDATE queues SET "timeoutSeconds" = 1',
        "SELECT rowcrew_ready('default')",
    ],
    "worker": [
        "UPDATE jobs SET payload = '{}'",
        "UPDATE jobs SET type = 'other'",
        "UPDATE jobs SET queue = 'other'",
        'UPDATE jobs SET "maxAttempts" = 1000',
        "INSERT INTO jobs (type, status) VALUES ('x', 'completed')",
        "TRUNCATE jobs",
        "ALTER TABLE jobs DISABLE TRIGGER ALL",
        "DROP TABLE job_attempts",
        "UPDATE job_attempts SET outcome = 'lost'",
        "UPDATE rowcrew_schema SET revision = 0",
        "INSERT INTO queues (queue, \"maxConcurrent\") VALUES ('x', 1)",
        "UPDATE queues SET queue = 'other'",
        "DELETE FROM queues",
        "INSERT INTO limits (key) VALUES ('x')",
        "UPDATE limits SET key = 'other'",
        "DELETE FROM limits",
        "INSERT INTO \"cloudAccounts\" (id) VALUES ('x')",
        'DELETE FROM "modelRuns"',
        "CREATE TABLE mine ()",
        "CREATE ROLE friend",
    ],
    "reader": [
        "SELECT * FROM jobs",
        "SELECT payload FROM jobs",
        "SELECT result FROM jobs",
        "SELECT checkpoint FROM jobs",
        'SELECT "leaseId" FROM jobs',
        'SELECT "leaseId" FROM job_attempts',
        "SELECT * FROM workers",
        "UPDATE workers SET asked = 'terminate'",
        "SELECT * FROM blobs",
        'SELECT * FROM "modelRuns"',
        "INSERT INTO jobs (type) VALUES ('x')",
        "UPDATE jobs SET status = 'cancelled'",
        "DELETE FROM jobs",
        "SELECT id FROM jobs FOR UPDATE",
    ],
}


def test_whoever_has_the_workers_role_may_ask_workers_to_drain(as_role: As, connect: Connect) -> None:
    register_worker(connect())
    asked = as_role("worker").execute("UPDATE workers SET asked = 'drain' RETURNING asked").fetchall()
    assert asked == [("drain",)]


@pytest.mark.parametrize("role", REFUSED)
def test_everything_else_is_refused(as_role: As, role: str) -> None:
    connection = as_role(role)
    for statement in REFUSED[role]:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


def test_a_reader_sees_what_goes_on(as_role: As, connect: Connect) -> None:
    job_in(connect(), "failed")
    reader = as_role("reader")
    for query in (
        "SELECT * FROM job_status",
        "SELECT * FROM queue_depth",
        "SELECT * FROM worker_status",
        "SELECT * FROM job_types",
        'SELECT attempt, outcome, error, traceback FROM job_attempts WHERE "jobId" = 1',
        'SELECT id, type, status, "createdAt", "updatedAt" FROM jobs ORDER BY "createdAt" DESC LIMIT 10',
        "SELECT status, COUNT(*) FROM jobs GROUP BY status",
    ):
        reader.execute(query)
    assert reader.execute("SELECT status FROM job_status").fetchall() == [("failed",)]


def test_three_functions_alone_run_with_the_rights_of_their_owner_and_no_caller_leads_them_astray(
    connect: Connect,
) -> None:
    """They write nothing, their bodies were read when they were made, and PUBLIC may not call them."""
    rows = connect().execute(
        """
        SELECT proname, pg_get_function_arguments(oid), prorettype::regtype::text, provolatile, proconfig,
               prosqlbody IS NOT NULL, has_function_privilege('public', oid, 'EXECUTE')
          FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace ORDER BY proname
        """
    )
    safe = ("bigint", "s", ["search_path=pg_catalog, pg_temp"], True, False)
    assert rows.fetchall() == [
        ("get_active_worker_count", "queue_name text", *safe),
        ("rowcrew_backlog", "queue text", *safe),
        ("rowcrew_ready", "queue text", *safe),
    ]
