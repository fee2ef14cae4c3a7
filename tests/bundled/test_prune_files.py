"""The type `prune_files`: which stored files go, which stay, and how it keeps running."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from rig.fixtures import StartWorker
from rig.table import Table
from rig.waiting import eventually
from rowcrew.bundled import crew
from rowcrew.bundled.files import pruning
from rowcrew.bundled.files.blobs import put_blob
from rowcrew.bundled.files.statements import SQL
from rowcrew.testing import HandlerRun, run_handler
from tests.bundled.saas_payload import REFERENCE
from tests.conftest import Connect


@pytest.fixture(autouse=True)
def keep_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORED_FILE_TTL", "60")
    monkeypatch.delenv("S3_BUCKET_NAME", raising=False)


def prune(database_url: str) -> HandlerRun:
    return run_handler(crew, "prune_files", database_url=database_url)


def store_file(connect: Connect, key: str, content: bytes = b"file", age: str = "0") -> None:
    put_blob(connect(), key, content, "text/plain")
    connect().execute('UPDATE blobs SET "createdAt" = now() - %s::interval WHERE key = %s', (age, key))


def files(connect: Connect) -> list[str]:
    return [row[0] for row in connect().execute('SELECT key FROM blobs ORDER BY key COLLATE "C"')]


def test_files_of_jobs_go_after_their_time_whether_or_not_the_job_has_a_row(
    database_url: str, connect: Connect
) -> None:
    connection = connect()
    ((job,),) = connection.execute("INSERT INTO jobs (type) VALUES ('noop') RETURNING id")
    kept = ["in/may.csv", f"jobs/{job}/new.pdf", "jobs/notes.txt", "jobs/x/1", "modelRuns/ab.json"]
    for key in kept:
        store_file(connect, key, age="59 seconds" if key.endswith("pdf") else "9 years")
    for key in (f"jobs/{job}/old.pdf", f"jobs/{job}/2027/old.pdf", f"jobs/{job + 1}/rejected.csv"):
        store_file(connect, key, age="61 seconds")
    prune(database_url)
    assert files(connect) == kept


def test_a_file_that_a_run_stores_anew_meanwhile_stays(database_url: str, connect: Connect) -> None:
    store_file(connect, "jobs/1/board.pdf", age="1 day")
    run = connect(autocommit=False)
    put_blob(run, "jobs/1/board.pdf", b"new", "text/plain")
    prune_thread = threading.Thread(target=prune, args=[database_url], daemon=True)
    prune_thread.start()
    waiting = """
        SELECT EXISTS (SELECT FROM pg_stat_activity
                        WHERE datname = current_database() AND wait_event_type = 'Lock' AND query ~ 'blobs')
        """
    watcher = connect()
    eventually(lambda: watcher.execute(waiting).fetchone() == (True,))
    run.commit()
    prune_thread.join(30)
    assert connect().execute("SELECT bytes FROM blobs").fetchall() == [(b"new",)]


def test_a_kept_model_run_outlives_its_job_with_its_file(database_url: str, connect: Connect) -> None:
    large = {"months": 240, "scenarios": {str(number): [] for number in range(5)}}
    handled = run_handler(crew, "model_run", REFERENCE | large, database_url=database_url)
    connect().execute("""UPDATE blobs SET "createdAt" = now() - interval '9 years'""")
    prune(database_url)
    assert connect().execute('SELECT id FROM "modelRuns"').fetchall() == [(handled.result["modelRunId"],)]
    assert files(connect) == [handled.result["key"]]


def test_files_are_walked_to_the_end_so_many_rows_and_bytes_at_a_time(
    database_url: str, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "BATCH", 7)
    monkeypatch.setattr(pruning, "FILE_BYTES", 250)
    monkeypatch.setattr(pruning, "_BREATH_SECONDS", 0)
    for job in range(1, 51):
        store_file(connect, f"jobs/{job}/file", b"x" * 100, age="1 day" if job > 20 else "0")
    prune(database_url)
    assert sorted(files(connect)) == sorted(f"jobs/{job}/file" for job in range(1, 21))


def test_one_call_deletes_no_more_than_its_bytes_and_at_least_one_file(connect: Connect) -> None:
    for number in range(1, 6):
        store_file(connect, f"jobs/{number}/file", b"x" * 100, age="1 day")
    limits = {"after": "", "batch": 10, "keep_files": 60}
    gone = [
        connect().execute(SQL["prune_files"], {**limits, "most_bytes": most}).fetchone()
        for most in (250, 1, 10**6)
    ]
    assert gone == [("jobs/3/file", 3), ("jobs/4/file", 1), ("jobs/5/file", 1)]


def test_without_a_time_no_file_goes_and_no_run_follows(
    database_url: str, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STORED_FILE_TTL")
    store_file(connect, "jobs/1/board.pdf", age="9 years")
    handled = prune(database_url)
    assert (handled.result, handled.children) == ({"deleted": 0}, [])
    assert files(connect) == ["jobs/1/board.pdf"]


def test_the_longest_time_deletes_nothing_and_fails_nowhere(
    database_url: str, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORED_FILE_TTL", "36500d")
    store_file(connect, "jobs/1/report.csv", age="99 years")
    assert prune(database_url).result == {"deleted": 0}
    assert files(connect) == ["jobs/1/report.csv"]


def test_a_run_follows_in_an_hour_for_as_long_as_there_are_files_of_jobs(
    database_url: str, connect: Connect
) -> None:
    store_file(connect, "jobs/1/old.pdf", age="1 day")
    store_file(connect, "jobs/1/new.pdf")
    store_file(connect, "in/may.csv")
    (following,) = prune(database_url).children
    assert (following.type, following.unique_key, following.parent_id) == ("prune_files", "prune_files", None)
    assert following.run_at == timedelta(hours=1)
    connect().execute("DELETE FROM blobs WHERE key = 'jobs/1/new.pdf'")
    assert prune(database_url).children == []


def test_a_job_that_stores_a_file_has_pruning_enqueued_once(
    database_url: str, connect: Connect, start_worker: StartWorker, table: Table
) -> None:
    """The two exports commit one after the other, and the second finds the key taken."""
    worker = start_worker(crew="rowcrew.bundled:crew", STORED_FILE_TTL="1d", POLL_INTERVAL=0.2)
    payload = {"source": {"document": {"title": "Board", "sections": [{"heading": "One", "text": "Words"}]}}}
    exports = [table.enqueue("pdf_export", payload) for _ in range(2)]
    for job in exports:
        table.until(job, "completed")
    pruning_jobs = "SELECT status, \"uniqueKey\" FROM jobs WHERE type = 'prune_files' ORDER BY id"
    eventually(
        lambda: (
            connect().execute(pruning_jobs).fetchall()
            == [("completed", "prune_files"), ("queued", "prune_files")]
        )
    )
    worker.kill()
