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
    Computed,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, DOUBLE_PRECISION, JSONB, REAL, UUID

metadata = MetaData()

_QUEUE_NAME: Final = "queue ~ '^[a-z0-9_][a-z0-9_.-]*$' AND length(queue) <= 63"
_PERIOD: Final = '"ratePeriodSeconds" BETWEEN 1 AND 2592000'
_UNTIL: Final = "until > '1000-01-01 00:00+00' AND until < '9999-01-01 00:00+00'"
_LIMITED: Final = (
    'paused OR "maxConcurrent" IS NOT NULL OR "maxConcurrentPerKey" IS NOT NULL'
    ' OR "rateLimit" IS NOT NULL OR "rateLimitPerKey" IS NOT NULL'
)
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
    _required("presets", ARRAY(Text), "'{}'"),
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
    _time("placeAt"),
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
    Column("waitsFor", ARRAY(BigInteger)),
    Column("waitPolicy", Text),
    _time("notBefore"),
    Column("watches", BigInteger),
    Column("awaited", Boolean),
    Column("traceparent", Text),
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
    _check("jobs_wait_policy_known", "\"waitPolicy\" IN ('completed', 'ended', 'failFast')"),
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
Index("jobs_watching", jobs.c.watches, jobs.c.id, postgresql_where=text("watches IS NOT NULL"))
Index(
    "jobs_fail_fast",
    jobs.c.waitsFor,
    postgresql_using="gin",
    postgresql_with={"fastupdate": "off"},
    postgresql_where=text("\"waitPolicy\" = 'failFast' AND watches IS NOT NULL"),
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
Index("jobs_places", jobs.c.queue, jobs.c.placeAt, postgresql_where=text("\"placeAt\" > '-infinity'"))
Index(
    "jobs_key_places",
    jobs.c.concurrencyKey,
    jobs.c.placeAt,
    postgresql_where=text('"placeAt" IS NOT NULL AND "concurrencyKey" IS NOT NULL'),
)
Index(
    "jobs_keyed",
    jobs.c.queue,
    jobs.c.concurrencyKey,
    jobs.c.priority.desc(),
    jobs.c.runAt,
    jobs.c.id,
    postgresql_where=text("status = 'queued' AND \"concurrencyKey\" IS NOT NULL"),
)

job_stats = Table(
    "job_stats",
    metadata,
    Column("endsAt", DateTime(timezone=True), primary_key=True),
    Column("seconds", Integer, primary_key=True, autoincrement=False),
    Column("workerId", BigInteger, primary_key=True, autoincrement=False),
    Column("queue", Text, primary_key=True),
    Column("type", Text, primary_key=True),
    Column("outcome", Text, primary_key=True),
    _required("count", BigInteger),
    _required("runSeconds", DOUBLE_PRECISION, "0"),
    _required("waitSeconds", DOUBLE_PRECISION, "0"),
    Column("memoryBytes", BigInteger),
    _required("runBuckets", ARRAY(SmallInteger), "'{}'"),
    _required("runCounts", ARRAY(BigInteger), "'{}'"),
    _required("waitBuckets", ARRAY(SmallInteger), "'{}'"),
    _required("waitCounts", ARRAY(BigInteger), "'{}'"),
    _check("job_stats_span_known", "seconds IN (60, 3600, 86400)"),
    _check(
        "job_stats_outcome_known",
        "outcome IN ('completed', 'retried', 'failed', 'cancelled', 'released', 'snoozed', 'lost')",
    ),
)

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
    _required("restarts", Integer, "0"),
    Column("asked", Text),
    Column("launcher", Text),
    Column("launchHandle", Text),
    _time("launchedAt"),
    _time("registeredAt"),
    Column("errorMessage", Text),
    UniqueConstraint("bootId", name="workers_boot"),
    _check("workers_asked_known", "asked IN ('drain', 'terminate')"),
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
    _required("paused", Boolean, "false"),
    Column("maxConcurrent", Integer),
    Column("maxConcurrentPerKey", Integer),
    Column("rateLimit", Integer),
    Column("rateLimitPerKey", Integer),
    _required("ratePeriodSeconds", Integer, "1"),
    Column("limited", Boolean, Computed(_LIMITED, persisted=True), nullable=False),
    _time("limitedAt"),
    _time("until"),
    Column("former", JSONB),
    Column("maxRuntimeSeconds", Integer),
    _required("cooldownSeconds", Integer, "0"),
    Column("maxJobsPerSession", Integer),
    Column("idleTimeoutSeconds", Integer),
    Column("launcher", Text),
    Column("launchCommand", Text),
    Column("checkIntervalSeconds", Integer),
    Column("targetWaitSeconds", Integer),
    Column("cpuPercent", Integer),
    Column("memoryBytes", BigInteger),
    _time("spawnedAt"),
    _time("createdAt", "now()"),
    _check("queues_queue_name", _QUEUE_NAME),
    _check(
        "queues_keep_not_negative",
        '"keepCompletedSeconds" >= 0 AND "keepFailedSeconds" >= 0 AND "keepCompletedCount" >= 0'
        ' AND "keepResultSeconds" >= 0',
    ),
    _check("queues_timeout_positive", '"timeoutSeconds" > 0'),
    _check("queues_rescue_foreign_positive", '"rescueForeignSeconds" > 0'),
    _check(
        "queues_limits_not_negative",
        '"maxConcurrent" >= 0 AND "maxConcurrentPerKey" >= 0 AND "rateLimit" >= 0 AND "rateLimitPerKey" >= 0',
    ),
    _check("queues_rate_period_positive", _PERIOD),
    _check("queues_until_finite", _UNTIL),
    _check(
        "queues_workers_sane",
        '"maxRuntimeSeconds" > 0 AND "cooldownSeconds" >= 0 AND "maxJobsPerSession" > 0'
        ' AND "idleTimeoutSeconds" >= 0',
    ),
    _check(
        "queues_launches_sane",
        '"checkIntervalSeconds" > 0 AND "targetWaitSeconds" > 0 AND "cpuPercent" > 0 AND "memoryBytes" > 0'
        " AND launcher ~ '^[a-z]+$' AND \"launchCommand\" ~ '^[a-z0-9_-]+$'",
    ),
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

events = Table(
    "events",
    metadata,
    Column("id", BigInteger, Identity(always=False), primary_key=True),
    Column("messageId", BigInteger),
    _time("createdAt", "clock_timestamp()"),
    _required("count", Integer, "1"),
    _required("kind", Text),
    _required("subject", Text, "''"),
    _required("queue", Text, "''"),
    _required("type", Text, "''"),
    _required("detail", JSONB, "'{}'"),
    _check("events_kind_form", "kind ~ '^[a-z0-9_.]+$' AND length(kind) <= 100"),
    _check("events_subject_length", "length(subject) <= 200 AND length(queue) <= 63 AND length(type) <= 200"),
    _check("events_count_positive", "count > 0"),
    _check("events_detail_object", "jsonb_typeof(detail) = 'object' AND octet_length(detail::text) <= 20000"),
)

Index(
    "events_pending",
    events.c.kind,
    events.c.subject,
    events.c.queue,
    events.c.type,
    events.c.id,
    postgresql_where=text('"messageId" IS NULL'),
)

event_receivers = Table(
    "event_receivers",
    metadata,
    Column("name", Text, primary_key=True),
    _required("via", Text),
    Column("target", Text),
    _required("kinds", ARRAY(Text), "'{}'"),
    _required("queues", ARRAY(Text), "'{}'"),
    _required("types", ARRAY(Text), "'{}'"),
    _required("timeoutSeconds", SmallInteger, "10"),
    _required("maxAttempts", SmallInteger, "15"),
    _time("createdAt", "now()"),
    _check("event_receivers_name_form", "name ~ '^[a-z0-9_-]+$' AND length(name) <= 63"),
    _check("event_receivers_via_known", "via IN ('webhook', 'log', 'command')"),
    _check(
        "event_receivers_target",
        "CASE via WHEN 'log' THEN target IS NULL"
        " WHEN 'webhook' THEN coalesce(target ~ '^https?://', false) AND length(target) <= 2000"
        " ELSE coalesce(target ~ '^[a-z0-9_-]+$', false) END",
    ),
    _check("event_receivers_timeout", '"timeoutSeconds" BETWEEN 1 AND 60'),
    _check("event_receivers_attempts", '"maxAttempts" BETWEEN 1 AND 100'),
)

event_messages = Table(
    "event_messages",
    metadata,
    Column("id", BigInteger, nullable=False, autoincrement=False),
    _required("receiver", Text),
    _required("count", BigInteger),
    _required("kind", Text),
    _required("subject", Text),
    _required("queue", Text),
    _required("type", Text),
    _required("detail", JSONB),
    Column("firstAt", DateTime(timezone=True), nullable=False),
    Column("lastAt", DateTime(timezone=True), nullable=False),
    _time("createdAt", "clock_timestamp()"),
    _time("deliverAt", "clock_timestamp()"),
    _required("attempts", SmallInteger, "0"),
    Column("claimId", UUID),
    _time("deliveredAt"),
    _time("failedAt"),
    Column("error", Text),
    PrimaryKeyConstraint("id", "receiver", name="event_messages_pkey"),
)

Index(
    "event_messages_pending",
    event_messages.c.receiver,
    event_messages.c.deliverAt,
    event_messages.c.id,
    postgresql_where=text('"deliveredAt" IS NULL AND "failedAt" IS NULL'),
)
Index(
    "event_messages_subject",
    event_messages.c.kind,
    event_messages.c.subject,
    event_messages.c.queue,
    event_messages.c.type,
    event_messages.c.createdAt,
)

queue_alarms = Table(
    "queue_alarms",
    metadata,
    Column("queue", Text, primary_key=True),
    _required("readyAbove", Integer),
    _time("lookedAt"),
    _check("queue_alarms_queue_name", _QUEUE_NAME),
    _check("queue_alarms_not_negative", '"readyAbove" >= 0'),
)

_RULE_DATES: Final = '"nextAt", "waitingTick", "startAt", "endAt"'

schedules = Table(
    "schedules",
    metadata,
    Column("name", Text, primary_key=True),
    Column("cron", Text),
    Column("everySeconds", Integer),
    _required("timezone", Text, "'UTC'"),
    _time("startAt"),
    _time("endAt"),
    _required("type", Text),
    _required("payload", JSONB, "'{}'"),
    Column("queue", Text),
    Column("priority", SmallInteger),
    Column("maxAttempts", SmallInteger),
    _required("jitterSeconds", Integer, "0"),
    _required("missed", Text, "'once'"),
    _required("overlap", Text, "'allow'"),
    Column("pauseAfterFailures", Integer),
    _required("paused", Boolean, "false"),
    Column("pauseReason", Text),
    Column("problem", Text),
    _required("source", Text, "'row'"),
    Column("declaredBy", Text),
    _time("nextAt"),
    _time("waitingTick"),
    _time("lastAt"),
    Column("lastJobId", BigInteger),
    _time("resumedAt"),
    _time("createdAt", "now()"),
    _time("updatedAt", "now()"),
    _check("schedules_name_form", "length(name) BETWEEN 1 AND 200"),
    _check("schedules_one_rule", '(cron IS NULL) <> ("everySeconds" IS NULL)'),
    _check("schedules_rule_length", 'length(cron) <= 200 AND length("timezone") <= 100'),
    _check("schedules_every_positive", '"everySeconds" > 0'),
    _check("schedules_type_name", "type <> '' AND length(type) <= 200"),
    _check("schedules_payload_object", "jsonb_typeof(payload) = 'object'"),
    _check("schedules_queue_name", _QUEUE_NAME),
    _check("schedules_attempts_sane", '"maxAttempts" BETWEEN 1 AND 1000'),
    _check("schedules_jitter_sane", '"jitterSeconds" BETWEEN 0 AND 86400'),
    _check("schedules_missed_known", "missed IN ('skip', 'once', 'all')"),
    _check("schedules_overlap_known", "overlap IN ('allow', 'skip', 'queueOne', 'cancelOld')"),
    _check("schedules_failures_sane", '"pauseAfterFailures" BETWEEN 1 AND 100'),
    _check("schedules_source_known", "source IN ('row', 'code', 'family')"),
    _check(
        "schedules_dates_finite",
        f"least({_RULE_DATES}) > '1000-01-01 00:00+00' AND greatest({_RULE_DATES}) < '9999-01-01 00:00+00'",
    ),
)

Index("schedules_due", schedules.c.nextAt, postgresql_where=text("NOT paused"))

schedule_ticks = Table(
    "schedule_ticks",
    metadata,
    Column(
        "schedule",
        Text,
        ForeignKey("schedules.name", onupdate="CASCADE", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("tick", DateTime(timezone=True), primary_key=True),
    Column("jobId", BigInteger),
    _time("firedAt", "clock_timestamp()"),
)

limits = Table(
    "limits",
    metadata,
    Column("key", Text, primary_key=True),
    Column("maxConcurrent", Integer),
    Column("rateLimit", Integer),
    _required("ratePeriodSeconds", Integer, "1"),
    _time("until"),
    Column("former", JSONB),
    _time("createdAt", "now()"),
    _check("limits_key_length", "length(key) BETWEEN 1 AND 255"),
    _check("limits_not_negative", '"maxConcurrent" >= 0 AND "rateLimit" >= 0'),
    _check("limits_rate_period_positive", _PERIOD),
    _check("limits_until_finite", _UNTIL),
)

starts = Table(
    "starts",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("startedAt", DateTime(timezone=True), primary_key=True),
    _required("count", Integer),
    Column("total", BigInteger, primary_key=True, autoincrement=False),
    postgresql_with={"autovacuum_vacuum_scale_factor": 0, "autovacuum_vacuum_threshold": 20000},
)

web_users = Table(
    "web_users",
    metadata,
    Column("name", Text, primary_key=True),
    _required("role", Text),
    _required("readsPayloads", Boolean, "false"),
    _required("password", Text),
    _time("createdAt", "clock_timestamp()"),
    _check("web_users_name_form", "name ~ '^[a-z0-9_.@-]+$' AND length(name) <= 100"),
    _check("web_users_role_known", "role IN ('viewer', 'operator', 'admin')"),
)

web_sessions = Table(
    "web_sessions",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("user", Text, ForeignKey("web_users.name", ondelete="CASCADE"), nullable=False),
    _required("kind", Text),
    _time("createdAt", "clock_timestamp()"),
    _time("expiresAt"),
    _check("web_sessions_kind_known", "kind IN ('session', 'token')"),
)
