"""The statements of the documentation, as they stand there, through psql and through a driver."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rowcrew.embedded import EmbeddedPostgres
from tests.conftest import Connect
from tests.contract.hands import insert, job_in, read, reserve

ENQUEUE = """INSERT INTO jobs (type, payload) VALUES ('model_run', '{"n": 3}')"""
ENQUEUE_WITH_STATUS = (
    """INSERT INTO jobs (type, payload, status) VALUES ('model_run', '{"n": 3}', 'queued')"""
)
CANCEL = "UPDATE jobs SET status = 'cancelled' WHERE id = 1"
REQUEUE = "UPDATE jobs SET status = 'queued' WHERE id = 1"
RESCHEDULE = """UPDATE jobs SET "runAt" = now() + interval '1 hour' WHERE id = 1"""
REPRIORITISE = "UPDATE jobs SET priority = 20 WHERE id = 1"

WAITING = "SELECT * FROM jobs WHERE status='queued'"
NEWEST_10 = 'SELECT id, type, status, "createdAt", "updatedAt" FROM jobs ORDER BY "createdAt" DESC LIMIT 10'
COUNTS = "SELECT status, COUNT(*) FROM jobs GROUP BY status"
NEWEST_20 = 'SELECT id, type, status, "createdAt", "updatedAt" FROM jobs ORDER BY "createdAt" DESC LIMIT 20'
STUCK = """SELECT id, type, "createdAt", "updatedAt" FROM jobs
 WHERE status = 'processing' AND "updatedAt" < NOW() - INTERVAL '10 minutes'"""
RELEASE_STUCK = """UPDATE jobs SET status = 'failed', "errorMessage" = 'Stuck job released'
 WHERE status = 'processing' AND "updatedAt" < NOW() - INTERVAL '10 minutes'"""

Run = Callable[[str], list[str]]


@pytest.fixture(params=["psql", "psycopg"])
def run(request: pytest.FixtureRequest, server: EmbeddedPostgres, database_url: str, connect: Connect) -> Run:
    """Run one statement; rows come back as psql -At shows them."""

    def by_psql(statement: str) -> list[str]:
        shown = server.run("psql", "-AtX", "--quiet", f"--command={statement};", url=database_url)
        return shown.splitlines()

    def by_driver(statement: str) -> list[str]:
        cursor = connect().execute(statement)
        rows = cursor.fetchall() if cursor.description else []
        return ["|".join("" if value is None else str(value) for value in row) for row in rows]

    return by_psql if request.param == "psql" else by_driver


@pytest.mark.parametrize("statement", [ENQUEUE, ENQUEUE_WITH_STATUS])
def test_a_type_and_a_payload_make_a_complete_job(run: Run, connect: Connect, statement: str) -> None:
    run(statement)
    columns = (
        "id",
        "status",
        "queue",
        "priority",
        "attempts",
        "maxAttempts",
        "payload",
        "revision",
        "crashes",
    )
    assert read(connect(), 1, *columns) == (1, "queued", "default", 0, 0, 3, {"n": 3}, 0, 0)
    asked = """SELECT "runAt" <= clock_timestamp() AND "createdAt" = "updatedAt" FROM jobs"""
    assert connect().execute(asked).fetchall() == [(True,)]


def test_cancel_ends_a_waiting_job(run: Run, connect: Connect) -> None:
    job_in(connect(), "queued")
    run(CANCEL)
    status, finished_at = read(connect(), 1, "status", "finishedAt")
    assert (status, finished_at is not None) == ("cancelled", True)


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
def test_requeue_starts_an_ended_job_over(run: Run, connect: Connect, status: str) -> None:
    job_in(connect(), status)
    run(REQUEUE)
    columns = ("status", "attempts", "startedAt", "finishedAt", "result")
    assert read(connect(), 1, *columns) == ("queued", 0, None, None, None)


def test_reschedule_moves_a_waiting_job(run: Run, connect: Connect) -> None:
    insert(connect())
    run(RESCHEDULE)
    asked = """SELECT "runAt" - now() BETWEEN interval '59 min' AND interval '60 min' FROM jobs"""
    assert connect().execute(asked).fetchone() == (True,)


def test_reprioritise_changes_the_place_in_the_line(run: Run, connect: Connect) -> None:
    insert(connect())
    run(REPRIORITISE)
    assert read(connect(), 1, "status", "priority") == ("queued", 20)


@pytest.mark.parametrize("query", [WAITING, NEWEST_10, NEWEST_20])
def test_the_documented_lists_show_a_waiting_job(run: Run, connect: Connect, query: str) -> None:
    insert(connect(), type="model_run")
    (row,) = run(query)
    assert row.startswith("1|")
    assert "model_run" in row


def test_the_newest_jobs_come_first_and_no_more_than_asked_for(run: Run, connect: Connect) -> None:
    connection = connect()
    for _ in range(25):
        insert(connection)
    assert [row.split("|")[0] for row in run(NEWEST_10)] == [str(id) for id in range(25, 15, -1)]
    assert len(run(NEWEST_20)) == 20


def test_the_documented_counts_count_each_status(run: Run, connect: Connect) -> None:
    connection = connect()
    for status in ("queued", "queued", "processing", "failed"):
        job_in(connection, status)
    assert sorted(run(COUNTS)) == ["failed|1", "processing|1", "queued|2"]


def test_only_a_run_that_shows_no_sign_of_life_is_stuck_and_can_be_released(
    run: Run, connect: Connect
) -> None:
    connection = connect()
    silent, healthy = insert(connection), insert(connection)
    lease = reserve(connection, silent)
    reserve(connection, healthy)
    connection.execute(
        """UPDATE jobs SET "updatedAt" = now() - interval '11 min', revision = revision + 1 WHERE id = %s""",
        [silent],
    )
    assert [row.split("|")[0] for row in run(STUCK)] == [str(silent)]
    run(RELEASE_STUCK)
    assert read(connection, silent, "status", "errorMessage", "leaseId") == (
        "failed",
        "Stuck job released",
        lease,
    )
    assert read(connection, healthy, "status") == ("processing",)
    assert run(STUCK) == []


def test_a_foreign_program_may_insert_a_run_of_its_own_and_have_it_released(
    run: Run, connect: Connect
) -> None:
    run("""INSERT INTO jobs (type, status, "updatedAt") VALUES ('x', 'processing', now() - interval '1 h')""")
    assert [row.split("|")[0] for row in run(STUCK)] == ["1"]
    run(RELEASE_STUCK)
    assert read(connect(), 1, "status") == ("failed",)
