"""What the roles may do: the queue's grants, which are a file, and those that families declare.

In: the declarations of the installed families. Out: SQL for whoever owns the tables, and what a connection's
role lacks of a worker's rights. Called by `rowcrew roles` and by the doctor.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from psycopg import sql

from rowcrew.family import Family
from rowcrew.table.statements import SQL


def roles_sql(families: Iterable[Family]) -> str:
    """The SQL that makes the roles and gives each its rights, in one transaction."""
    parts = [SQL["operator/roles"], *filter(None, map(_grants, families))]
    return "\n".join(["BEGIN;\n", *parts, "COMMIT;\n"])


def worker_rights(families: Iterable[Family]) -> dict[str, Any]:
    """The parameters of `operator/missing_rights`: which rights to which tables families give the worker."""
    rights = [
        (grant.table, privilege)
        for family in families
        for grant in family.grants
        if grant.role == "worker"
        for privilege in grant.privileges
    ]
    return {"tables": [table for table, _ in rights], "privileges": [privilege for _, privilege in rights]}


def _grants(family: Family) -> str:
    """A family's grants; a table that is not there, because the family was not migrated, needs none."""
    lines = list(_statements(family))
    if not lines:
        return ""
    return "\n".join(
        [f"-- The family {family.name}, where its tables are.", "DO $$", "BEGIN", *lines, "END $$;\n"]
    )


def _statements(family: Family) -> Iterator[str]:
    for grant in family.grants:
        table = _quoted(grant.table)
        exists = sql.SQL("to_regclass({})").format(sql.Literal(table)).as_string(None)
        granted = f"GRANT {', '.join(grant.privileges)} ON {table} TO rowcrew_{grant.role};"
        yield f"    IF {exists} IS NOT NULL THEN\n        {granted}\n    END IF;"


def _quoted(name: str) -> str:
    return sql.Identifier(name).as_string(None)
