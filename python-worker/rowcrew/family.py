"""Families of job types: what each declares of itself, and which ones are installed.

In: the families that ship with Rowcrew, and those that installed packages name under the entry point group
`rowcrew.families`. Out: their declarations. Called by whatever is computed from them: migrations, roles, the
check of rights, the doctor, a worker's environment. Reading a declaration imports no handler.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import msgspec

from rowcrew.model.errors import RowcrewError
from rowcrew.settings import given
from rowcrew.settings.family import FamilySettings
from rowcrew.settings.variables import Variable

GROUP: Final = "rowcrew.families"
# Written as entry points and not declared as such: a checkout that runs without being installed has none.
BUNDLED: Final = tuple(
    EntryPoint(name, f"rowcrew.bundled.{name}:family", GROUP)
    for name in (
        "files",
        "documents",
        "model_run",
        "monte_carlo",
        "csv_import",
        "exports",
        "costs",
        "announcements",
        "retrieval",
        "investigation",
    )
)
BUNDLED_CREW: Final = "rowcrew.bundled:crew"
QUEUE: Final = "queue"
QUEUE_TABLES: Final = frozenset(
    {
        "alembic_version",
        "event_messages",
        "event_receivers",
        "events",
        "job_attempts",
        "job_stats",
        "job_logs",
        "jobs_set_aside",
        "job_types",
        "jobs",
        "queue_alarms",
        "limits",
        "queues",
        "rowcrew_migrations",
        "rowcrew_schema",
        "schedule_ticks",
        "schedules",
        "starts",
        "web_sessions",
        "web_users",
        "workers",
    }
)

Role = Literal["producer", "worker", "reader"]
Privilege = Literal["SELECT", "INSERT", "UPDATE", "DELETE"]


class FamilyBroken(RowcrewError):
    """A package declares a family that cannot be loaded."""


class Grant(NamedTuple):
    """The rights to one table that one of Rowcrew's roles needs for the family's jobs."""

    table: str
    role: Role
    privileges: tuple[Privilege, ...]


class QueuePreset(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A row of `queues` that `migrate` inserts once for the family; people may change or delete it."""

    queue: str
    label: str | None = None
    max_concurrent: int | None = None
    max_runtime_seconds: int | None = None
    cooldown_seconds: int = 0
    max_jobs_per_session: int | None = None
    idle_timeout_seconds: int | None = None


class Extra(NamedTuple):
    """A library that only some job types need, and the requirement that brings it: `rowcrew[sim]`."""

    library: str
    requirement: str
    types: tuple[str, ...]


class Trouble(NamedTuple):
    """What the doctor should warn of for a family, without any secret, and what to do about it."""

    what: str
    remedy: str


Fetch = Callable[[str, Mapping[str, Any]], Awaitable[list[Any]]]
Examination = Callable[[Fetch], Awaitable[list[Trouble]]]


class SchedulePreset(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A row of `schedules` that `migrate` inserts once for the family; people may change or delete it.

    Give one of `cron` and `every_seconds`.
    """

    name: str
    type: str
    cron: str | None = None
    every_seconds: int | None = None
    timezone: str = "UTC"
    payload: dict[str, Any] = {}
    missed: Literal["skip", "once", "all"] = "once"
    overlap: Literal["allow", "skip", "queueOne", "cancelOld"] = "allow"


class Feed(NamedTuple):
    """A type that `rowcrew enqueue TYPE --feed FILE` can make jobs of, many from one file.

    Attributes:
        type: the type of the jobs.
        jobs_of: as module:function; it takes the file's bytes, answers `NewJob`s, and raises a `RowcrewError`
            that says what is wrong with the file.
    """

    type: str
    jobs_of: str


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """Job types that belong together, with all that is theirs.

    Attributes:
        name: of a-z 0-9 _; labels its branch of migrations, whose ids are `<name>_0001` and so on.
        package: the importable package that holds it, `__name__` where the family is declared.
        crew: where its handlers are, as module:crew; None for a family that only others use.
        tables: the tables that it makes. No import of a CSV file may fill them.
        grants: the rights that its jobs need, to its tables or to others.
        queues: what holds for its queues until somebody changes it.
        settings: the Struct of its settings.
        extras: libraries that its types need and a plain installation lacks.
        migrations: the folder of its migrations, inside the package.
        metadata: its tables as SQLAlchemy declares them, as module:name.
        uses: the families whose modules it imports.
        schedules: the schedules that come with it.
        doctor: an `Examination` of its settings against its tables, as module:function.
        feeds: the types whose jobs a file can hold.
    """

    name: str
    package: str
    crew: str | None = None
    tables: tuple[str, ...] = ()
    grants: tuple[Grant, ...] = ()
    queues: tuple[QueuePreset, ...] = ()
    settings: type[FamilySettings] = FamilySettings
    extras: tuple[Extra, ...] = ()
    migrations: str | None = None
    metadata: str | None = None
    uses: tuple[str, ...] = ()
    schedules: tuple[SchedulePreset, ...] = ()
    doctor: str | None = None
    feeds: tuple[Feed, ...] = ()

    def __post_init__(self) -> None:
        if not re.fullmatch("[a-z][a-z0-9_]*", self.name) or self.name == QUEUE:
            raise ValueError(f"a family cannot be called {self.name!r}")

    def migrations_directory(self) -> Path | None:
        """Where its migrations are, if it has any."""
        return Path(str(resources.files(self.package) / self.migrations)) if self.migrations else None


@cache
def bundled() -> tuple[Family, ...]:
    """The families that ship with Rowcrew."""
    return tuple(map(_loaded, BUNDLED))


@cache
def installed() -> tuple[Family, ...]:
    """All families: those that ship with Rowcrew, then those of other packages by name.

    Raises:
        FamilyBroken: names the entry point that cannot be loaded, or the name that two families have.
    """
    others = sorted(entry_points(group=GROUP), key=lambda entry: entry.name)
    families = (*bundled(), *map(_loaded, others))
    names = [family.name for family in families]
    if twice := {name for name in names if names.count(name) > 1}:
        raise FamilyBroken(f"two installed packages have a family {min(twice)}: uninstall one of them")
    return families


def crews(modules: Sequence[str]) -> list[str]:
    """What a worker loads that nobody tells what to load: the crews of all families, and these modules."""
    further = [family.crew for family in installed()[len(BUNDLED) :] if family.crew is not None]
    return [BUNDLED_CREW, *further, *modules]


def own_tables() -> frozenset[str]:
    """The tables of the queue and of every family."""
    return QUEUE_TABLES.union(*(family.tables for family in installed()))


def variables() -> Iterator[Variable]:
    """The settings of every family."""
    for family in installed():
        yield from family.settings.variables


def complaints(*, missing: bool) -> Iterator[str]:
    """What is wrong with the settings of all families; `missing` = also what is required and not given."""
    for family in installed():
        yield from family.settings.complaints(missing=missing)


def disagreements() -> list[str]:
    """What is wrong with the settings of all families though each can be read for itself."""
    every = (family.settings.complaints() for family in installed())
    single = {one.complaint for one in given(variables=variables()) if one.complaint}
    return [complaint for some in every for complaint in some if complaint not in single]


def feed_of(type: str) -> Feed | None:
    """How a file becomes jobs of this type, if an installed family says so."""
    return next((feed for family in installed() for feed in family.feeds if feed.type == type), None)


def named(names: Iterable[str]) -> list[Family]:
    """The installed families of these names.

    Raises:
        FamilyBroken: there is no such family.
    """
    families = {family.name: family for family in installed()}
    wanted = list(names)
    if unknown := [name for name in wanted if name not in families]:
        raise FamilyBroken(f"there is no family {unknown[0]}; installed are {', '.join(families)}")
    return [families[name] for name in wanted]


def _loaded(entry: EntryPoint) -> Family:
    try:
        family = entry.load()
    except Exception as error:
        raise FamilyBroken(f"the family {entry.name} cannot be loaded from {entry.value}: {error}") from error
    if not isinstance(family, Family):
        raise FamilyBroken(f"the family {entry.name}: {entry.value} is no rowcrew.family.Family")
    return family
