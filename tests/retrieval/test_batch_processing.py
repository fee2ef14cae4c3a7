"""Batches of files on a worker with one slot: their children, and what a death of the worker leaves."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rig.fixtures import StartWorker
from rig.table import Row, Table
from rig.waiting import eventually
from rig.worker_process import WorkerProcess
from tests.retrieval.conftest import Library

CREW = "rowcrew.bundled:crew"
GATE = """
    CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock(CAST(TG_ARGV[0] AS integer));
        RETURN NEW;
    END $$
"""
WAITING = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted AND classid = 0"
# The moments at which a worker dies, in their order: each is a change of a row that comes next.
MOMENTS = {
    "the children are not committed": ('INSERT ON "batchFiles"', "NEW.place = 2"),
    "the children are committed, and the parent does not wait": (
        "UPDATE ON jobs",
        "OLD.type = 'batch_processing' AND NEW.\"waitsFor\" IS NOT NULL",
    ),
    "a child stores its chunks": ("INSERT ON chunks", "NEW.content LIKE '%second%' AND NEW.place = 2"),
    "a child ends": ("UPDATE ON jobs", "OLD.type = 'file_processing' AND NEW.status = 'completed'"),
    "the parent sums up": ("UPDATE ON jobs", "OLD.type = 'batch_processing' AND NEW.status = 'completed'"),
}


def file(text: str, **payload: Any) -> dict[str, Any]:
    return {"source": {"inlineBase64": base64.b64encode(text.encode()).decode()}, **payload}


def children(table: Table, batch: int) -> list[Row]:
    return table.rows('SELECT * FROM jobs WHERE "parentId" = %s ORDER BY id', batch)


@pytest.fixture(scope="module")
def batches(shared_table: Table, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Table]:
    """A table that one worker with one slot serves."""
    folder: Path = tmp_path_factory.mktemp("batches")
    worker = WorkerProcess(
        shared_table.address,
        log=folder / "log",
        journal=folder / "journal",
        crew=CREW,
        WORKER_CONCURRENCY=1,
    )
    yield shared_table
    worker.clean_up()


def test_one_slot_is_enough_and_a_file_that_cannot_be_read_stops_no_other(batches: Table) -> None:
    files = [file(f"file {number}") for number in range(4)] + [file("%PDF-broken")]
    batch = batches.enqueue("batch_processing", {"files": files, "concurrency": 2}, priority=10)
    row = batches.until(batch, "completed", seconds=90)
    rows = children(batches, batch)
    assert [child["status"] for child in rows] == ["completed"] * 4 + ["failed"]
    assert {(child["queue"], child["priority"]) for child in rows} == {("default", 10)}
    ids = [child["id"] for child in rows]
    assert [child["waitsFor"] for child in rows] == [None, None, [ids[0]], [ids[1]], [ids[2]]]
    result = row["result"]
    assert (result["total"], result["completed"], result["failed"]) == (5, 4, 1)
    assert [(child["jobId"], child["documentId"] is None) for child in result["children"]] == [
        (id, number == 4) for number, id in enumerate(ids)
    ]
    assert row["progress"] == {"current": 5, "total": 5, "message": "5 of 5 files"}
    assert (row["waitsFor"], row["attempts"]) == (ids, 1)


def test_while_files_are_processed_the_batch_waits_and_counts_those_that_ended(batches: Table) -> None:
    elsewhere = batches.enqueue("nobody_knows_this")
    batch = batches.enqueue("batch_processing", {"files": [file("a"), file("b")]}, waitsFor=[elsewhere])
    batches.set_status(elsewhere, "completed")
    batches.until(batch, "completed", seconds=90)
    assert len(children(batches, batch)) == 2


def test_when_a_file_failed_those_that_have_not_begun_are_cancelled_and_so_fails_the_batch(
    batches: Table,
) -> None:
    files = [file("good"), file("%PDF-broken"), file("later"), file("last")]
    payload = {"files": files, "concurrency": 1, "onChildFailure": "cancel"}
    batch = batches.enqueue("batch_processing", payload)
    row = batches.until(batch, "failed", seconds=90)
    rows = children(batches, batch)
    assert [child["status"] for child in rows] == ["completed", "failed", "cancelled", "cancelled"]
    assert rows[3]["errorMessage"] == f"job {rows[1]['id']}, a file of the same batch, failed"
    assert (
        f"file 2 of 4 failed, job {rows[1]['id']}: PermanentError: the PDF is damaged" in row["errorMessage"]
    )
    assert "; 2 were cancelled" in row["errorMessage"]


def test_a_batch_that_runs_once_more_enqueues_no_file_again(batches: Table) -> None:
    batch = batches.enqueue("batch_processing", {"files": [file("once"), file("twice")]})
    first = batches.until(batch, "completed", seconds=90)
    batches.rows("UPDATE jobs SET status = 'queued', \"waitsFor\" = NULL WHERE id = %s", batch)
    again = batches.until(batch, "completed", seconds=90)
    assert again["result"] == first["result"]
    assert len(children(batches, batch)) == 2


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        ({"files": []}, "files"),
        ({"files": [{"file_path": "a", "surprise": 1}]}, "surprise"),
        ({"files": [{"file_path": "a"}], "concurrency": 0}, "concurrency"),
    ],
)
def test_a_batch_that_makes_no_sense_is_refused_whole(
    library: Library, payload: dict[str, Any], told: str
) -> None:
    outcome = library.run("batch_processing", payload).outcome
    assert told in str(outcome)
    assert library.rows("SELECT count(*) FROM jobs") == [(0,)]


@contextmanager
def held_at(address: str, moment: str) -> Iterator[int]:
    """Whoever comes to this moment waits until the block ends; its number."""
    number = list(MOMENTS).index(moment) + 1
    change, condition = MOMENTS[moment]
    trigger = f"""
        CREATE TRIGGER "{number}" BEFORE {change} FOR EACH ROW WHEN ({condition})
        EXECUTE FUNCTION gate({number})
    """
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [number])
        connection.execute(trigger.encode())
        yield number


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_batch_whose_worker_is_killed_at_any_moment_processes_each_file_once(
    table: Table, start_worker: StartWorker
) -> None:
    texts = [f"The {name} file says it again. " * 40 for name in ("first", "second", "third")]
    files = [file(text, chunkSize=100, chunkOverlap=0) for text in texts]
    batch = table.enqueue("batch_processing", {"files": files, "concurrency": 2})
    table.rows(GATE)
    for moment in MOMENTS:
        with held_at(table.address, moment) as number:
            worker = start_worker(crew=CREW, WORKER_CONCURRENCY=1)
            eventually(partial(table.rows, WAITING, number), 60)
            worker.clean_up()
    start_worker(crew=CREW, WORKER_CONCURRENCY=1)
    row = table.until(batch, "completed", seconds=90)
    rows = children(table, batch)
    assert [child["status"] for child in rows] == ["completed"] * 3
    assert [child["jobId"] for child in row["result"]["children"]] == [child["id"] for child in rows]
    assert row["result"]["completed"] == 3
    kept = table.rows(
        """
        SELECT string_agg(substr(content, overlap + 1), '' ORDER BY place) AS text
          FROM chunks
         GROUP BY "documentId"
         ORDER BY text
        """
    )
    assert [document["text"] for document in kept] == texts
