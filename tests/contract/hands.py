"""What tests of the table stage: rows as a worker would leave them, written the way workers write."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg

Connection = psycopg.Connection[tuple[Any, ...]]

STATUSES = ("queued", "processing", "completed", "failed", "cancelled")
ENDED = ("completed", "failed", "cancelled")


def insert(connection: Connection, **columns: Any) -> int:
    """A job with these columns; the other columns get their defaults."""
    columns = {"type": "test", **columns}
    names = ", ".join(f'"{name}"' for name in columns)
    values = ", ".join(f"%({name})s" for name in columns)
    (id,) = one(connection, f"INSERT INTO jobs ({names}) VALUES ({values}) RETURNING id", columns)
    return int(id)


def one(connection: Connection, query: str, parameters: Any = None) -> tuple[Any, ...]:
    row = connection.execute(query, parameters).fetchone()
    assert row is not None
    return tuple(row)


def read(connection: Connection, id: int, *columns: str) -> tuple[Any, ...]:
    names = ", ".join(f'"{column}"' for column in columns)
    return one(connection, f"SELECT {names} FROM jobs WHERE id = %s", [id])


def register_worker(connection: Connection, **columns: Any) -> int:
    columns = {"queues": ["default"], "types": ["test"], **columns}
    names = ", ".join(f'"{name}"' for name in columns)
    values = ", ".join(f"%({name})s" for name in columns)
    query = f'INSERT INTO workers ("bootId", {names}) VALUES (gen_random_uuid(), {values}) RETURNING id'
    return int(one(connection, query, columns)[0])


def reserve(connection: Connection, id: int, worker: int = 7) -> UUID:
    """What a worker's reservation does to a row."""
    (lease,) = one(
        connection,
        """
        UPDATE jobs SET status = 'processing', attempts = attempts + 1, "workerId" = %s,
               "leaseId" = gen_random_uuid(), "startedAt" = clock_timestamp(),
               "finishedAt" = NULL, "updatedAt" = clock_timestamp(),
               revision = revision + 1
         WHERE id = %s AND status = 'queued' RETURNING "leaseId"
        """,
        [worker, id],
    )
    assert isinstance(lease, UUID)
    return lease


def record(connection: Connection, id: int, lease: UUID, status: str = "completed") -> bool:
    """What a worker's record does to a row; False when the lease is stale."""
    return (
        connection.execute(
            """
            UPDATE jobs SET status = %(status)s, "workerId" = NULL,
                   "finishedAt" = CASE WHEN %(status)s <> 'queued' THEN clock_timestamp() END,
                   "runAt" = CASE %(status)s WHEN 'queued' THEN clock_timestamp() ELSE "runAt" END,
                   "updatedAt" = clock_timestamp(), revision = revision + 1
             WHERE id = %(id)s AND "leaseId" = %(lease)s AND status = 'processing'
            """,
            {"status": status, "id": id, "lease": lease},
        ).rowcount
        == 1
    )


def job_in(connection: Connection, status: str, **columns: Any) -> int:
    """A job that a worker has brought into this status; of an ended one the worker has let go."""
    id = insert(connection, **columns)
    if status != "queued":
        lease = reserve(connection, id)
        if status != "processing":
            assert record(connection, id, lease, status)
    return id
