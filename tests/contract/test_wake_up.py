"""Who is told what: NOTIFY after inserts and after changes by hand."""

from __future__ import annotations

import psycopg

from tests.conftest import Connect
from tests.contract.hands import Connection, insert, job_in, record, reserve


def listening(connect: Connect) -> Connection:
    connection = connect()
    connection.execute("LISTEN rowcrew_wake")
    connection.execute("LISTEN rowcrew_lost")
    return connection


def heard(connection: Connection) -> list[tuple[str, str]]:
    """All notifications of transactions that have committed by now."""
    connection.execute("SELECT 1")
    return [(notice.channel, notice.payload) for notice in connection.notifies(timeout=0)]


def test_an_insert_wakes_the_workers(connect: Connect) -> None:
    listener = listening(connect)
    insert(connect())
    assert heard(listener) == [("rowcrew_wake", "")]


def test_a_bulk_insert_wakes_them_once(connect: Connect) -> None:
    listener = listening(connect)
    connect().execute("INSERT INTO jobs (type) SELECT 'x' FROM generate_series(1, 1000)")
    with connect().cursor().copy("COPY jobs (type) FROM STDIN") as copy:
        for _ in range(1000):
            copy.write_row(["x"])
    assert heard(listener) == [("rowcrew_wake", ""), ("rowcrew_wake", "")]


def test_an_insert_that_is_rolled_back_wakes_nobody(connect: Connect) -> None:
    listener = listening(connect)
    producer = connect(autocommit=False)
    insert(producer)
    producer.rollback()
    assert heard(listener) == []


def test_a_slow_producer_does_not_mute_the_others(connect: Connect) -> None:
    listener = listening(connect)
    slow = connect(autocommit=False)
    slow.execute("SELECT pg_sleep(0.05)")
    insert(slow)  # holds the key of old transactions until it commits
    insert(connect())
    insert(connect())
    assert heard(listener) == [("rowcrew_wake", "")] * 2
    slow.commit()
    assert heard(listener) == [("rowcrew_wake", "")]


def test_changes_that_let_a_job_run_earlier_wake_the_workers(connect: Connect) -> None:
    connection = connect()
    waiting, failed = insert(connection), job_in(connection, "failed")
    listener = listening(connect)
    connection.execute("UPDATE jobs SET priority = 20 WHERE id = %s", [waiting])
    connection.execute("""UPDATE jobs SET "runAt" = now() WHERE id = %s""", [waiting])
    connection.execute("UPDATE jobs SET status = 'queued' WHERE id = %s", [failed])
    assert heard(listener) == [("rowcrew_wake", "")] * 3


def test_the_worker_that_loses_a_run_is_told_and_only_it(connect: Connect) -> None:
    connection = connect()
    running, waiting = job_in(connection, "processing"), insert(connection)
    listener = listening(connect)
    connection.execute("UPDATE jobs SET status = 'cancelled' WHERE id = ANY(%s)", [[running, waiting]])
    assert heard(listener) == [("rowcrew_lost", "7")]


def test_a_worker_that_writes_tells_nobody(connect: Connect) -> None:
    connection: psycopg.Connection[tuple[object, ...]] = connect()
    id = insert(connection)
    listener = listening(connect)
    for status in ("queued", "completed"):
        assert record(connection, id, reserve(connection, id), status)
    assert heard(listener) == []
