"""What the pages' examples take for granted: a database with a few jobs in every status, and two workers."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator

import psycopg
import pytest

from rowcrew.embedded import EmbeddedPostgres, find_binaries
from tests.contract.hands import Connection, insert, record, register_worker, reserve

Psql = Callable[..., str]

CHANGES = (
    """
    UPDATE jobs SET "errorMessage" = 'ValueError: no such scenario', revision = revision + 1 WHERE id = 43
    """,
    """
    INSERT INTO job_attempts ("leaseId", "jobId", attempt, outcome, error, "memoryBytes", "startedAt")
    SELECT gen_random_uuid(), 43, attempt, CASE attempt WHEN 3 THEN 'failed' ELSE 'retried' END,
           'ValueError: no such scenario', 52428800, now()
      FROM generate_series(2, 3) AS attempt
    """,
    """
    UPDATE jobs SET "updatedAt" = now() - interval '11 minutes', revision = revision + 1 WHERE id = 44
    """,
    """
    INSERT INTO job_types (type, description, "payloadSchema") VALUES ('model_run', 'A model.', '{}')
    """,
)


def furnish(connection: Connection) -> None:
    """The jobs that the pages speak of: 42 is queued, 43 failed, 44 runs and has stood still."""
    worker = register_worker(connection, name="alpha", queues=[], types=["model_run", "report"], slots=4)
    register_worker(connection, name="beta", types=["model_run"], stoppedAt="2026-01-01")
    for id in range(31, 41):
        assert record(connection, insert(connection, id=id), reserve(connection, id))
    insert(connection, id=42, type="model_run")
    insert(connection, id=43, type="model_run")
    assert record(connection, 43, reserve(connection, 43), "failed")
    insert(connection, id=44, type="report")
    reserve(connection, 44, worker)
    insert(connection, id=45, type="report", queue="reports")
    assert record(connection, insert(connection, id=46), reserve(connection, 46), "cancelled")
    insert(connection, id=47, type="nobody_knows", runAt="2199-01-01")
    for outcome, type in (("completed", "report"), ("retried", "report"), ("completed", "costs")):
        connection.execute(
            """
            INSERT INTO job_stats ("endsAt", seconds, "workerId", queue, type, outcome, count,
                                   "runBuckets", "runCounts")
            VALUES (now() - interval '1 min', 60, 1, 'cost_collection', %s, %s, 9, '{20,70}', '{5,4}')
            """,
            [type, outcome],
        )
    for statement in CHANGES:
        connection.execute(statement)
    connection.execute("ALTER TABLE jobs ALTER COLUMN id RESTART WITH 100")


@pytest.fixture(scope="module")
def furnished_url(server: EmbeddedPostgres, migrated_template: str) -> Iterator[str]:
    """A database that the tests of a module share, because they roll back what they do."""
    with psycopg.connect(server.url, autocommit=True) as postgres:
        postgres.execute(f"CREATE DATABASE furnished TEMPLATE {migrated_template} STRATEGY file_copy")
        with psycopg.connect(server.url_of("furnished"), autocommit=True) as connection:
            furnish(connection)
        yield server.url_of("furnished")
        postgres.execute("DROP DATABASE furnished WITH (FORCE)")


@pytest.fixture(scope="session")
def psql() -> Psql:
    """Run SQL through psql, as a reader would; its answer."""

    def psql(url: str, sql: str) -> str:
        command = [str(find_binaries() / "bin" / "psql"), url, "-X", "-v", "ON_ERROR_STOP=1"]
        done = subprocess.run(command, input=sql, text=True, capture_output=True)
        assert done.returncode == 0, done.stderr
        return str(done.stdout)

    return psql
