"""The queue's tables as SQLAlchemy declares them, for queries from Python and for `alembic check`.

The migrations are what makes a database; triggers, functions and views stand only there. A test compares the
tables made from this file with those that the migrations make: columns, defaults, constraints, indexes,
storage.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, REAL, UUID

metadata = MetaData()

_QUEUE_NAME: Final = "queue ~ '^[a-z0-9_][a-z0-9_.-]*$' AND length(queue) <= 63"
_DATES: Final = '"runAt", "createdAt", "updatedAt", "startedAt", "finishedAt"'


def _required(name: str, kind: Any, default: str | None = None, **options: Any) -> Column[Any]:
    server_default = None if default is None else text(default)
    return Column(name, kind, nullable=False, server_default=server_default, **options)


def _time(name: str, default: str | None = None) -> Column[Any]:
    kind = DateTime(timezone=True)
    return Column(name, kind) if default is None else _required(name, kind, default)


def _check(name: str, condition: str) -> CheckConstraint:
    return CheckConstraint(condition, name=name)


rowcrew_schema = Table(
    "rowcrew_schema",
    metadata,
    Column("onlyRow", Boolean, primary_key=True, server_default=text("true")),
    _required("revision", Integer),
    _required("minimumWorker", Integer),
    _check("rowcrew_schema_only_row", '"onlyRow"'),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", BigInteger, Identity(always=False), primary_key=True),
    _time("runAt", "now()"),
    _time("createdAt", "now()"),
    _time("updatedAt", "now()"),
    _time("startedAt"),
    _time("finishedAt"),
    Column("parentId", BigInteger),
    Column("workerId", BigInteger),
    Column("leaseId", UUID),
    Column("timeoutSeconds", Integer),
    _required("revision", Integer, "0"),
    _required("priority", SmallInteger, "0"),
    _required("attempts", SmallInteger, "0"),
    _required("maxAttempts", SmallInteger, "3"),
    _required("crashes", SmallInteger, "0"),
    _required("status", Text, "'queued'"),
    _required("queue", Text, "'default'"),
    _required("type", Text),
    Column("uniqueKey", Text),
    Column("concurrencyKey", Text),
    _required("payload", JSONB, "'{}'"),
    Column("progress", JSONB),
    Column("checkpoint", JSONB),
    Column("result", JSONB),
    Column("errorMessage", Text),
    _time("resultEmptiedAt"),
    _check("jobs_status_known", "status IN ('queued', 'processing', 'completed', 'failed', 'cancelled')"),
    _check("jobs_queue_name", _QUEUE_NAME),
    _check("jobs_type_name", "type <> '' AND length(type) <= 200"),
    _check(
        "jobs_key_length",
        'length("uniqueKey") BETWEEN 1 AND 255 AND length("concurrencyKey") BETWEEN 1 AND 255',
    ),
    _check("jobs_attempts_sane", 'attempts >= 0 AND crashes >= 0 AND "maxAttempts" BETWEEN 1 AND 1000'),
    _check("jobs_timeout_positive", '"timeoutSeconds" > 0'),
    _check(
        "jobs_dates_finite",
        f"least({_DATES}) > '1000-01-01 00:00+00' AND greatest({_DATES}) < '9999-01-01 00:00+00'",
    ),
    _check("jobs_queued_is_free", "\"workerId\" IS NULL OR status <> 'queued'"),
    postgresql_with={
        "fillfactor": 90,
        "vacuum_truncate": "off",
        "autovacuum_vacuum_scale_factor": 0,
        "autovacuum_vacuum_threshold": 20000,
        "autovacuum_vacuum_cost_delay": 0,
        "autovacuum_vacuum_insert_scale_factor": 0.1,
    },
)

Index(
    "jobs_ready",
    jobs.c.queue,
    jobs.c.priority.desc(),
    jobs.c.runAt,
    jobs.c.id,
    postgresql_where=text("status = 'queued'"),
)
Index("jobs_held", jobs.c.workerId, postgresql_where=text("status = 'processing'"))
Index(
    "jobs_unique_key",
    jobs.c.type,
    jobs.c.uniqueKey,
    unique=True,
    postgresql_where=text("\"uniqueKey\" IS NOT NULL AND status NOT IN ('completed', 'failed', 'cancelled')"),
)

job_attempts = Table(
    "job_attempts",
    metadata,
    Column("leaseId", UUID, primary_key=True),
    _required("jobId", BigInteger),
    _required("attempt", SmallInteger),
    _required("outcome", Text),
    Column("error", Text),
    Column("traceback", Text),
    Column("workerId", BigInteger),
    Column("memoryBytes", BigInteger),
    _time("startedAt"),
    _time("finishedAt", "clock_timestamp()"),
    _check(
        "job_attempts_outcome_known",
        "outcome IN ('retried', 'failed', 'cancelled', 'released', 'snoozed', 'lost')",
    ),
)

Index("job_attempts_job", job_attempts.c.jobId)

job_logs = Table(
    "job_logs",
    metadata,
    Column("jobId", BigInteger, primary_key=True, autoincrement=False),
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _time("writtenAt", "clock_timestamp()"),
    _required("lines", Integer),
    _required("dropped", Integer, "0"),
    _required("attempt", SmallInteger),
    _required("text", Text),
)

jobs_set_aside = Table(
    "jobs_set_aside",
    metadata,
    Column("jobId", BigInteger, primary_key=True, autoincrement=False),
    _required("reason", Text),
    _required("tries", Integer, "1"),
    Column("workerId", BigInteger),
    _time("createdAt", "clock_timestamp()"),
    Column("nextTryAt", DateTime(timezone=True), nullable=False),
)

workers = Table(
    "workers",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _required("bootId", UUID),
    _required("name", Text, "'worker'"),
    Column("host", Text),
    Column("pid", Integer),
    Column("processKey", Text),
    Column("version", Text),
    _required("queues", ARRAY(Text), "'{}'"),
    _required("types", ARRAY(Text), "'{}'"),
    _required("slots", Integer, "0"),
    _required("leaseSeconds", Integer, "30"),
    _required("beats", BigInteger, "0"),
    _time("startedAt", "clock_timestamp()"),
    _time("heartbeatAt", "clock_timestamp()"),
    _time("lostAt"),
    _time("stoppedAt"),
    Column("stopReason", Text),
    Column("aloneWith", UUID),
    Column("memoryBytes", BigInteger),
    Column("cpuPercent", REAL),
    UniqueConstraint("bootId", name="workers_boot"),
    postgresql_with={"fillfactor": 50},
)

queues = Table(
    "queues",
    metadata,
    Column("queue", Text, primary_key=True),
    Column("label", Text),
    Column("keepCompletedSeconds", Integer),
    Column("keepFailedSeconds", Integer),
    Column("keepCompletedCount", Integer),
    Column("keepResultSeconds", Integer),
    Column("timeoutSeconds", Integer),
    Column("rescueForeignSeconds", Integer),
    _time("createdAt", "now()"),
    _check("queues_queue_name", _QUEUE_NAME),
    _check(
        "queues_keep_not_negative",
        '"keepCompletedSeconds" >= 0 AND "keepFailedSeconds" >= 0 AND "keepCompletedCount" >= 0'
        ' AND "keepResultSeconds" >= 0',
    ),
    _check("queues_timeout_positive", '"timeoutSeconds" > 0'),
    _check("queues_rescue_foreign_positive", '"rescueForeignSeconds" > 0'),
)

job_types = Table(
    "job_types",
    metadata,
    Column("type", Text, primary_key=True),
    Column("queue", Text),
    Column("executor", Text),
    Column("timeoutSeconds", Integer),
    Column("maxAttempts", SmallInteger),
    Column("priority", SmallInteger),
    Column("description", Text),
    Column("payloadSchema", JSONB),
    Column("keepResultSeconds", Integer),
    _time("updatedAt", "now()"),
)
