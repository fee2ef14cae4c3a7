"""The settings of a worker and of its producers, read once from the environment.

In: a mapping of environment variables. Out: one frozen `Settings`, or one `SettingsError` that lists every
complaint (variable, value, remedy). Everything else takes its settings as arguments; nothing else reads the
environment. `variables` is the table of what can be set, `readers` turns its texts into values, `machine`
counts cores and memory.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from rowcrew.model.errors import SettingsError
from rowcrew.settings.readers import Command, Database, Network, Secret, SigningSecret
from rowcrew.settings.variables import VARIABLES, Variable

_PRODUCER_FIELDS: Final = (
    "database_url",
    "database_direct_url",
    "databases",
    "database_label",
    "queue_name",
)
_PRODUCER_VARIABLES: Final = tuple(one for one in VARIABLES if one.field in _PRODUCER_FIELDS)
_PRODUCER_NAMES: Final = tuple(name for variable in _PRODUCER_VARIABLES for name in variable.names)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Every setting, in the units its name says. Sizes are bytes, times are seconds."""

    database_url: str | None = None
    database_direct_url: str | None = None
    databases: tuple[Database, ...] = ()
    database_label: str | None = None
    concurrency: int | None = None
    max_concurrent_jobs: int | None = None
    runners: int = 1
    batch_size: int | None = None
    worker_name: str | None = None
    queues: tuple[str, ...] = ()
    queue_name: str | None = None
    ephemeral: bool = False
    max_jobs: int | None = None
    idle_timeout_seconds: float | None = None
    max_runtime_seconds: float | None = None
    boot_id: str | None = None
    health_port: int | None = None
    poll_seconds: float = 2.0
    by_priority: bool = True
    job_timeout_seconds: float | None = None
    heartbeat_seconds: float = 5.0
    shutdown_grace_seconds: float = 25.0
    cancel_grace_seconds: float = 5.0
    connect_timeout_seconds: float = 60.0
    max_memory_bytes: int | None = None
    keep_completed_seconds: int = 604_800
    keep_failed_seconds: int = 2_592_000
    keep_result_seconds: int | None = None
    event_secrets: tuple[SigningSecret, ...] = ()
    event_commands: tuple[Command, ...] = ()
    event_allow_private: tuple[Network, ...] = ()
    event_merge_seconds: float = 60.0
    keep_events_seconds: int = 2_592_000
    job_log_bytes: int = 65_536
    web_proxy_secret: Secret | None = None
    spawner_seconds: float = 5.0
    launch_commands: tuple[Command, ...] = ()
    app_name: str = "Rowcrew"
    log_format: str = "text"
    modules: tuple[str, ...] = ()
    runner_environment: tuple[str, ...] = ()

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
            raise SettingsError([self.no_address])
        return self.database_url

    @property
    def no_address(self) -> str:
        """What to do where a command asks one database and none is given."""
        if not self.databases:
            return "DATABASE_URL is not set: give it as postgresql://user:password@host/database"
        names = ", ".join(map(str, self.databases))
        return f"DATABASE_URLS names several databases: set ROWCREW_DATABASE to the one to ask: {names}"


class Given(NamedTuple):
    """A variable as an environment has it: under which name, and read or complained about."""

    variable: Variable
    name: str | None = None
    value: Any = None
    complaint: str | None = None


def given(
    environment: Mapping[str, str] | None = None, variables: Iterable[Variable] = VARIABLES
) -> list[Given]:
    """Each of the variables as the environment has it; an empty one is not given."""
    environment = os.environ if environment is None else environment
    return [_given(variable, environment) for variable in variables]


def read(environment: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """The settings of this process. Overrides (command-line options that are not None) win.

    Raises:
        SettingsError: lists every variable that could not be read, its value and what to give instead.
    """
    found = given(environment)
    if complaints := [*(one.complaint for one in found if one.complaint), *wrong_picks(found)]:
        raise SettingsError(complaints)
    return made_of(found, environment, **overrides)


def producer(environment: Mapping[str, str] | None = None) -> Settings:
    """What a producer needs of its environment: the database and its queue, however wrong the rest is.

    Producers ask at every call, so a text is read once.

    Raises:
        SettingsError: one of them could not be read.
    """
    environment = os.environ if environment is None else environment
    return _producer(tuple((name, environment.get(name, "")) for name in _PRODUCER_NAMES))


@lru_cache(maxsize=8)
def _producer(texts: tuple[tuple[str, str], ...]) -> Settings:
    found = given(dict(texts), _PRODUCER_VARIABLES)
    if complaints := [*(one.complaint for one in found if one.complaint), *wrong_picks(found)]:
        raise SettingsError(complaints)
    return Settings(**_of_the_one(_values(found)))


def made_of(
    found: Iterable[Given], environment: Mapping[str, str] | None = None, **overrides: Any
) -> Settings:
    """The settings that these variables make; one with a complaint counts as not given."""
    environment = os.environ if environment is None else environment
    values = _of_the_one(_values(found))
    if "queue_name" in values:
        values.setdefault("queues", (values["queue_name"],))
    values.update({field: value for field, value in overrides.items() if value is not None})
    values["worker_name"] = _instance_name(values.get("worker_name"), environment)
    return Settings(**values)


def wrong_picks(found: Iterable[Given]) -> list[str]:
    """What is wrong with the name that picks one of several databases: none is guessed."""
    values = {one.name: one.value for one in found if one.name and not one.complaint}
    databases, name = values.get("DATABASE_URLS"), values.get("ROWCREW_DATABASE")
    if databases is None or name is None:
        return []
    if "DATABASE_URL" in values:
        return [f"ROWCREW_DATABASE={name}: it picks one of DATABASE_URLS; leave DATABASE_URL out"]
    if name not in map(str, databases):
        names = ", ".join(map(str, databases))
        return [f"ROWCREW_DATABASE={name}: DATABASE_URLS does not name it; give one of {names}"]
    return []


def _values(found: Iterable[Given]) -> dict[str, Any]:
    return {one.variable.field: one.value for one in found if one.name and not one.complaint}


def _of_the_one(values: dict[str, Any]) -> dict[str, Any]:
    """The same, where ROWCREW_DATABASE picks one of DATABASE_URLS, as if there were no other."""
    for database in values.get("databases", ()):
        if database.name == values.get("database_label") and "database_url" not in values:
            return {**values, "databases": (), "database_url": database.url}
    return values


def _given(variable: Variable, environment: Mapping[str, str]) -> Given:
    name = next((name for name in variable.names if environment.get(name, "").strip()), None)
    if name is None:
        required = f"{variable.names[0]} is not set: {variable.meaning}" if variable.is_required else None
        return Given(variable, complaint=required)
    text = environment[name].strip()
    try:
        return Given(variable, name, variable.read(text))
    except ValueError as error:
        shown = "…" if variable.is_secret or variable.field.endswith("_url") else repr(text)
        return Given(variable, name, complaint=f"{name}={shown}: {error}")


def _default_worker_name() -> str:
    """A label no two processes of one host share at one time: host and process id."""
    return f"{socket.gethostname()}-{os.getpid()}"


def _instance_name(template: str | None, environment: Mapping[str, str]) -> str:
    if template is None:
        return _default_worker_name()
    return template.replace("{instance}", environment.get("RENDER_INSTANCE_ID") or socket.gethostname())


_BOOT_ID: Final = "ROWCREW_BOOT_ID"
_OF_CONTROL_ALONE: Final = {
    "DATABASE_URLS",
    "EVENT_SECRETS",
    "EVENT_COMMANDS",
    "LAUNCH_COMMANDS",
    "WEB_PROXY_SECRET",
}

# Everything else a worker's environment holds stays with the worker; RUNNER_ENVIRONMENT adds to it.
_RUNNER_VARIABLES: Final = re.compile(
    r"(PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_.*|TZ|TMPDIR|TEMP|TMP|PYTHON.*|VIRTUAL_ENV|LD_LIBRARY_PATH"
    r"|OPENBLAS_.*|OMP_.*|MKL_.*|AWS_.*|S3_.*|SSL_CERT_.*|REQUESTS_CA_BUNDLE|(?:HTTPS?|NO)_PROXY|(?:https?|no)_proxy"
    r"|PG(?:SSL.*|SERVICE.*|PASSFILE)|OTEL_.*|SENTRY_.*|SYSTEMROOT)"
)


def runner_environment(
    settings: Settings, environment: Mapping[str, str] | None = None, *, families: Iterable[Variable] = ()
) -> dict[str, str]:
    """What a runner, and so user code, may see of this process's environment: an allow-list.

    Args:
        families: the variables of families, which their handlers read in the runner.
    """
    environment = os.environ if environment is None else environment
    patterns = [re.compile(re.escape(name).replace(r"\*", ".*")) for name in settings.runner_environment]
    allowed = (_RUNNER_VARIABLES, *patterns)
    kept = {name: value for name, value in environment.items() if any(p.fullmatch(name) for p in allowed)}
    known = {name for variable in (*VARIABLES, *families) for name in variable.names} - _OF_CONTROL_ALONE
    kept.update({name: value for name, value in environment.items() if name in known})
    kept["DATABASE_URL"] = settings.require_database_url()
    kept.pop(_BOOT_ID, None)  # no worker that a handler starts is this one
    return kept


def event_environment(settings: Settings, environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a program that tells of events may see: what every program needs, and RUNNER_ENVIRONMENT."""
    seen = runner_environment(settings, environment)
    own = {name for variable in VARIABLES for name in variable.names}
    return {name: value for name, value in seen.items() if name not in own}


# What shells and terminals tell programs, and no handler asks for.
_OF_THE_SHELL: Final = re.compile(
    r"(_|PWD|OLDPWD|SHLVL|HOSTNAME|TERM.*|COLORTERM|COLUMNS|LINES|LS_COLORS|LESS.*|MAIL|EDITOR|VISUAL|PAGER"
    r"|DISPLAY|NO_COLOR|SSH_.*|XDG_.*|DBUS_.*|TMUX.*|GPG_.*)"
)


def hidden_from_handlers(
    settings: Settings, environment: Mapping[str, str] | None = None, *, families: Iterable[Variable] = ()
) -> list[str]:
    """The names of the variables that runners do not see, without those that only shells care about."""
    environment = os.environ if environment is None else environment
    any_address = msgspec.structs.replace(settings, database_url="")
    seen = runner_environment(any_address, environment, families=families)
    return sorted(name for name in environment if name not in seen and not _OF_THE_SHELL.fullmatch(name))


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


class Supervisor(NamedTuple):
    """The program that started this one and wants to hear how it does, as systemd asks for it.

    `watchdog_seconds` is how long it lets this process be silent; None = for ever.
    """

    address: str
    watchdog_seconds: float | None


def supervisor(environment: Mapping[str, str] | None = None) -> Supervisor | None:
    """Whom to tell that this process is ready, alive and stopping; None where nobody asks."""
    environment = os.environ if environment is None else environment
    address = environment.get("NOTIFY_SOCKET", "")
    if address[:1] not in ("/", "@"):
        return None
    abstract = address.startswith("@")
    return Supervisor(f"\0{address[1:]}" if abstract else address, _watchdog_seconds(environment))


def _watchdog_seconds(environment: Mapping[str, str]) -> float | None:
    microseconds, own = environment.get("WATCHDOG_USEC", ""), str(os.getpid())
    is_ours = environment.get("WATCHDOG_PID", "") in ("", own)
    return int(microseconds) / 1e6 if microseconds.isdecimal() and is_ours else None


def agent_of_task(environment: Mapping[str, str] | None = None) -> str | None:
    """The address of the agent of ECS, which protects its task; None where this is no task of ECS."""
    environment = os.environ if environment is None else environment
    address = environment.get("ECS_AGENT_URI", "")
    return address.rstrip("/") if address.startswith("http://") else None


def environment_with(**variables: str) -> dict[str, str]:
    """The environment of this process for a child of it, with some variables set."""
    return {**os.environ, **variables}


def import_places(environment: Mapping[str, str] | None = None) -> list[Path]:
    """Where a program started with `python -m` looks for modules first, before Python's own."""
    environment = os.environ if environment is None else environment
    return [Path.cwd(), *map(Path, filter(None, environment.get("PYTHONPATH", "").split(os.pathsep)))]


def wants_colour(environment: Mapping[str, str] | None = None) -> bool:
    """Whether who reads a terminal wants colours: not with NO_COLOR, nor on one that has none."""
    environment = os.environ if environment is None else environment
    return not environment.get("NO_COLOR") and environment.get("TERM", "") not in ("", "dumb")


def state_directory() -> Path:
    """Where programs of this account keep what they want to find again: `rowcrew dev` its database."""
    if os.geteuid() == 0:
        return Path("/var/lib/rowcrew")
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "rowcrew"
