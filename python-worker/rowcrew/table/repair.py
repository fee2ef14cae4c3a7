"""Puts back what is missing from the tables, or different: `rowcrew migrate --repair`.

In: the address of a migrated database. Out: what was found, and what came of each. One transaction under the
lock of migrations, which waits for tables no longer than a migration does; no row is changed or deleted. What
only a person can decide is told with its SQL. Called by `rowcrew migrate`.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import psycopg
from alembic.script import ScriptDirectory

from rowcrew import family
from rowcrew.model.shape import Difference, Part, differences
from rowcrew.table import schema
from rowcrew.table.compatibility import SCHEMA_REVISION
from rowcrew.table.link import reason
from rowcrew.table.mending import Statements, Unrepairable, statements
from rowcrew.table.migrate import alembic_config
from rowcrew.table.migration_lock import LIMITS, NO_ROOM, only_migration, patiently
from rowcrew.table.opening import opened
from rowcrew.table.shape import Shape, expected, names
from rowcrew.table.statements import SQL

Connection = psycopg.Connection[Any]

_VIEWS: Final = ("job_status", "job_why", "queue_depth", "worker_status")


class Repair(NamedTuple):
    """What was wrong, and what came of it.

    Attributes:
        what: the difference as a sentence.
        refused: why nothing was done; None when it was.
        emptied: the thing is there again without what it held: values of a column, rows, rights.
    """

    what: str
    refused: str | None
    emptied: bool


@patiently
def found_differences(url: str) -> list[Difference]:
    """What is missing or different in a database; nothing is changed.

    Raises:
        MigrationBusy: the tables were locked for ten minutes.
    """
    with opened(url, name="migrate") as connection:
        return differences(*_looked_at(connection))


def repair(url: str) -> list[Repair]:
    """Put back what can be, and say of each difference what came of it.

    Raises:
        MigrationBusy: another migration was at work, or the tables were locked, for ten minutes.
    """
    with only_migration(url), opened(url, name="migrate") as connection:
        return _repaired(connection)


def described(url: str, name: str) -> Shape:
    """What a migrated database holds of a family, or of the queue.

    Raises:
        FamilyBroken: there is no such family.
    """
    if name == family.QUEUE:
        relations = [*schema.metadata.tables, *_VIEWS]
    else:
        [chosen] = family.named([name])
        relations = list(chosen.tables)
    head = ScriptDirectory.from_config(alembic_config(url)).get_revision(f"{name}@head")
    with opened(url, name="migrate") as connection:
        rows = connection.execute(SQL["operator/parts"], {"relations": relations, "functions": []})
        return Shape(head.revision, [Part(*row) for row in rows])


def _looked_at(connection: Connection) -> tuple[list[Part], list[Part]]:
    """The parts that should be there, and those that are, in a transaction that waits as migrations do."""
    for limit in LIMITS:
        connection.execute(limit)
    wanted = expected({version for (version,) in connection.execute(SQL["operator/versions"])})
    # As a side effect, names without a schema now mean the tables' own, until this transaction ends.
    return wanted, [Part(*row) for row in connection.execute(SQL["operator/parts"], names(wanted))]


@patiently
def _repaired(connection: Connection) -> list[Repair]:
    connection.rollback()
    wanted, found = _looked_at(connection)
    order = sorted(differences(wanted, found), key=_turn)
    done = [_tried(connection, statements(difference, wanted, found), difference) for difference in order]
    if any(part.relation == "rowcrew_schema" for part in wanted):  # not where a family was migrated alone
        connection.execute(SQL["migration/say_revision"], {"revision": SCHEMA_REVISION})
    connection.commit()
    return done


def _turn(difference: Difference) -> int:
    """Triggers of a table that is made again need their functions; functions in SQL need the tables."""
    part = difference.expected
    if part is None or part.kind != "function":
        return 1
    if " LANGUAGE sql" not in part.definition:
        return 0
    return 3 if part.name == "rowcrew_backlog" else 2  # it asks rowcrew_ready


def _tried(connection: Connection, mending: Statements, difference: Difference) -> Repair:
    try:
        with connection.transaction():
            for statement in mending:
                connection.execute(statement)
    except NO_ROOM:
        raise
    except psycopg.Error as error:
        return Repair(difference.what, reason(error), emptied=False)
    except Unrepairable as decision:
        return Repair(difference.what, str(decision), emptied=False)
    is_new = difference.found is None and difference.kind in ("table", "view", "column")
    return Repair(difference.what, None, emptied=is_new)
