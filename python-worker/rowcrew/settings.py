"""The settings of a worker and of its producers, read once from the environment.

In: a mapping of environment variables. Out: one frozen `Settings`, or one `SettingsError` that lists every
complaint (variable, value, remedy). Everything else takes its settings as arguments; nothing else reads the
environment. `VARIABLES` is also what the documentation is checked against.
"""

from __future__ import annotations

import ipaddress
import math
import os
import re
import socket
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from rowcrew.model.errors import SettingsError


class Secret(str):
    """A text that does not show itself."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'…'"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Every setting, in the units its name says. Sizes are bytes, times are seconds."""

    database_url: str | None = None
    database_direct_url: str | None = None
    concurrency: int | None = None
    max_concurrent_jobs: int | None = None
    runners: int = 1
    batch_size: int | None = None
    worker_name: str | None = None
    queues: tuple[str, ...] = ()
    queue_name: str | None = None
    poll_seconds: float = 2.0
    job_timeout_seconds: float | None = None
    heartbeat_seconds: float = 5.0
    shutdown_grace_seconds: float = 25.0
    cancel_grace_seconds: float = 5.0
    connect_timeout_seconds: float = 60.0
    max_memory_bytes: int | None = None
    keep_completed_seconds: int = 604_800
    keep_failed_seconds: int = 2_592_000
    keep_files_seconds: int | None = None
    app_name: str = "Rowcrew"
    log_format: str = "text"
    modules: tuple[str, ...] = ()
    runner_environment: tuple[str, ...] = ()
    data_directory: Path | None = None
    csv_import_tables: tuple[str, ...] | None = None
    url_allow_private: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()
    s3_bucket_name: str | None = None
    aws_access_key_id: str | None = None
    aws_secret_access_key: Secret | None = None
    aws_region: str = "us-east-1"
    aws_endpoint_url: str | None = None

    @property
    def slots(self) -> int:
        """How many jobs one worker runs at once: the smaller of the two names' values, else 4."""
        given = [value for value in (self.concurrency, self.max_concurrent_jobs) if value is not None]
        return min(given, default=4)

    @property
    def lease_seconds(self) -> float:
        """How long a worker may stay silent before its jobs are rescued."""
        return max(30.0, 3 * self.heartbeat_seconds)

    @property
    def fence_seconds(self) -> float:
        """How long after the last acknowledged heartbeat a worker stops its runs: two thirds of the lease."""
        return self.lease_seconds * 2 / 3

    def require_database_url(self) -> str:
        """The address of the database, or a `SettingsError` that says how to give one."""
        if self.database_url is None:
            raise SettingsError(
                ["DATABASE_URL is not set: give it as postgresql://user:password@host/database"]
            )
        return self.database_url


class Variable(NamedTuple):
    """One environment variable: its name (aliases after it), the field it fills and how its text is read."""

    names: tuple[str, ...]
    field: str
    read: Callable[[str], Any]
    default: str
    meaning: str


_UNITS: Final = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}
_CONTROL_GROUP: Final = Path("/sys/fs/cgroup")  # of a container: its own, version 2
_DURATION_UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST_PAUSE_DAYS: Final = 3_650  # three heartbeats are a lease, whose seconds the table has as an integer
_LONGEST_AGE_DAYS: Final = 36_500  # so long ago there still is a timestamp


def _text(value: str) -> str:
    return value


def _seconds(value: str, most_days: int = _LONGEST_PAUSE_DAYS) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd]?)", value)
    if match is None or float(match[1]) <= 0:
        raise ValueError("give seconds above zero, such as 30 or 1.5, or with a unit: 90s, 10m, 2h")
    seconds = float(match[1]) * _DURATION_UNITS[match[2]]
    if seconds > most_days * _DURATION_UNITS["d"]:
        raise ValueError(f"give at most {most_days}d, which is {most_days // 365} years")
    return seconds


def _age(value: str) -> int:
    return math.ceil(_seconds(value, _LONGEST_AGE_DAYS))


def _grace(value: str) -> float:
    return 0.0 if value == "0" else _seconds(value)


def _count(value: str) -> int:
    if not re.fullmatch(r"\d{1,6}", value) or int(value) < 1:
        raise ValueError("give a whole number from 1 to 999999")
    return int(value)


def _slots(value: str) -> int:
    return _automatic_slots() if value == "auto" else _count(value)


def _size(value: str) -> int:
    match = re.fullmatch(r"(\d{1,15})\s*([KMG]?)(?:i?B)?", value, re.IGNORECASE)
    if match is None or int(match[1]) == 0:
        raise ValueError("give a size such as 512M or 2G")
    return int(match[1]) * _UNITS[match[2].upper()]


def _list(value: str) -> tuple[str, ...]:
    return tuple(part for part in re.split(r"[,\s]+", value) if part)


def _queue(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9_][a-z0-9_.-]{0,62}", value):
        raise ValueError("a queue name is 1 to 63 of a-z 0-9 _ . - and starts with a letter, digit or _")
    return value


def _queues(value: str) -> tuple[str, ...]:
    return tuple(_queue(part) for part in _list(value))


def _log_format(value: str) -> str:
    if value not in ("text", "json"):
        raise ValueError("give text or json")
    return value


def _networks(value: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    try:
        return tuple(ipaddress.ip_network(part) for part in _list(value))
    except ValueError as error:
        raise ValueError(f"{error}: give networks such as 10.1.0.0/16, comma-separated") from error


def _endpoint(value: str) -> str:
    if not re.match(r"https?://\w", value):
        raise ValueError("it must start with https:// or http://")
    return value


def _address(value: str) -> str:
    if not re.match(r"postgres(ql)?(\+\w+)?://", value):
        raise ValueError("it must start with postgresql://")
    return value


def _automatic_slots() -> int:
    """Eight slots a core, as many as memory allows at 128 MiB each: 2, 4, 8 on the usual small plans."""
    return max(2, min(int(8 * _cores()), _memory_bytes() // (128 * 2**20)))


def _cores() -> float:
    """The machine's cores, or the part of them that the plan or the container gives this process."""
    machine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    plan = float(os.environ.get("RENDER_CPU_COUNT") or machine)
    quota, _, period = _container_limit("cpu.max").partition(" ")
    container = int(quota) / int(period) if quota.isdigit() else machine
    return min(machine, plan, container)


def _memory_bytes() -> int:
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    container = _container_limit("memory.max")
    return min(machine, int(container)) if container.isdigit() else machine


def _container_limit(name: str) -> str:
    """A limit of this process's control group; `max` where there is none."""
    try:
        return (_CONTROL_GROUP / name).read_text().strip()
    except OSError:
        return "max"


def default_worker_name() -> str:
    """A label no two processes of one host share at one time: host and process id."""
    return f"{socket.gethostname()}-{os.getpid()}"


VARIABLES: Final = (
    Variable(("DATABASE_URL",), "database_url", _address, "required", "the database that holds `jobs`"),
    Variable(
        ("DATABASE_DIRECT_URL",),
        "database_direct_url",
        _address,
        "DATABASE_URL",
        "an address past the connection pooler, for LISTEN and migrations",
    ),
    Variable(
        ("WORKER_CONCURRENCY",),
        "concurrency",
        _slots,
        "4",
        "slots: jobs run at once; `auto` = from cores and memory",
    ),
    Variable(
        ("MAX_CONCURRENT_JOBS",),
        "max_concurrent_jobs",
        _count,
        "unset",
        "second name for slots; the smaller one wins",
    ),
    Variable(
        ("WORKER_RUNNERS",), "runners", _count, "1", "shared runner processes; more of them use more cores"
    ),
    Variable(("JOB_BATCH_SIZE",), "batch_size", _count, "unset", "most rows reserved by one statement"),
    Variable(
        ("WORKER_ID",), "worker_name", _text, "host-pid", "label of this worker; `{instance}` is the instance"
    ),
    Variable(
        ("WORKER_QUEUES",), "queues", _queues, "all queues", "the queues this worker serves, comma-separated"
    ),
    Variable(
        ("JOB_QUEUE_NAME",),
        "queue_name",
        _queue,
        "default",
        "queue of producers that name none; workers serve it alone",
    ),
    Variable(
        ("POLL_INTERVAL", "JOB_POLL_INTERVAL"), "poll_seconds", _seconds, "2", "seconds between two looks"
    ),
    Variable(
        ("JOB_TIMEOUT",),
        "job_timeout_seconds",
        _seconds,
        "unset",
        "limit of a run when neither job nor type has one",
    ),
    Variable(
        ("WORKER_HEARTBEAT_INTERVAL",),
        "heartbeat_seconds",
        _seconds,
        "5",
        "seconds between heartbeats; the lease is three of them, at least 30",
    ),
    Variable(
        ("SHUTDOWN_GRACE",),
        "shutdown_grace_seconds",
        _grace,
        "25",
        "seconds that running jobs get after SIGTERM",
    ),
    Variable(
        ("CANCEL_GRACE",),
        "cancel_grace_seconds",
        _grace,
        "5",
        "seconds between asking a run to stop and killing its runner",
    ),
    Variable(
        ("DB_CONNECT_TIMEOUT",),
        "connect_timeout_seconds",
        _seconds,
        "60",
        "seconds to try the first connection",
    ),
    Variable(
        ("WORKER_MAX_MEMORY",),
        "max_memory_bytes",
        _size,
        "unset",
        "a runner above it is replaced, far above it killed",
    ),
    Variable(
        ("COMPLETED_JOB_TTL",),
        "keep_completed_seconds",
        _age,
        "604800",
        "how long completed rows are kept",
    ),
    Variable(
        ("FAILED_JOB_TTL",),
        "keep_failed_seconds",
        _age,
        "2592000",
        "how long failed and cancelled rows are kept",
    ),
    Variable(
        ("STORED_FILE_TTL",),
        "keep_files_seconds",
        _age,
        "unset",
        "how long files of jobs stay in the table `blobs`, with or without the job's row; unset = for ever",
    ),
    Variable(("APP_NAME",), "app_name", _text, "Rowcrew", "the name in the first line of the log"),
    Variable(("LOG_FORMAT",), "log_format", _log_format, "text", "`text` for people, `json` for aggregators"),
    Variable(("ROWCREW_MODULES",), "modules", _list, "unset", "further crews to load, as module:crew"),
    Variable(
        ("RUNNER_ENVIRONMENT",),
        "runner_environment",
        _list,
        "unset",
        "further variables that handlers may see, as names or patterns such as OPENAI_*",
    ),
    Variable(("ROWCREW_DATA_DIR",), "data_directory", Path, "unset", "root of inputs given by `path`"),
    Variable(
        ("CSV_IMPORT_TABLES",),
        "csv_import_tables",
        _list,
        "all of schema public",
        "the tables that csv_import may fill, as name or schema.name; never Rowcrew's own",
    ),
    Variable(
        ("URL_ALLOW_PRIVATE",),
        "url_allow_private",
        _networks,
        "unset",
        "networks that `url` inputs may come from though not public, also by http: for intranets, tests",
    ),
    Variable(
        ("S3_BUCKET_NAME",),
        "s3_bucket_name",
        _text,
        "unset",
        "the bucket for files that jobs make; unset = the table `blobs`",
    ),
    Variable(
        ("AWS_ACCESS_KEY_ID",),
        "aws_access_key_id",
        _text,
        "unset",
        "who asks S3; unset = the role or profile that boto3 finds",
    ),
    Variable(("AWS_SECRET_ACCESS_KEY",), "aws_secret_access_key", Secret, "unset", "the secret of that key"),
    Variable(("AWS_REGION",), "aws_region", _text, "us-east-1", "the region of the bucket"),
    Variable(
        ("AWS_ENDPOINT_URL",),
        "aws_endpoint_url",
        _endpoint,
        "unset",
        "address of a store that speaks like S3, in place of AWS",
    ),
)

# Everything else a worker's environment holds stays with the worker; RUNNER_ENVIRONMENT adds to it.
_RUNNER_VARIABLES: Final = re.compile(
    r"(PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_.*|TZ|TMPDIR|TEMP|TMP|PYTHON.*|VIRTUAL_ENV|LD_LIBRARY_PATH"
    r"|OPENBLAS_.*|OMP_.*|MKL_.*|AWS_.*|S3_.*|SSL_CERT_.*|REQUESTS_CA_BUNDLE|(?:HTTPS?|NO)_PROXY|(?:https?|no)_proxy"
    r"|PG(?:SSL.*|SERVICE.*|PASSFILE)|SYSTEMROOT)"
)


class Given(NamedTuple):
    """A variable as an environment has it: under which name, and read or complained about."""

    variable: Variable
    name: str | None = None
    value: Any = None
    complaint: str | None = None


def given(environment: Mapping[str, str] | None = None) -> list[Given]:
    """Every variable as the environment has it; an empty one is not given."""
    environment = os.environ if environment is None else environment
    return [_given(variable, environment) for variable in VARIABLES]


def read(environment: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """The settings of this process. Overrides (command-line options that are not None) win.

    Raises:
        SettingsError: lists every variable that could not be read, its value and what to give instead.
    """
    found = given(environment)
    if complaints := [one.complaint for one in found if one.complaint]:
        raise SettingsError(complaints)
    return made_of(found, environment, **overrides)


def made_of(
    found: Iterable[Given], environment: Mapping[str, str] | None = None, **overrides: Any
) -> Settings:
    """The settings that these variables make; one with a complaint counts as not given."""
    environment = os.environ if environment is None else environment
    values = {one.variable.field: one.value for one in found if one.name and not one.complaint}
    if "queue_name" in values:
        values.setdefault("queues", (values["queue_name"],))
    values.update({field: value for field, value in overrides.items() if value is not None})
    values["worker_name"] = _instance_name(values.get("worker_name"), environment)
    return Settings(**values)


def _given(variable: Variable, environment: Mapping[str, str]) -> Given:
    name = next((name for name in variable.names if environment.get(name, "").strip()), None)
    if name is None:
        return Given(variable)
    text = environment[name].strip()
    try:
        return Given(variable, name, variable.read(text))
    except ValueError as error:
        shown = "…" if variable.field.endswith("_url") else repr(text)
        return Given(variable, name, complaint=f"{name}={shown}: {error}")


def _instance_name(template: str | None, environment: Mapping[str, str]) -> str:
    if template is None:
        return default_worker_name()
    return template.replace("{instance}", environment.get("RENDER_INSTANCE_ID") or socket.gethostname())


def runner_environment(settings: Settings, environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a runner, and so user code, may see of this process's environment: an allow-list."""
    environment = os.environ if environment is None else environment
    patterns = [re.compile(re.escape(name).replace(r"\*", ".*")) for name in settings.runner_environment]
    allowed = (_RUNNER_VARIABLES, *patterns)
    kept = {name: value for name, value in environment.items() if any(p.fullmatch(name) for p in allowed)}
    known = {name for variable in VARIABLES for name in variable.names}
    kept.update({name: value for name, value in environment.items() if name in known})
    kept["DATABASE_URL"] = settings.require_database_url()
    return kept


class Platform(NamedTuple):
    """What a platform tells a service of itself, and what it was told of Python; None = nothing."""

    is_render: bool
    service_type: str | None
    python_version: str | None
    is_unbuffered: bool


def platform(environment: Mapping[str, str] | None = None) -> Platform:
    """Where this process runs, by the variables of the platform. Called by the doctor alone."""
    environment = os.environ if environment is None else environment
    return Platform(
        is_render=environment.get("RENDER") == "true",
        service_type=environment.get("RENDER_SERVICE_TYPE") or None,
        python_version=environment.get("PYTHON_VERSION") or None,
        is_unbuffered=bool(environment.get("PYTHONUNBUFFERED")),
    )


def environment_with(**variables: str) -> dict[str, str]:
    """The environment of this process for a child of it, with some variables set."""
    return {**os.environ, **variables}


def state_directory() -> Path:
    """Where programs of this account keep what they want to find again: `rowcrew dev` its database."""
    if os.geteuid() == 0:
        return Path("/var/lib/rowcrew")
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "rowcrew"
