"""Rows that no statement takes, and rows that somebody holds: the others run, and the worker lives."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, LiteralString

import pytest

from rig.databases import new_database
from rig.fixtures import StartWorker
from rig.journal import Gate, Journal
from rig.table import Table
from rig.waiting import eventually
from rowcrew.embedded import EmbeddedPostgres
from rowcrew.model.status import Status
from rowcrew.table import migrate


def test_changed_rows_that_somebody_holds_delay_no_beat(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    worker = start_worker(WORKER_CONCURRENCY=8, WORKER_HEARTBEAT_INTERVAL=0.2).ready()
    jobs = [table.enqueue("hold", {"gate": gate.path}) for _ in range(7)]
    journal.has("start", times=7)
    taken = jobs[5:]
    with table.another() as hand:
        hand.execute("UPDATE jobs SET status = 'cancelled' WHERE id = ANY (%s)", (taken,))
        hand.commit()
        hand.execute("SELECT FROM jobs WHERE id = ANY (%s) FOR UPDATE", (taken,))
        for job in taken:
            worker.said("job.stopping", job_id=job)
        before = table.rows("SELECT beats FROM workers")[0]["beats"]
        eventually(lambda: table.rows("SELECT beats FROM workers")[0]["beats"] >= before + 20)
        hand.rollback()
    eventually(
        lambda: not table.rows('SELECT 1 FROM jobs WHERE status = %s AND "workerId" IS NOT NULL', "cancelled")
    )
    gate.open()
    for job in jobs[:5]:
        assert table.until(job, "completed")["attempts"] == 1
    assert worker.heard("fence.closed") == worker.heard("database.lost") == []
    assert worker.stop() == 0


def a_row_against_a_check(table: Table) -> int:
    job = table.enqueue("noop")
    table.rows("UPDATE jobs SET priority = 7 WHERE id = %s", job)
    table.rows("ALTER TABLE jobs ADD CONSTRAINT no_seven CHECK (priority <> 7) NOT VALID")
    return job


def a_trigger_when_it_starts(table: Table) -> int:
    return a_trigger(table, "OLD.status = 'queued' AND NEW.status = 'processing'")


def a_trigger_when_it_completes(table: Table) -> int:
    return a_trigger(table, "NEW.status = 'completed'")


def a_trigger_at_every_end(table: Table) -> int:
    return a_trigger(table, "OLD.status = 'processing' AND NEW.status <> 'processing'")


def a_trigger(table: Table, when: LiteralString) -> int:
    job = table.enqueue("noop")
    table.rows(
        """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'not this one'; END $$
        """
    )
    table.rows(
        "CREATE TRIGGER refuse BEFORE UPDATE ON jobs FOR EACH ROW"
        f" WHEN (OLD.id = {job:d} AND {when}) EXECUTE FUNCTION refuse()"
    )
    return job


def counters_that_are_full(table: Table) -> int:
    job = table.enqueue("noop")
    table.rows("ALTER TABLE jobs DISABLE TRIGGER USER")
    table.rows("UPDATE jobs SET attempts = 32767, revision = 2147483647 WHERE id = %s", job)
    table.rows("ALTER TABLE jobs ENABLE TRIGGER USER")
    return job


def a_payload_too_large_as_text(table: Table) -> int:
    """Numbers of a few bytes with 131,072 digits each, more together than the server puts into one text.

    The noise makes the row large as it is stored, and so one that a worker takes alone.
    """
    job = table.enqueue("noop")
    table.rows(
        """
        UPDATE jobs
           SET payload = jsonb_build_object(
               'numbers', (SELECT jsonb_agg('1e131071'::jsonb) FROM generate_series(1, 8200)),
               'noise', (SELECT string_agg(md5(n::text), '') FROM generate_series(1, 16000) AS n))
         WHERE id = %s
        """,
        job,
    )
    return job


Odd = Callable[[Table], int]
# What is odd, and the status that its row comes to.
ODD: list[Any] = [
    (a_row_against_a_check, "queued"),
    (a_trigger_when_it_starts, "queued"),
    (a_trigger_when_it_completes, "failed"),
    (a_trigger_at_every_end, "processing"),
    (counters_that_are_full, "queued"),
    pytest.param(
        a_payload_too_large_as_text, "failed", marks=[pytest.mark.slow, pytest.mark.timeout(300)]
    ),  # the server writes a GiB before it refuses
]


@pytest.mark.parametrize(("odd", "status"), ODD, ids=lambda value: getattr(value, "__name__", None))
def test_one_odd_row_stops_no_other_and_no_worker(
    start_worker: StartWorker, table: Table, odd: Odd, status: Status
) -> None:
    meets_one_odd_row(start_worker, table, odd, status)


def test_bytes_that_are_no_text_stop_no_other_row(
    start_worker: StartWorker, server: EmbeddedPostgres
) -> None:
    """In a database in SQL_ASCII a payload may hold anything."""
    with new_database(server, "plain", encoding="SQL_ASCII") as name:
        url = server.url_of(name)
        migrate.migrate(f"{url}&client_encoding=utf8")
        table = Table(f"{url}&client_encoding=utf8")
        meets_one_odd_row(functools.partial(start_worker, url=url), table, a_payload_in_latin_1, "failed")
        table.close()


def a_payload_in_latin_1(table: Table) -> int:
    job = table.enqueue("noop")
    with table.another() as client:
        client.execute("SET client_encoding = 'SQL_ASCII'")
        payload: LiteralString = "convert_from('\\x7b2261223a22e9227d', 'SQL_ASCII')::jsonb"
        client.execute(f"UPDATE jobs SET payload = {payload} WHERE id = %s", (job,))
        client.commit()
    return job


def meets_one_odd_row(start_worker: StartWorker, table: Table, odd: Odd, status: Status) -> None:
    table.rows("INSERT INTO jobs (type) SELECT 'noop' FROM generate_series(1, 100)")
    job = odd(table)
    table.rows("INSERT INTO jobs (type) SELECT 'noop' FROM generate_series(1, 100)")
    worker = start_worker(WORKER_CONCURRENCY=50).ready()
    eventually(lambda: table.count("completed") == 200, 120)
    asked: LiteralString = 'SELECT status, "errorMessage" FROM jobs WHERE id = %s'
    if status == "failed":
        eventually(lambda: table.rows(asked, job)[0]["status"] == "failed", 60)
        assert table.rows(asked, job)[0]["errorMessage"]
    else:
        worker.said("job.set_aside", job_id=job)
        assert table.rows(asked, job)[0]["status"] == status
        (aside,) = table.rows("SELECT * FROM jobs_set_aside")
        assert (aside["jobId"], aside["tries"]) == (job, 1)
    assert table.until(table.enqueue("noop"), "completed")["attempts"] == 1
    assert worker.heard("worker.crashed") == []
    assert worker.stop() == 0
