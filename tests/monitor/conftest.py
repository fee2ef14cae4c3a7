"""A lively database: queues in every standing, workers in every state, jobs that ended, wait and run."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from rig.staging import past_triggers
from tests.conftest import Connect
from tests.contract.hands import insert, job_in, register_worker, reserve

Connection = psycopg.Connection[tuple[Any, ...]]


def ended(
    connection: Connection, queue: str, *, minutes_ago: int, count: int, outcome: str = "completed"
) -> None:
    """What a worker has counted of one minute."""
    connection.execute(
        """
        INSERT INTO job_stats ("endsAt", seconds, "workerId", queue, type, outcome, count)
        VALUES (clock_timestamp() - %s * interval '1 minute' - interval '10 s', 60, 1, %s, 'test', %s, %s)
        """,
        [minutes_ago, queue, outcome, count],
    )


def age(connection: Connection, id: int, seconds: int) -> None:
    """Make a queued job ready since so many seconds."""
    with past_triggers(connection):
        connection.execute(
            """UPDATE jobs SET "runAt" = clock_timestamp() - %s * interval '1 s' WHERE id = %s""",
            [seconds, id],
        )


@pytest.fixture
def lively(connect: Connect) -> Connection:
    connection = connect()
    worker = register_worker(
        connection,
        name="alpha",
        queues=["ai", "mail", "reports"],
        types=["test", "report"],
        slots=4,
        cpuPercent=50,
        leaseSeconds=3_600,
        memoryBytes=200 * 2**20,
    )
    register_worker(
        connection,
        name="beta",
        queues=["ai"],
        types=["test"],
        slots=2,
        cpuPercent=20,
        leaseSeconds=3_600,
        memoryBytes=100 * 2**20,
        asked="drain",
    )
    register_worker(connection, name="gone", queues=["ai"], types=["test"], stoppedAt="2026-01-01")
    connection.execute("INSERT INTO queues (queue, paused) VALUES ('mail', true)")
    age(connection, insert(connection, id=1, queue="ai"), 300)
    insert(connection, id=2, queue="ai")
    insert(connection, id=3, queue="mail")
    age(connection, insert(connection, id=4, queue="pdf", type="pdf_export"), 5)
    insert(connection, id=5, queue="reports", type="report")
    reserve(connection, 5, worker)
    connection.execute(
        """
        UPDATE jobs SET progress = '{"current": 5, "total": 10, "message": "Processing chunks"}',
               revision = revision + 1 WHERE id = 5
        """
    )
    job_in(connection, "failed", id=6, queue="ai")
    connection.execute(
        """
        UPDATE jobs SET "errorMessage" = 'ValueError: no such model', revision = revision + 1 WHERE id = 6
        """
    )
    connection.execute(
        """
        INSERT INTO job_attempts ("leaseId", "jobId", attempt, outcome, error, traceback, "memoryBytes",
                                  "startedAt")
        SELECT "leaseId", 6, 1, 'failed', 'ValueError: no such model', 'Traceback: line 1', 52428800,
               "startedAt"
          FROM jobs WHERE id = 6
        """
    )
    job_in(connection, "completed", id=7, queue="reports", type="report")
    for minutes_ago in range(5):
        ended(connection, "ai", minutes_ago=minutes_ago, count=2)
    ended(connection, "ai", minutes_ago=30, count=3, outcome="failed")
    return connection
