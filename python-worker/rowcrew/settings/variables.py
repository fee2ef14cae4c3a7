"""The environment variables, as one table: settings are read by it, the documentation is checked against it.

Called by the reader of settings, by the command line for options that stand for a variable, and by the tests.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from rowcrew.settings import readers


class Variable(NamedTuple):
    """One environment variable: its name (aliases after it), the field it fills and how its text is read.

    `default` is what the documentation says; the field has the value. A required variable of a family keeps a
    worker that serves the family from starting without. Nothing shows the text of a secret one.
    """

    names: tuple[str, ...]
    field: str
    read: Callable[[str], Any]
    default: str
    meaning: str
    is_required: bool = False
    is_secret: bool = False


VARIABLES: Final = (
    Variable(
        ("DATABASE_URL",), "database_url", readers.address, "required", "the database that holds `jobs`"
    ),
    Variable(
        ("DATABASE_DIRECT_URL",),
        "database_direct_url",
        readers.address,
        "DATABASE_URL",
        "an address past the connection pooler, for LISTEN and migrations",
    ),
    Variable(
        ("DATABASE_URLS",),
        "databases",
        readers.databases,
        "unset",
        "several databases of worker and web, as name=address with blanks between, in place of DATABASE_URL",
        is_secret=True,
    ),
    Variable(
        ("ROWCREW_DATABASE",),
        "database_label",
        readers.label,
        "unset",
        "the one of DATABASE_URLS to work for or to ask; each line of a worker's log begins with it",
    ),
    Variable(
        ("WORKER_CONCURRENCY",),
        "concurrency",
        readers.slots,
        "4",
        "slots: jobs run at once; `auto` = from cores and memory",
    ),
    Variable(
        ("MAX_CONCURRENT_JOBS",),
        "max_concurrent_jobs",
        readers.count,
        "unset",
        "second name for slots; the smaller one wins",
    ),
    Variable(
        ("WORKER_RUNNERS",),
        "runners",
        readers.count,
        "1",
        "shared runner processes; more of them use more cores",
    ),
    Variable(
        ("JOB_BATCH_SIZE",), "batch_size", readers.count, "unset", "most rows reserved by one statement"
    ),
    Variable(
        ("WORKER_ID",),
        "worker_name",
        readers.text,
        "host-pid",
        "label of this worker; `{instance}` is the instance",
    ),
    Variable(
        ("WORKER_QUEUES",),
        "queues",
        readers.queues,
        "all queues",
        "the queues this worker serves, comma-separated",
    ),
    Variable(
        ("JOB_QUEUE_NAME",),
        "queue_name",
        readers.queue,
        "default",
        "queue of producers that name none; workers serve it alone",
    ),
    Variable(
        ("WORKER_EPHEMERAL",),
        "ephemeral",
        readers.yes_or_no,
        "false",
        "true: the worker leaves by itself when its work is done",
    ),
    Variable(
        ("WORKER_MAX_JOBS",),
        "max_jobs",
        readers.count,
        "of its queues",
        "how many jobs an ephemeral worker takes before it leaves",
    ),
    Variable(
        ("WORKER_IDLE_TIMEOUT",),
        "idle_timeout_seconds",
        readers.grace,
        "of its queues, else 30",
        "seconds without a job after which an ephemeral worker leaves",
    ),
    Variable(
        ("WORKER_MAX_RUNTIME",),
        "max_runtime_seconds",
        readers.seconds,
        "of its queues",
        "seconds after which an ephemeral worker leaves, even from its jobs",
    ),
    Variable(
        ("ROWCREW_BOOT_ID",),
        "boot_id",
        readers.boot_id,
        "random",
        "the `bootId` of the row that a launcher has entered for this worker",
    ),
    Variable(
        ("HEALTH_PORT",),
        "health_port",
        readers.port,
        "unset",
        "port on which the worker answers `GET /worker/health`",
    ),
    Variable(
        ("POLL_INTERVAL", "JOB_POLL_INTERVAL"),
        "poll_seconds",
        readers.seconds,
        "2",
        "seconds between two looks",
    ),
    Variable(
        ("PRIORITY_QUEUE",),
        "by_priority",
        readers.yes_or_no,
        "true",
        "false: jobs are taken by id alone, whatever their priority",
    ),
    Variable(
        ("JOB_TIMEOUT",),
        "job_timeout_seconds",
        readers.seconds,
        "unset",
        "limit of a run when neither job nor type has one",
    ),
    Variable(
        ("WORKER_HEARTBEAT_INTERVAL",),
        "heartbeat_seconds",
        readers.seconds,
        "5",
        "seconds between heartbeats; the lease is three of them, at least 30",
    ),
    Variable(
        ("SHUTDOWN_GRACE",),
        "shutdown_grace_seconds",
        readers.grace,
        "25",
        "seconds that running jobs get after SIGTERM",
    ),
    Variable(
        ("CANCEL_GRACE",),
        "cancel_grace_seconds",
        readers.grace,
        "5",
        "seconds between asking a run to stop and killing its runner",
    ),
    Variable(
        ("DB_CONNECT_TIMEOUT",),
        "connect_timeout_seconds",
        readers.seconds,
        "60",
        "seconds to try the first connection",
    ),
    Variable(
        ("WORKER_MAX_MEMORY",),
        "max_memory_bytes",
        readers.size,
        "unset",
        "a runner above it is replaced, far above it killed",
    ),
    Variable(
        ("COMPLETED_JOB_TTL",),
        "keep_completed_seconds",
        readers.age,
        "604800",
        "how long completed rows are kept",
    ),
    Variable(
        ("FAILED_JOB_TTL",),
        "keep_failed_seconds",
        readers.age,
        "2592000",
        "how long failed and cancelled rows are kept",
    ),
    Variable(
        ("JOB_RESULT_TTL",),
        "keep_result_seconds",
        readers.age,
        "unset",
        "how long results are kept, if not as long as their rows",
    ),
    Variable(
        ("JOB_LOG_SIZE",),
        "job_log_bytes",
        readers.size_or_none,
        "64K",
        "how much is kept of what the handlers of a job log and print; `0` = nothing",
    ),
    Variable(
        ("EVENT_SECRETS",),
        "event_secrets",
        readers.signing_secrets,
        "unset",
        "what signs webhooks, as receiver=whsec_…; comma-separated",
        is_secret=True,
    ),
    Variable(
        ("EVENT_COMMANDS",),
        "event_commands",
        readers.commands,
        "unset",
        "programs that receivers may name, as JSON: name to its words",
    ),
    Variable(
        ("EVENT_ALLOW_PRIVATE",),
        "event_allow_private",
        readers.networks,
        "unset",
        "private networks that webhooks may reach, also by http",
    ),
    Variable(
        ("EVENT_MERGE_INTERVAL",),
        "event_merge_seconds",
        readers.seconds,
        "60",
        "seconds between two messages about the same subject",
    ),
    Variable(("EVENT_TTL",), "keep_events_seconds", readers.age, "2592000", "how long events are kept"),
    Variable(
        ("WEB_PROXY_SECRET",),
        "web_proxy_secret",
        readers.secret,
        "unset",
        "what a proxy shows in X-Proxy-Secret, to be believed about who has signed in",
        is_secret=True,
    ),
    Variable(
        ("SPAWNER_CHECK_INTERVAL",),
        "spawner_seconds",
        readers.seconds,
        "5",
        "seconds between two checks of a spawner",
    ),
    Variable(
        ("LAUNCH_COMMANDS",),
        "launch_commands",
        readers.commands,
        "unset",
        "programs that start workers and that queues may name, as JSON: name to its words",
    ),
    Variable(("APP_NAME",), "app_name", readers.text, "Rowcrew", "the name in the first line of the log"),
    Variable(
        ("LOG_FORMAT",), "log_format", readers.log_format, "text", "`text` for people, `json` for aggregators"
    ),
    Variable(
        ("ROWCREW_MODULES",), "modules", readers.words, "unset", "further crews to load, as module:crew"
    ),
    Variable(
        ("RUNNER_ENVIRONMENT",),
        "runner_environment",
        readers.words,
        "unset",
        "further variables that handlers may see, as names or patterns such as OPENAI_*",
    ),
)
