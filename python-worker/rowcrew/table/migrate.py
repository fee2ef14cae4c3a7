"""Brings a database's schema up to date: `rowcrew migrate`, and plain `alembic` by way of env.py.

In: the address of a database. Out: its schema at a revision: the queue's migrations are one branch, and each
family's another. Any number of migrations may start at once: one works, the others wait and then find nothing
to do. Migrations wait at most three seconds for a table's lock, because every reservation would wait behind
them, and try again.
"""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import psycopg
import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from rowcrew import family, settings
from rowcrew.model.errors import SchemaMismatch
from rowcrew.table import schema
from rowcrew.table.address import for_sqlalchemy
from rowcrew.table.compatibility import OWN_SCHEMA, SCHEMA_REVISION
from rowcrew.table.link import reason
from rowcrew.table.migration_lock import LIMITS, only_migration, patiently
from rowcrew.table.opening import opened, options, settle
from rowcrew.table.statements import SQL

if TYPE_CHECKING:
    from types import ModuleType

# Not alembic's default name: a database that Rowcrew shares may have an `alembic_version` of its own.
VERSION_TABLE: Final = "rowcrew_migrations"

_STRANGERS: Final = (
    psycopg.errors.DuplicateTable,
    psycopg.errors.DuplicateObject,
    psycopg.errors.DuplicateFunction,
)


def migrate(url: str, *, only: Sequence[str] = ()) -> None:
    """Bring the queue and all installed families up to date, or `only` these; the queue is called `queue`.

    Raises:
        FamilyBroken: there is no such family.
        MigrationBusy: another migration was at work, or the tables were locked, for ten minutes.
    """
    chosen = family.named(name for name in only if name != family.QUEUE)
    branches = [one.name for one in chosen if one.migrations]
    if family.QUEUE in only:
        branches.insert(0, family.QUEUE)
    for revision in [f"{branch}@head" for branch in branches] if only else ["heads"]:
        command.upgrade(alembic_config(url), revision)
    _preset_queues(url, chosen or family.installed())
    _preset_schedules(url, chosen if only else family.installed())


def downgrade(url: str, revision: str) -> None:
    """Take migrations back down to a revision, or a branch with `queue@base`.

    `base` drops every table of the queue and of the families with its rows.

    Raises:
        MigrationBusy: another migration was at work, or the tables were locked, for ten minutes.
    """
    command.downgrade(alembic_config(url), revision)


def remember(url: str) -> bool:
    """Write anew which migrations a database at our revision has, where `rowcrew_migrations` does not tell.

    Of the families, those count whose tables are all there.
    """
    if _forgotten(url) != SCHEMA_REVISION:
        return False
    with opened(url, name="migrate") as connection:
        named = {"tables": [table for one in family.installed() for table in one.tables]}
        absent = {table for (table,) in connection.execute(SQL["operator/absent_tables"], named)}
    made = [one.name for one in family.installed() if one.migrations and not absent.intersection(one.tables)]
    command.stamp(alembic_config(url), [f"{branch}@head" for branch in (family.QUEUE, *made)])
    return True


def later_revision(url: str) -> int | None:
    """The revision of the queue's tables if a later version has made them, else None."""
    with opened(url, name="migrate", autocommit=True) as connection:
        told = _told(connection, "worker/schema_revision")
    return int(told[0][0]) if told and told[0][0] > SCHEMA_REVISION else None


def migrations_directory() -> Path:
    """Of the queue: inside the package when installed, at the top of the repository otherwise."""
    package = Path(__file__).parents[1]
    installed = package / "migrations"
    return installed if installed.is_dir() else package.parents[1] / "migrations"


def run_migrations(context: ModuleType) -> None:
    """Do what alembic was called for, alone and in one transaction a migration. Called by env.py."""
    url = context.config.attributes.get("url") or _url_from_environment()
    engine = sqlalchemy.create_engine(
        for_sqlalchemy(url), poolclass=sqlalchemy.NullPool, connect_args=options("migrate", url)
    )
    sqlalchemy.event.listen(engine, "connect", _settle)
    sqlalchemy.event.listen(engine, "begin", _limit_waits)
    try:
        with only_migration(url):
            _migrate_on(engine, context)
    except sqlalchemy.exc.DBAPIError as error:
        if isinstance(error.orig, _STRANGERS) and _forgotten(url):
            raise SchemaMismatch(
                f"the table {VERSION_TABLE} no longer says what was migrated: rowcrew migrate --repair"
            ) from error
        if isinstance(error.orig, _STRANGERS):
            raise SchemaMismatch(f"{reason(error.orig)}: {OWN_SCHEMA}") from error
        raise
    finally:
        engine.dispose()


def print_sql(context: ModuleType) -> None:
    """Print the SQL of the migrations (`alembic upgrade heads --sql`). Called by env.py."""
    context.configure(dialect_name="postgresql", **_options())
    with context.begin_transaction():
        context.run_migrations()


def is_ours(name: str | None, kind: str, _parents: Any) -> bool:
    """Whether alembic's comparison should look at this: a shared database has tables of others."""
    return kind != "table" or any(name in metadata.tables for metadata in declared())


def declared() -> list[sqlalchemy.MetaData]:
    """The tables of the queue and of every family, as they are declared."""
    return [schema.metadata, *(_metadata(one.metadata) for one in family.installed() if one.metadata)]


def _metadata(target: str) -> sqlalchemy.MetaData:
    module, _, name = target.partition(":")
    metadata = getattr(importlib.import_module(module), name)
    assert isinstance(metadata, sqlalchemy.MetaData), f"{target} holds no tables"
    return metadata


def alembic_config(url: str) -> Config:
    """Where Alembic finds the migrations of the queue and of every installed family."""
    config = Config()
    queue = migrations_directory()
    places = [queue / "versions", *filter(None, (one.migrations_directory() for one in family.installed()))]
    config.set_main_option("script_location", str(queue).replace("%", "%%"))
    config.set_main_option("version_locations", os.pathsep.join(map(str, places)).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["url"] = url
    return config


def _preset_queues(url: str, families: Iterable[family.Family]) -> None:
    """Give the families' queues their rows, where the queue's own tables are there."""
    presets = [preset for one in families for preset in one.queues]
    if presets:
        queues = msgspec.json.encode(presets).decode()
        with opened(url, name="migrate") as connection, suppress(psycopg.errors.UndefinedTable):
            connection.execute(SQL["migration/preset_queues"], {"queues": queues})


def _preset_schedules(url: str, families: Iterable[family.Family]) -> None:
    """Give the families' schedules their rows, where the queue's own tables are there."""
    presets = [
        {**msgspec.to_builtins(preset), "declaredBy": one.name}
        for one in families
        for preset in one.schedules
    ]
    if presets:
        schedules = msgspec.json.encode(presets).decode()
        with opened(url, name="migrate") as connection, suppress(psycopg.errors.UndefinedTable):
            connection.execute(SQL["migration/preset_schedules"], {"schedules": schedules})


def _forgotten(url: str) -> int | None:
    """The revision of tables that are there without a word of what was migrated; None = nothing is amiss."""
    with opened(url, name="migrate", autocommit=True) as connection:
        versions = _told(connection, "operator/versions")
        revisions = _told(connection, "worker/schema_revision")
    if revisions and family.QUEUE not in {_family_of(version) for version, *_ in versions}:
        return int(revisions[0][0])
    return None


def _told(connection: psycopg.Connection[Any], statement: str) -> list[tuple[Any, ...]]:
    try:
        return connection.execute(SQL[statement]).fetchall()
    except psycopg.errors.UndefinedTable:
        return []


def _url_from_environment() -> str:
    current = settings.read()
    return current.database_direct_url or current.require_database_url()


def _options() -> dict[str, Any]:
    return {
        "target_metadata": declared(),
        "version_table": VERSION_TABLE,
        "transaction_per_migration": True,
        "compare_server_default": True,
        "include_name": is_ours,
    }


def _settle(connection: psycopg.Connection[Any], _record: Any) -> None:
    connection.autocommit = True
    settle(connection)
    connection.autocommit = False


def _limit_waits(connection: sqlalchemy.Connection) -> None:
    for statement in LIMITS:
        connection.exec_driver_sql(statement)


@patiently
def _migrate_on(engine: sqlalchemy.Engine, context: ModuleType) -> None:
    with engine.connect() as connection:
        context.configure(connection=connection, **_options())
        _overlook_what_is_not_ours(context.get_context(), context.script)
        with context.begin_transaction():
            context.run_migrations()


def _overlook_what_is_not_ours(migrations: MigrationContext, script: ScriptDirectory) -> None:
    """Take versions of families that are not installed here for absent, and later versions for our newest.

    Alembic would refuse to work. But two services may share a database and bring different families, and each
    migrates its own; and a release that is taken back migrates before its start, as every release does. Only
    an upgrade may take a later version for ours: a downgrade would undo what is not the last.
    """
    heads = migrations.get_current_heads
    names = {family.QUEUE, *(one.name for one in family.installed())}
    is_upgrade = getattr(migrations.opts.get("fn"), "__name__", None) == "upgrade"
    newest = {_family_of(head): head for head in script.get_heads()} if is_upgrade else {}

    def known() -> tuple[str, ...]:
        ours = [head for head in heads() if _family_of(head) in names]
        return tuple(min(head, newest.get(_family_of(head), head), key=_number_of) for head in ours)

    migrations.get_current_heads = known  # type: ignore[method-assign]


def _number_of(revision: str) -> int:
    found = re.search("[0-9]+$", revision)
    return int(found[0]) if found else 0


def _family_of(revision: str) -> str:
    found = re.fullmatch(r"([a-z][a-z0-9_]*)_[0-9]+", revision)
    return found[1] if found else family.QUEUE
