"""The view `job_why`: why a queued job does not run, for whoever reads SQL."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from rig.logins import As
from rig.staging import past_triggers
from rowcrew.admin.jobs import why
from rowcrew.table.link import Link
from tests.conftest import Connect
from tests.contract.hands import insert, one, register_worker, reserve

SERVING = {"queues": ["default"], "types": ["test"], "slots": 2}


def reason(connection: psycopg.Connection[Any], id: int) -> Any:
    return one(connection, "SELECT reason FROM job_why WHERE id = %s", [id])[0]


def aged(connection: psycopg.Connection[Any], id: int, seconds: int = 60) -> None:
    """As if the job had been ready for so long."""
    with past_triggers(connection):
        connection.execute(
            """UPDATE jobs SET "runAt" = now() - %s * interval '1 second' WHERE id = %s""", [seconds, id]
        )


def take_place(connection: psycopg.Connection[Any], id: int) -> None:
    """As the limited road reserves."""
    reserve(connection, id)
    with past_triggers(connection):
        connection.execute("""UPDATE jobs SET "placeAt" = clock_timestamp() WHERE id = %s""", [id])


def started(connection: psycopg.Connection[Any], scope: str, count: int, ago: str = "1 second") -> None:
    connection.execute(
        "INSERT INTO starts VALUES (%s, clock_timestamp() - %s::interval, %s, %s)", [scope, ago, count, count]
    )


async def code_of_why(database_url: str, id: int) -> str:
    """The weightiest reason that `rowcrew why` gives."""
    link = Link(database_url, purpose="test")
    answer = await why(link, id)
    await link.close()
    assert answer is not None
    return answer.reasons[0].code


@pytest.mark.parametrize(
    ("worker", "said"),
    [
        (None, "no-worker"),
        ({"stoppedAt": "2026-01-01"}, "no-worker"),
        ({"queues": ["other"]}, "queue-unserved"),
        ({"types": ["other"]}, "type-unknown"),
        ({"slots": 0}, "slots-taken"),
        ({}, "about-to-run"),
        ({"queues": []}, "about-to-run"),
    ],
)
def test_what_live_workers_offer_is_the_reason(
    connect: Connect, worker: dict[str, Any] | None, said: str
) -> None:
    connection = connect()
    if worker is not None:
        register_worker(connection, **{**SERVING, **worker})
    assert reason(connection, insert(connection)) == said


def test_a_job_that_is_due_later_says_what_for(connect: Connect) -> None:
    connection = connect()
    register_worker(connection, **SERVING)
    assert reason(connection, insert(connection, runAt="2199-01-01")) == "scheduled"
    with past_triggers(connection):
        parked = insert(connection)
        connection.execute("""UPDATE jobs SET "runAt" = '9000-01-01 00:00+00' WHERE id = %s""", [parked])
    assert reason(connection, parked) == "waiting"
    for outcome, said in (("retried", "backoff"), ("snoozed", "snoozed")):
        id = insert(connection, runAt="2199-01-01")
        with past_triggers(connection):
            connection.execute(
                """
                WITH run AS (
                  UPDATE jobs SET "leaseId" = gen_random_uuid() WHERE id = %s RETURNING id, "leaseId")
                INSERT INTO job_attempts ("leaseId", "jobId", attempt, outcome)
                SELECT "leaseId", id, 1, %s FROM run
                """,
                [id, outcome],
            )
        assert reason(connection, id) == said


def test_a_row_that_is_set_aside_says_so_before_all_else(connect: Connect) -> None:
    connection = connect()
    id = insert(connection)
    connection.execute(
        """INSERT INTO jobs_set_aside ("jobId", reason, "nextTryAt") VALUES (%s, 'odd', now() + '1 min')""",
        [id],
    )
    assert reason(connection, id) == "set-aside"


def test_a_paused_queue_is_the_reason(connect: Connect) -> None:
    connection = connect()
    register_worker(connection, **SERVING)
    connection.execute("""INSERT INTO queues (queue, paused, "maxConcurrent") VALUES ('default', true, 0)""")
    assert reason(connection, insert(connection)) == "queue-paused"


AT_ONCE, IN_A_MINUTE = "limit-reached", "rate-used-up"
REACHED = {
    """INSERT INTO queues (queue, "maxConcurrent") VALUES ('default', 1)""": AT_ONCE,
    """INSERT INTO queues (queue, "maxConcurrent") VALUES ('default', 0)""": AT_ONCE,
    """INSERT INTO queues (queue, "maxConcurrentPerKey") VALUES ('default', 1)""": AT_ONCE,
    """INSERT INTO limits (key, "maxConcurrent") VALUES ('a', 1)""": AT_ONCE,
    """INSERT INTO queues (queue, "rateLimit", "ratePeriodSeconds") VALUES ('default', 5, 60)""": IN_A_MINUTE,
    """INSERT INTO queues (queue, "rateLimitPerKey", "ratePeriodSeconds")
       VALUES ('default', 4, 60)""": IN_A_MINUTE,
    """INSERT INTO limits (key, "rateLimit", "ratePeriodSeconds") VALUES ('a', 3, 60)""": IN_A_MINUTE,
}


@pytest.mark.anyio
@pytest.mark.parametrize("limit", REACHED)
async def test_a_limit_that_is_reached_is_the_reason_for_the_view_and_the_command(
    connect: Connect, database_url: str, limit: str
) -> None:
    connection = connect()
    register_worker(connection, **SERVING)
    connection.execute(limit.encode())
    take_place(connection, insert(connection, concurrencyKey="a"))
    started(connection, "queue default", 5)
    started(connection, "queue default key a", 4)
    started(connection, "key a", 3)
    id = insert(connection, concurrencyKey="a")
    assert reason(connection, id) == REACHED[limit]
    assert await code_of_why(database_url, id) == REACHED[limit]


@pytest.mark.parametrize(
    "limit",
    [
        """INSERT INTO queues (queue, "maxConcurrent", "maxConcurrentPerKey") VALUES ('default', 2, 2)""",
        """INSERT INTO limits (key, "maxConcurrent", "rateLimit") VALUES ('a', 2, 4), ('b', 0, 0)""",
        """INSERT INTO queues (queue, "rateLimit", "ratePeriodSeconds") VALUES ('default', 4, 2)""",
        """INSERT INTO queues (queue, "maxConcurrent") VALUES ('other', 0)""",
    ],
)
def test_a_limit_that_leaves_room_is_none(connect: Connect, limit: str) -> None:
    connection = connect()
    register_worker(connection, **SERVING)
    connection.execute(limit.encode())
    take_place(connection, insert(connection, concurrencyKey="a"))
    started(connection, "queue default", 5, "3 seconds")
    started(connection, "key a", 3)
    assert reason(connection, insert(connection, concurrencyKey="a")) == "about-to-run"


def test_a_job_that_nobody_takes_though_slots_are_free_is_overdue(connect: Connect) -> None:
    connection = connect()
    register_worker(connection, **SERVING)
    id = insert(connection)
    aged(connection, id)
    assert reason(connection, id) == "overdue"


def test_only_queued_jobs_have_a_row(connect: Connect) -> None:
    connection = connect()
    reserve(connection, insert(connection))
    assert connection.execute("SELECT FROM job_why").fetchall() == []


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("worker", "columns"),
    [
        (None, {}),
        ({"queues": ["other"]}, {}),
        ({"types": ["other"]}, {}),
        ({"slots": 0}, {}),
        ({}, {}),
        ({}, {"runAt": "2199-01-01"}),
        ({}, {"age": 60}),
    ],
)
async def test_the_view_and_the_command_say_the_same(
    connect: Connect, database_url: str, worker: dict[str, Any] | None, columns: dict[str, Any]
) -> None:
    connection = connect()
    if worker is not None:
        register_worker(connection, **{**SERVING, **worker})
    seconds = columns.pop("age", None)
    id = insert(connection, **columns)
    if seconds:
        aged(connection, id, seconds)
    assert await code_of_why(database_url, id) == reason(connection, id)


def test_a_reader_may_ask_and_sees_the_same(connect: Connect, as_role: As) -> None:
    connection = connect()
    connection.execute("""INSERT INTO limits (key, "rateLimit") VALUES ('a', 0)""")
    connection.execute("""INSERT INTO queues (queue, "rateLimitPerKey") VALUES ('default', 0)""")
    register_worker(connection, **SERVING)
    id = insert(connection, concurrencyKey="a")
    assert reason(as_role("reader"), id) == "rate-used-up"
