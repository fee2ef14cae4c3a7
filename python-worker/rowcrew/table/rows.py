"""The rows that operators' statements answer, by the names of their columns.

In: a statement's columns, in their order. Out: structs with one field a column; encoded as JSON they have the
columns' own names. Made by `table/operator.py`, shown by every face of `admin`.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Literal

import msgspec

from rowcrew.model.status import Status

WorkerState = Literal["live", "silent", "lost", "stopped"]


class Row(msgspec.Struct, frozen=True, rename="camel"):
    """Base of the rows."""


class ListedJob(Row, frozen=True):
    """One job in a list.

    Attributes:
        worker: the one that has the job, or the last whose attempt did not complete.
        age_seconds: since it was enqueued.
        run_seconds: of the last attempt, until now while it runs; None before the first.
    """

    id: int
    type: str
    queue: str
    status: Status
    priority: int
    attempts: int
    max_attempts: int
    progress: msgspec.Raw | None
    error_message: str | None
    worker: str | None
    parent_id: int | None
    created_at: datetime
    run_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    updated_at: datetime
    age_seconds: float
    run_seconds: float | None


class JobCount(Row, frozen=True):
    """How many jobs of a type and status a filter matched at a moment."""

    type: str
    status: Status
    jobs: int
    at: datetime


class AsideJob(Row, frozen=True):
    """A job that is set aside; `number` counts all of them."""

    job_id: int
    reason: str
    tries: int
    number: int
    next_try_seconds: float


class WholeJob(Row, frozen=True):
    """Every column of one job, and the name of its worker."""

    id: int
    type: str
    queue: str
    status: Status
    priority: int
    attempts: int
    max_attempts: int
    crashes: int
    timeout_seconds: int | None
    unique_key: str | None
    concurrency_key: str | None
    parent_id: int | None
    worker_id: int | None
    worker: str | None
    lease_id: uuid.UUID | None
    created_at: datetime
    run_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    updated_at: datetime
    payload: msgspec.Raw
    progress: msgspec.Raw | None
    checkpoint: msgspec.Raw | None
    result: msgspec.Raw | None
    error_message: str | None


class Attempt(Row, frozen=True):
    """An attempt that did not complete."""

    attempt: int
    outcome: str
    error: str | None
    traceback: str | None
    worker_id: int | None
    worker: str | None
    memory_bytes: int | None
    started_at: datetime | None
    finished_at: datetime


class Said(Row, frozen=True):
    """Lines that a run logged or printed together; `dropped` lines before them were not kept."""

    id: int
    attempt: int
    written_at: datetime
    lines: int
    dropped: int
    text: str


class Standing(Row, frozen=True):
    """How a job stands; `live_id` is the other live job with its type and unique key."""

    id: int
    status: Status
    live_id: int | None


class ListedType(Row, frozen=True):
    """A type as workers have published it; None = the default."""

    type: str
    queue: str | None
    priority: int | None
    max_attempts: int | None
    timeout_seconds: int | None
    executor: str | None
    description: str | None
    updated_at: datetime


class PublishedType(ListedType, frozen=True):
    """A type with the JSON Schema of its payload."""

    payload_schema: msgspec.Raw | None


class ListedQueue(Row, frozen=True):
    """A queue: its jobs by status, what is ready, and the live workers that serve it with their slots."""

    queue: str
    queued: int
    processing: int
    completed: int
    failed: int
    cancelled: int
    ready: int
    oldest_ready_at: datetime | None
    oldest_wait_seconds: float | None
    workers: int
    slots: int
    slots_taken: int


class ListedWorker(Row, frozen=True):
    """A worker as it has entered itself, and what it runs; no queue named = all queues.

    Attributes:
        heard_seconds: since its last heartbeat.
    """

    id: int
    name: str
    host: str | None
    pid: int | None
    version: str | None
    queues: list[str]
    types: list[str]
    slots: int
    running: int
    state: WorkerState
    started_at: datetime
    heartbeat_at: datetime
    stopped_at: datetime | None
    stop_reason: str | None
    memory_bytes: int | None
    cpu_percent: float | None
    heard_seconds: float


class Crowd(Row, frozen=True):
    """The jobs of one queue and type that wait."""

    queue: str
    type: str
    ready: int
    oldest_seconds: float | None
    later: int


class CompletedJob(Row, frozen=True):
    """A completed job, and how long ago it ended."""

    id: int
    type: str
    ended_seconds: float | None


class Server(Row, frozen=True):
    """What a server says of itself, of our session and its role.

    Attributes:
        clock: the moment by the server's clock.
        max_connections: how many roles without privileges may have.
        others_connections: how many are open that are not Rowcrew's.
    """

    version: str
    version_number: int
    role: str
    database: str
    clock: datetime
    encoding: str
    read_only: bool
    max_connections: int
    others_connections: int


class Probe(Row, frozen=True):
    """Which table is `jobs` where the lock is held; None = there is none."""

    jobs: int | None


class Sight(Row, frozen=True):
    """Whether the lock is seen, and which table is `jobs` there."""

    seen: bool
    jobs: int | None
