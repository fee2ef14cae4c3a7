"""The three functions that tell one number each to whoever starts workers, and why they are safe to call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from tests.conftest import Connect
from tests.contract.hands import insert, job_in, one, register_worker, reserve

FUNCTIONS = ("rowcrew_ready", "rowcrew_backlog", "get_active_worker_count")


def number(connection: psycopg.Connection[Any], function: str, queue: str | None = "default") -> Any:
    return one(connection, f"SELECT {function}(%s)", [queue])[0]


@contextmanager
def scaler(connect: Connect) -> Iterator[psycopg.Connection[Any]]:
    """A session of a role that may call the functions and nothing else."""
    owner = connect()
    owner.execute("CREATE ROLE scaler")
    try:
        for function in FUNCTIONS:
            owner.execute(f"GRANT EXECUTE ON FUNCTION {function} TO scaler".encode())
        session = connect()
        session.execute("SET ROLE scaler")
        yield session
        session.execute("RESET ROLE")
    finally:
        owner.execute("DROP OWNED BY scaler")
        owner.execute("DROP ROLE scaler")


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("queue", ["no-such-queue", "", None])
def test_the_number_is_never_null(connect: Connect, function: str, queue: str | None) -> None:
    assert number(connect(), function, queue) == 0


def test_a_role_that_may_do_nothing_else_reads_the_numbers(connect: Connect) -> None:
    insert(connect())
    register_worker(connect())
    with scaler(connect) as session:
        assert [number(session, function) for function in FUNCTIONS] == [1, 1, 1]
        for statement in ("SELECT FROM jobs", "SELECT FROM workers", "SELECT FROM queues"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                session.execute(statement.encode())


@pytest.mark.parametrize("function", FUNCTIONS)
def test_nobody_may_call_them_who_was_not_given_the_right(connect: Connect, function: str) -> None:
    owner = connect()
    assert owner.execute(
        "SELECT has_function_privilege('public', %s, 'EXECUTE')", [f"{function}(text)"]
    ).fetchone() == (False,)


def test_temporary_tables_and_search_paths_of_the_caller_do_not_fool_them(connect: Connect) -> None:
    owner = connect()
    insert(owner)
    register_worker(owner)
    with scaler(connect) as session:
        for table in ("jobs", "workers", "queues", "limits"):
            session.execute(f"CREATE TEMP TABLE {table} (queue text, status text, paused boolean)".encode())
        session.execute(
            "CREATE FUNCTION pg_temp.now() RETURNS timestamptz LANGUAGE sql RETURN NULL::timestamptz"
        )
        session.execute("SET search_path = pg_temp, public")
        assert [number(session, f"public.{function}") for function in FUNCTIONS] == [1, 1, 1]


def test_ready_is_what_could_start_now_and_the_backlog_adds_what_runs(connect: Connect) -> None:
    connection = connect()
    for _ in range(3):
        insert(connection)
    insert(connection, runAt="2199-01-01")
    insert(connection, queue="other")
    for status in ("completed", "failed", "cancelled", "processing", "processing"):
        job_in(connection, status)
    assert (number(connection, "rowcrew_ready"), number(connection, "rowcrew_backlog")) == (3, 5)


def test_nothing_is_ready_in_a_paused_queue_and_what_runs_there_still_counts(connect: Connect) -> None:
    connection = connect()
    insert(connection)
    job_in(connection, "processing")
    connection.execute("INSERT INTO queues (queue, paused) VALUES ('default', true)")
    assert (number(connection, "rowcrew_ready"), number(connection, "rowcrew_backlog")) == (0, 1)


def test_a_limit_of_the_queue_does_not_cut_the_crowd(connect: Connect) -> None:
    connection = connect()
    for _ in range(5):
        insert(connection)
    connection.execute(
        """INSERT INTO queues (queue, "maxConcurrent", "rateLimit") VALUES ('default', 1, 0)"""
    )
    assert number(connection, "rowcrew_ready") == 5


def hold_place(connection: psycopg.Connection[Any], id: int) -> None:
    """As the limited road reserves."""
    reserve(connection, id)
    connection.execute("SET session_replication_role = replica")
    connection.execute("""UPDATE jobs SET "placeAt" = clock_timestamp() WHERE id = %s""", [id])
    connection.execute("RESET session_replication_role")


def test_of_a_key_with_a_named_limit_no_more_than_its_free_places_are_ready(connect: Connect) -> None:
    connection = connect()
    connection.execute("""INSERT INTO limits (key, "maxConcurrent") VALUES ('tenant', 2)""")
    for _ in range(6):
        insert(connection, concurrencyKey="tenant")
    for key in ("free", "free", "free", None, None):
        insert(connection, concurrencyKey=key)
    assert number(connection, "rowcrew_ready") == 2 + 5
    hold_place(connection, insert(connection, concurrencyKey="tenant", queue="other"))
    assert number(connection, "rowcrew_ready") == 1 + 5


def test_of_each_key_no_more_than_the_queues_limit_per_key_are_ready(connect: Connect) -> None:
    connection = connect()
    connection.execute("""INSERT INTO queues (queue, "maxConcurrentPerKey") VALUES ('default', 3)""")
    connection.execute("""INSERT INTO limits (key, "maxConcurrent") VALUES ('a', 1), ('c', NULL)""")
    for key, times in (("a", 5), ("b", 5), ("c", 2), (None, 4)):
        for _ in range(times):
            insert(connection, concurrencyKey=key)
    assert number(connection, "rowcrew_ready") == 1 + 3 + 2 + 4
    hold_place(connection, insert(connection, concurrencyKey="b"))
    assert number(connection, "rowcrew_ready") == 1 + 2 + 2 + 4


def test_a_named_limit_without_a_number_at_once_cuts_nothing(connect: Connect) -> None:
    connection = connect()
    connection.execute("""INSERT INTO limits (key, "rateLimit") VALUES ('a', 1)""")
    for _ in range(4):
        insert(connection, concurrencyKey="a")
    assert number(connection, "rowcrew_ready") == 4


@pytest.mark.parametrize(
    ("columns", "counts"),
    [
        ({}, 1),
        ({"queues": []}, 1),
        ({"queues": ["mails", "default"]}, 1),
        ({"queues": ["mails"]}, 0),
        ({"heartbeatAt": "2026-01-01"}, 0),
        ({"stoppedAt": "2026-01-01"}, 0),
        ({"lostAt": "2026-01-01"}, 0),
        ({"asked": "drain"}, 0),
        ({"asked": "terminate"}, 0),
    ],
)
def test_workers_count_while_they_live_and_serve_the_queue(
    connect: Connect, columns: dict[str, Any], counts: int
) -> None:
    connection = connect()
    register_worker(connection, **columns)
    assert number(connection, "get_active_worker_count") == counts
