"""The rows that operators' statements answer, by the names of their columns.

In: a statement's columns, in their order. Out: structs with one field a column; encoded as JSON they have the
columns' own names. Made by `table/operator.py`, shown by every face of `admin`.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Literal, NamedTuple

import msgspec

from rowcrew.model.status import Status

WorkerState = Literal["launching", "live", "draining", "stopping", "silent", "lost", "stopped"]
EventState = Literal["waiting", "told", "failed", "unheard"]


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
    traceparent: str | None


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


class TreeJob(Row, frozen=True):
    """A job of a tree.

    Attributes:
        waits_for: ids of the jobs it waits for, or waited for.
        waits: whether it is held back now.
        run_seconds: of the last attempt, until now while it runs; None before the first.
    """

    id: int
    type: str
    queue: str
    status: Status
    attempts: int
    max_attempts: int
    error_message: str | None
    parent_id: int | None
    waits_for: list[int]
    wait_policy: str | None
    waits: bool
    run_seconds: float | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class TreeAttempt(Row, frozen=True):
    """When an attempt of a job of a tree began and ended that did not complete."""

    job_id: int
    attempt: int
    outcome: str
    started_at: datetime | None
    finished_at: datetime


class Circle(Row, frozen=True):
    """Jobs that wait for each other: each for the next, the last for the first."""

    id: int
    jobs: list[int]


class FailedLaunches(Row, frozen=True):
    """A queue for which spawners have launched workers in vain since one last came."""

    queue: str
    launches: int
    error: str | None
    since_seconds: float


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
    workers_allowed: int | None
    slots: int
    slots_taken: int


class WorkerLimit(Row, frozen=True):
    """A queue with a limit, and the live workers that serve it of those that may."""

    queue: str
    live: int
    allowed: int


class ShownQueue(Row, frozen=True):
    """One queue: its row, what waits and runs there, and the live workers that serve it with their slots.

    Attributes:
        has_row: whether `queues` has a row for it; else the columns of that table are defaults.
    """

    queue: str
    has_row: bool
    label: str | None
    paused: bool
    max_concurrent: int | None
    max_concurrent_per_key: int | None
    rate_limit: int | None
    rate_limit_per_key: int | None
    rate_period_seconds: int
    until: datetime | None
    timeout_seconds: int | None
    keep_completed_seconds: int | None
    keep_failed_seconds: int | None
    keep_completed_count: int | None
    keep_result_seconds: int | None
    rescue_foreign_seconds: int | None
    max_runtime_seconds: int | None
    cooldown_seconds: int
    max_jobs_per_session: int | None
    idle_timeout_seconds: int | None
    launcher: str | None
    launch_command: str | None
    check_interval_seconds: int | None
    target_wait_seconds: int | None
    cpu_percent: int | None
    memory_bytes: int | None
    ready: int
    delayed: int
    processing: int
    oldest_ready_at: datetime | None
    oldest_wait_seconds: float | None
    workers: int
    slots: int
    slots_taken: int


class TimedRuns(NamedTuple):
    """How many runs waited (`wait`) or ran (`run`) as long as a bucket of `model/histogram.py` says."""

    kind: Literal["wait", "run"]
    bucket: int
    runs: int


class LivedWorkers(NamedTuple):
    """How many workers of a queue lived, and for how long together; None = of several queues."""

    queue: str | None
    workers: int
    worker_seconds: float


class FirstWorker(NamedTuple):
    """When the first worker of a database started, and how many seconds ago that was."""

    since: datetime
    seconds: float


class LiveJobs(NamedTuple):
    """How many jobs of a queue and type are left to run."""

    queue: str
    type: str
    jobs: int


class ListedSchedule(Row, frozen=True):
    """A schedule, and the status of the last job that a tick of it made."""

    name: str
    cron: str | None
    every_seconds: int | None
    timezone: str
    start_at: datetime | None
    end_at: datetime | None
    type: str
    payload: msgspec.Raw
    queue: str | None
    priority: int | None
    max_attempts: int | None
    jitter_seconds: int
    missed: str
    overlap: str
    pause_after_failures: int | None
    paused: bool
    pause_reason: str | None
    problem: str | None
    source: str
    declared_by: str | None
    next_at: datetime | None
    waiting_tick: datetime | None
    last_at: datetime | None
    last_job_id: int | None
    last_status: Status | None
    created_at: datetime
    updated_at: datetime


class ListedWorker(Row, frozen=True):
    """A worker as it has entered itself, and what it runs; no queue named = all queues.

    Attributes:
        restarts: runners that died, or were replaced because they used too much memory.
        heard_seconds: since its last heartbeat.
        up_seconds: from its start to its last word.
        launcher: what started it; None unless a spawner did.
        error_message: why it did not start.
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
    restarts: int
    launcher: str | None
    launch_handle: str | None
    launched_at: datetime | None
    registered_at: datetime | None
    error_message: str | None
    heard_seconds: float
    up_seconds: float


class NamedWorker(Row, frozen=True):
    """How a worker stands that somebody has named."""

    id: int
    name: str
    state: WorkerState
    running: int
    heard_seconds: float


class ListedEvent(Row, frozen=True):
    """One event in a list.

    Attributes:
        message_id: the first event of the message that tells of it; None until it is merged.
        state: `unheard` when no receiver wants it.
        receivers, told: how many are to be told, and how many have been.
        error: what went wrong last, with its receiver.
    """

    id: int
    kind: str
    subject: str
    queue: str
    type: str
    count: int
    created_at: datetime
    message_id: int | None
    state: EventState
    receivers: int
    told: int
    error: str | None
    detail: msgspec.Raw | None


class ListedReceiver(Row, frozen=True):
    """Who is told of events.

    Attributes:
        waiting, failed: messages still to be told, and given up.
        told_at: when it was told last.
        attempts, error: of the message that was told in vain most often, if there is one.
    """

    name: str
    via: str
    target: str | None
    kinds: list[str]
    queues: list[str]
    types: list[str]
    waiting: int
    failed: int
    told_at: datetime | None
    attempts: int | None
    error: str | None


class Redelivered(Row, frozen=True):
    """A message that will be told again."""

    id: int
    receiver: str


class Crowd(Row, frozen=True):
    """The jobs of one queue and type that wait."""

    queue: str
    type: str
    ready: int
    oldest_seconds: float | None
    later: int


class ReasonCount(Row, frozen=True):
    """Queued jobs of one queue and type that do not run for one reason, by the word of the view `job_why`."""

    queue: str
    type: str
    reason: str
    jobs: int
    first_id: int


class UnservedType(NamedTuple):
    """Ready jobs of this queue and type are there that no live worker serves."""

    queue: str
    type: str


class CompletedJob(Row, frozen=True):
    """A completed job, and how long ago it ended."""

    id: int
    type: str
    ended_seconds: float | None


class Server(Row, frozen=True):
    """What a server says of itself, of our session and its role.

    Attributes:
        clock: the moment by the server's clock.
        isolation: of our transactions, where nobody asks for another.
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
    isolation: str
    max_connections: int
    others_connections: int


class Probe(Row, frozen=True):
    """Which table is `jobs` where the lock is held; None = there is none."""

    jobs: int | None


class Sight(Row, frozen=True):
    """Whether the lock is seen, and which table is `jobs` there."""

    seen: bool
    jobs: int | None


class Meddler(Row, frozen=True):
    """A rule or a trigger of somebody's own that can keep a statement of ours from its rows.

    Attributes:
        name: as SQL takes it.
        acts: at which statements, such as `INSERT OR UPDATE`.
        function: of a trigger.
    """

    kind: Literal["rule", "trigger"]
    relation: str
    name: str
    acts: str
    function: str | None
