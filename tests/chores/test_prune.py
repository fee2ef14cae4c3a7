"""What pruning deletes, and what it never touches."""

from __future__ import annotations

import asyncio
import io

import pytest

from rig.waiting import eventually
from rowcrew import bundled, settings
from rowcrew.control.chores import files as files_module
from rowcrew.control.chores import walk as walk_module
from rowcrew.control.chores.chore import Routine
from rowcrew.control.chores.files import PruneFiles
from rowcrew.control.chores.prune import Prune
from rowcrew.control.clock import MonotonicClock
from rowcrew.log import Log
from rowcrew.settings import Settings
from rowcrew.table.blobs import put_blob
from rowcrew.table.link import Link
from rowcrew.table.statements import SQL
from rowcrew.testing import run_handler_async
from tests.bundled.saas_payload import REFERENCE
from tests.conftest import Connect

pytestmark = pytest.mark.anyio


async def prune(database_url: str, **given: object) -> int:
    """One whole walk with these settings; how many jobs went."""
    link = Link(database_url, purpose="prune")
    values: Settings = settings.read({"DATABASE_URL": database_url}, **given)
    log = Log("text", io.StringIO())
    try:
        deleted = await Prune(link=link, settings=values, log=log).everything()
        await PruneFiles(link=link, settings=values).everything()
        return deleted
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
    store_file(connect, "jobs/1/report.csv", age="99 years")
    names = ("COMPLETED_JOB_TTL", "FAILED_JOB_TTL", "STORED_FILE_TTL")
    longest = settings.read(dict.fromkeys(names, "36500d"))
    fields = ("keep_completed_seconds", "keep_failed_seconds", "keep_files_seconds")
    assert await prune(database_url, **{field: getattr(longest, field) for field in fields}) == 0
    assert left(connect) == kept
    assert files(connect) == ["jobs/1/report.csv"]


async def test_a_queue_may_keep_only_its_newest_completed_rows(database_url: str, connect: Connect) -> None:
    connect().execute("""INSERT INTO queues (queue, "keepCompletedCount") VALUES ('counted', 3)""")
    rows = insert(connect, "completed", "1 minute", count=10, queue="counted")
    failed = insert(connect, "failed", "1 minute", queue="counted")
    assert await prune(database_url) == 7
    assert left(connect) == rows[-3:] + failed


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


def store_file(connect: Connect, key: str, content: bytes = b"file", age: str = "0") -> None:
    put_blob(connect(), key, content, "text/plain")
    connect().execute('UPDATE blobs SET "createdAt" = now() - %s::interval WHERE key = %s', (age, key))


def files(connect: Connect) -> list[str]:
    return [row[0] for row in connect().execute('SELECT key FROM blobs ORDER BY key COLLATE "C"')]


async def test_files_of_jobs_go_after_their_time_whether_or_not_the_job_has_a_row(
    database_url: str, connect: Connect
) -> None:
    (job,) = insert(connect, "completed", "1 day")
    kept = ["in/may.csv", f"jobs/{job}/new.pdf", "jobs/notes.txt", "jobs/x/1", "modelRuns/ab.json"]
    for key in kept:
        store_file(connect, key, age="59 seconds" if key.endswith("pdf") else "9 years")
    for key in (f"jobs/{job}/old.pdf", f"jobs/{job}/2027/old.pdf", f"jobs/{job + 1}/rejected.csv"):
        store_file(connect, key, age="61 seconds")
    await prune(database_url, keep_files_seconds=60)
    assert files(connect) == kept
    assert left(connect) == [job]


async def test_without_a_time_of_their_own_files_outlive_the_rows_of_their_jobs(
    database_url: str, connect: Connect
) -> None:
    pruned, deleted = insert(connect, "completed", "8 days") + insert(connect, "completed", "1 day")
    for job in (pruned, deleted):
        store_file(connect, f"jobs/{job}/board.pdf", age="9 years")
    connect().execute("DELETE FROM jobs WHERE id = %s", (deleted,))
    assert await prune(database_url) == 1
    assert files(connect) == [f"jobs/{pruned}/board.pdf", f"jobs/{deleted}/board.pdf"]


async def one_round(database_url: str, **given: object) -> str:
    """One round of a worker's chore for files; what it logged."""
    logged = io.StringIO()
    link, log = Link(database_url, purpose="prune"), Log("text", logged)
    chore = PruneFiles(link=link, settings=settings.read({"DATABASE_URL": database_url}, **given))
    try:
        await Routine(chore, link=link, clock=MonotonicClock(), log=log).once()
    finally:
        await link.close()
    return logged.getvalue()


async def test_a_worker_asks_blobs_for_old_files_only_if_they_have_a_time(
    database_url: str, connect: Connect
) -> None:
    store_file(connect, "jobs/1/board.pdf", age="2 minutes")
    assert await one_round(database_url, keep_files_seconds=60) == ""
    assert files(connect) == []
    connect().execute("DROP TABLE blobs")  # so whoever asks it is refused
    assert await one_round(database_url) == ""
    assert "blobs" in await one_round(database_url, keep_files_seconds=60)


async def test_a_file_that_a_run_stores_anew_meanwhile_stays(database_url: str, connect: Connect) -> None:
    store_file(connect, "jobs/1/board.pdf", age="1 day")
    run = connect(autocommit=False)
    put_blob(run, "jobs/1/board.pdf", b"new", "text/plain")
    pruning = asyncio.create_task(prune(database_url, keep_files_seconds=60))
    waiting = """
        SELECT EXISTS (SELECT FROM pg_stat_activity
                        WHERE datname = current_database() AND wait_event_type = 'Lock' AND query ~ 'blobs')
        """
    watcher = connect()
    await asyncio.to_thread(eventually, lambda: watcher.execute(waiting).fetchone() == (True,))
    run.commit()
    await pruning
    assert connect().execute("SELECT bytes FROM blobs").fetchall() == [(b"new",)]


async def test_a_kept_model_run_outlives_its_job_with_its_file(database_url: str, connect: Connect) -> None:
    large = {"months": 240, "scenarios": {str(number): [] for number in range(5)}}
    handled = await run_handler_async(bundled.crew, "model_run", REFERENCE | large, database_url=database_url)
    connect().execute("""UPDATE blobs SET "createdAt" = now() - interval '9 years'""")
    await prune(database_url, keep_files_seconds=60)
    assert connect().execute('SELECT id FROM "modelRuns"').fetchall() == [(handled.result["modelRunId"],)]
    assert files(connect) == [handled.result["key"]]


async def test_files_are_walked_to_the_end_so_many_rows_and_bytes_at_a_time(
    database_url: str, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk_module, "BATCH", 7)
    monkeypatch.setattr(files_module, "FILE_BYTES", 250)
    monkeypatch.setattr(walk_module, "_BREATH_SECONDS", 0)
    for job in range(1, 51):
        store_file(connect, f"jobs/{job}/file", b"x" * 100, age="1 day" if job > 20 else "0")
    await prune(database_url, keep_files_seconds=60)
    assert sorted(files(connect)) == sorted(f"jobs/{job}/file" for job in range(1, 21))


async def test_one_call_deletes_no_more_than_its_bytes_and_at_least_one_file(connect: Connect) -> None:
    for number in range(1, 6):
        store_file(connect, f"jobs/{number}/file", b"x" * 100, age="1 day")
    limits = {"after": "", "batch": 10, "keep_files": 60}
    gone = [
        connect().execute(SQL["files/prune_files"], {**limits, "most_bytes": most}).fetchone()
        for most in (250, 1, 10**6)
    ]
    assert gone == [("jobs/3/file", 3), ("jobs/4/file", 1), ("jobs/5/file", 1)]
