"""Rows that make no sense are refused, and the name of the constraint says why."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg import sql

from rowcrew.embedded import EmbeddedPostgres, EmbeddedPostgresError
from tests.conftest import Connect
from tests.contract.hands import insert, job_in, read, record, reserve

NONSENSE: list[tuple[str, dict[str, Any]]] = [
    ("jobs_status_known", {"status": "done"}),
    ("jobs_status_known", {"status": "QUEUED"}),
    ("jobs_status_known", {"status": ""}),
    ("jobs_queue_name", {"queue": ""}),
    ("jobs_queue_name", {"queue": "Default"}),
    ("jobs_queue_name", {"queue": "a b"}),
    ("jobs_queue_name", {"queue": "-a"}),
    ("jobs_queue_name", {"queue": "a\n"}),
    ("jobs_queue_name", {"queue": "a" * 64}),
    ("jobs_type_name", {"type": ""}),
    ("jobs_type_name", {"type": "t" * 201}),
    ("jobs_attempts_sane", {"attempts": -1}),
    ("jobs_attempts_sane", {"maxAttempts": 0}),
    ("jobs_attempts_sane", {"maxAttempts": 1001}),
    ("jobs_timeout_positive", {"timeoutSeconds": 0}),
    ("jobs_timeout_positive", {"timeoutSeconds": -5}),
    ("jobs_dates_finite", {"runAt": "infinity"}),
    ("jobs_dates_finite", {"createdAt": "-infinity"}),
    ("jobs_dates_finite", {"createdAt": "infinity"}),
    ("jobs_dates_finite", {"runAt": "20000-01-01"}),
    ("jobs_dates_finite", {"createdAt": "0044-03-15 BC"}),
    ("jobs_key_length", {"uniqueKey": ""}),
    ("jobs_key_length", {"uniqueKey": "k" * 256}),
    ("jobs_key_length", {"concurrencyKey": "k" * 256}),
    ("jobs_attempts_left", {"attempts": 3}),
    ("jobs_attempts_left", {"attempts": 32767}),
    ("jobs_payload_object", {"payload": "[]"}),
    ("jobs_payload_object", {"payload": "null"}),
    ("jobs_payload_object", {"payload": '"text"'}),
    ("jobs_payload_object", {"payload": "42"}),
]


@pytest.mark.parametrize(("constraint", "columns"), NONSENSE)
def test_nonsense_cannot_be_inserted(table: Connect, constraint: str, columns: dict[str, Any]) -> None:
    with pytest.raises(psycopg.errors.CheckViolation) as refusal:
        insert(table(), **columns)
    assert refusal.value.diag.constraint_name == constraint
    assert constraint in str(refusal.value)


@pytest.mark.parametrize(
    ("constraint", "columns"),
    [case for case in NONSENSE if case[1] not in ({"createdAt": "-infinity"}, {"createdAt": "infinity"})],
)
def test_nonsense_cannot_be_written_into_a_waiting_job(
    table: Connect, constraint: str, columns: dict[str, Any]
) -> None:
    id = insert(table())
    ((name, value),) = columns.items()
    change = sql.SQL("UPDATE jobs SET {} = %s WHERE id = %s").format(sql.Identifier(name))
    with pytest.raises(psycopg.errors.CheckViolation) as refusal:
        table().execute(change, [value, id])
    assert refusal.value.diag.constraint_name == constraint


@pytest.mark.parametrize("column", ["type", "payload", "queue", "status", "priority", "runAt", "attempts"])
def test_a_jobs_columns_cannot_be_null(table: Connect, column: str) -> None:
    with pytest.raises(psycopg.errors.NotNullViolation):
        insert(table(), **{column: None})


def test_psql_shows_the_name_of_the_constraint(server: EmbeddedPostgres, database_url: str) -> None:
    with pytest.raises(EmbeddedPostgresError, match="jobs_payload_object"):
        server.run("psql", "-c", "INSERT INTO jobs (type, payload) VALUES ('x', '[]')", url=database_url)


def test_two_live_jobs_of_a_type_cannot_share_a_unique_key(table: Connect) -> None:
    connection = table()
    for status in ("completed", "failed", "cancelled"):
        job_in(connection, status, uniqueKey="k")
    job_in(connection, "processing", uniqueKey="k")
    insert(connection, uniqueKey="other")
    insert(connection, type="other", uniqueKey="k")
    with pytest.raises(psycopg.errors.UniqueViolation) as refusal:
        insert(connection, uniqueKey="k")
    assert refusal.value.diag.constraint_name == "jobs_unique_key"


def test_a_worker_can_always_count_on_even_at_the_edge(table: Connect) -> None:
    connection = table()
    id = insert(connection, attempts=999, maxAttempts=1000)
    for _ in range(2):
        assert record(connection, id, reserve(connection, id), "queued")
    assert read(connection, id, "attempts") == (1001,)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO queues (queue) VALUES ('Not a name')",
        """INSERT INTO queues (queue, "keepFailedSeconds") VALUES ('a', -1)""",
        """INSERT INTO queues (queue, "timeoutSeconds") VALUES ('a', 0)""",
        """INSERT INTO queues (queue, "rescueForeignSeconds") VALUES ('a', 0)""",
        """INSERT INTO blobs (key, bytes, sha256, size) VALUES ('a', 'abc', sha256('abc'), 4)""",
        """INSERT INTO blobs (key, bytes, sha256, size) VALUES ('a', 'abc', 'short', 3)""",
        """INSERT INTO job_attempts ("leaseId", "jobId", attempt, outcome)
           VALUES (gen_random_uuid(), 1, 1, 'no')""",
        'INSERT INTO rowcrew_schema ("onlyRow", revision, "minimumWorker") VALUES (false, 1, 1)',
    ],
)
def test_the_other_tables_refuse_nonsense_too(table: Connect, statement: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        table().execute(statement)
