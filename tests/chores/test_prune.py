"""What pruning deletes, and what it never touches."""

from __future__ import annotations

import io

import pytest

from rowcrew import settings
from rowcrew.bundled.files.blobs import put_blob
from rowcrew.control.chores import prune as prune_module
from rowcrew.control.chores import walk as walk_module
from rowcrew.control.chores.chore import Routine
from rowcrew.control.chores.prune import Prune
from rowcrew.control.clock import MonotonicClock
from rowcrew.log import Log
from rowcrew.settings import Settings
from rowcrew.table.link import Link
from tests.conftest import Connect

pytestmark = pytest.mark.anyio


async def prune(database_url: str, **given: object) -> int:
    """One whole walk with these settings; how many jobs went."""
    link = Link(database_url, purpose="prune")
    values: Settings = settings.read({"DATABASE_URL": database_url}, **given)
    log = Log("text", io.StringIO())
    try:
        return await Prune(link=link, settings=values, log=log).everything()
    finally:
        await link.close()


def insert(connect: Connect, status: str, age: str, count: int = 1, queue: str = "default") -> list[int]:
    rows = connect().execute(
        """
        INSERT INTO jobs (type, status, queue, "finishedAt")
        SELECT 'noop', %s, %s, now() - %s::interval FROM generate_series(1, %s) RETURNING id
        """,
        (status, queue, age, count),
    )
    return [row[0] for row in rows]


def left(connect: Connect) -> list[int]:
    return [row[0] for row in connect().execute("SELECT id FROM jobs ORDER BY id")]


async def test_completed_rows_go_after_a_week_failed_and_cancelled_ones_after_thirty_days(
    database_url: str, connect: Connect
) -> None:
    insert(connect, "completed", "8 days")
    insert(connect, "failed", "31 days")
    insert(connect, "cancelled", "31 days")
    kept = insert(connect, "completed", "6 days") + insert(connect, "failed", "29 days")
    assert await prune(database_url) == 3
    assert left(connect) == kept


async def test_no_age_makes_a_queued_or_processing_row_go(database_url: str, connect: Connect) -> None:
    kept = insert(connect, "queued", "1000 days") + insert(connect, "processing", "1000 days")
    assert await prune(database_url, keep_completed_seconds=1, keep_failed_seconds=1) == 0
    assert left(connect) == kept


async def test_a_queue_may_keep_its_rows_longer_or_shorter(database_url: str, connect: Connect) -> None:
    connect().execute(
        """INSERT INTO queues (queue, "keepCompletedSeconds") VALUES ('short', 60), ('long', 99999999)"""
    )
    insert(connect, "completed", "2 minutes", queue="short")
    kept = insert(connect, "completed", "2 minutes") + insert(connect, "completed", "9 days", queue="long")
    assert await prune(database_url) == 1
    assert left(connect) == kept


async def test_the_longest_times_that_settings_and_queues_accept_delete_nothing_and_fail_nowhere(
    database_url: str, connect: Connect
) -> None:
    connect().execute(
        """
        INSERT INTO queues (queue, "keepCompletedSeconds", "keepFailedSeconds")
        VALUES ('long', 2147483647, 2147483647)
        """
    )
    kept = [
        *insert(connect, "completed", "99 years"),
        *insert(connect, "failed", "99 years"),
        *insert(connect, "completed", "68 years", queue="long"),
        *insert(connect, "failed", "68 years", queue="long"),
    ]
    names = ("COMPLETED_JOB_TTL", "FAILED_JOB_TTL")
    longest = settings.read(dict.fromkeys(names, "36500d"))
    fields = ("keep_completed_seconds", "keep_failed_seconds")
    assert await prune(database_url, **{field: getattr(longest, field) for field in fields}) == 0
    assert left(connect) == kept


async def test_a_queue_may_keep_only_its_newest_completed_rows(database_url: str, connect: Connect) -> None:
    connect().execute("""INSERT INTO queues (queue, "keepCompletedCount") VALUES ('counted', 3)""")
    rows = insert(connect, "completed", "1 minute", count=10, queue="counted")
    failed = insert(connect, "failed", "1 minute", queue="counted")
    assert await prune(database_url) == 7
    assert left(connect) == rows[-3:] + failed


async def test_one_row_that_cannot_be_deleted_keeps_no_other_beyond_the_count(
    database_url: str, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where such rows fill a batch, and where somebody has locked what is left."""
    monkeypatch.setattr(prune_module, "BATCH", 4)
    connect().execute("""INSERT INTO queues (queue, "keepCompletedCount") VALUES ('counted', 3)""")
    rows = insert(connect, "completed", "1 minute", count=20, queue="counted")
    odd, locked = rows[8:16], rows[0]
    connect().execute(
        """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'this one stays'; END $$;
        CREATE TRIGGER refuse BEFORE DELETE ON jobs FOR EACH ROW
        WHEN (OLD.id BETWEEN 9 AND 16) EXECUTE FUNCTION refuse()
        """
    )
    assert odd == list(range(9, 17))
    holder = connect()
    with holder.transaction():
        holder.execute("SELECT FROM jobs WHERE id = %s FOR UPDATE", (locked,))
        assert await prune(database_url) == 8
    assert left(connect) == sorted([locked, *odd, *rows[-3:]])


async def test_attempts_go_with_their_job(database_url: str, connect: Connect) -> None:
    old, young = insert(connect, "failed", "31 days") + insert(connect, "failed", "1 day")
    for job in (old, young):
        connect().execute(
            """
            INSERT INTO job_attempts ("leaseId", "jobId", attempt, outcome)
            VALUES (gen_random_uuid(), %s, 1, 'failed')
            """,
            (job,),
        )
    await prune(database_url)
    assert [row[0] for row in connect().execute('SELECT "jobId" FROM job_attempts')] == [young]


async def test_a_long_history_is_walked_to_its_end_in_batches(
    database_url: str, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk_module, "BATCH", 10)
    monkeypatch.setattr(walk_module, "_BREATH_SECONDS", 0)
    kept = insert(connect, "failed", "1 day", count=200)
    insert(connect, "completed", "8 days", count=45)
    assert await prune(database_url) == 45
    assert left(connect) == kept


async def test_workers_that_left_long_ago_are_forgotten_unless_a_job_still_refers_to_them(
    database_url: str, connect: Connect
) -> None:
    connection = connect()
    for age in ("8 days", "1 day", "9 days"):
        connection.execute(
            """
            INSERT INTO workers ("bootId", "stoppedAt") VALUES (gen_random_uuid(), now() - %s::interval)
            """,
            (age,),
        )
    connection.execute("INSERT INTO jobs (type) VALUES ('noop')")
    connection.execute(
        """
        UPDATE jobs SET status = 'processing', revision = revision + 1, "leaseId" = gen_random_uuid(),
               "workerId" = (SELECT max(id) FROM workers)
        """
    )
    await prune(database_url)
    ages = connection.execute(
        """SELECT (now() - "stoppedAt") > '7 days' FROM workers ORDER BY id"""
    ).fetchall()
    assert ages == [(False,), (True,)]


async def test_files_outlive_the_rows_of_their_jobs(database_url: str, connect: Connect) -> None:
    pruned, deleted = insert(connect, "completed", "8 days") + insert(connect, "completed", "1 day")
    for job in (pruned, deleted):
        put_blob(connect(), f"jobs/{job}/board.pdf", b"file", "text/plain")
    connect().execute("DELETE FROM jobs WHERE id = %s", (deleted,))
    assert await prune(database_url) == 1
    keys = connect().execute('SELECT key FROM blobs ORDER BY key COLLATE "C"').fetchall()
    assert [key for (key,) in keys] == [f"jobs/{pruned}/board.pdf", f"jobs/{deleted}/board.pdf"]


async def one_round(database_url: str, **given: object) -> str:
    """One round of a worker's own prune; what it logged."""
    logged = io.StringIO()
    link, log = Link(database_url, purpose="prune"), Log("text", logged)
    chore = Prune(link=link, settings=settings.read({"DATABASE_URL": database_url}, **given), log=log)
    try:
        await Routine(chore, link=link, clock=MonotonicClock(), log=log).once()
    finally:
        await link.close()
    return logged.getvalue()


async def test_a_worker_where_no_family_was_migrated_prunes_without_complaint(
    database_url: str, connect: Connect
) -> None:
    connect().execute('DROP TABLE blobs, "modelRuns"')
    assert await one_round(database_url) == ""
