"""Whether this version of Rowcrew and the schema of a database fit each other.

In: the row of `rowcrew_schema`, read with `worker.schema_revision`, or the tables that row level security
hides. Out: None, or why a worker must not serve the database, and the remedy. Called by a worker before its
first reservation, and by the doctor.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

SCHEMA_REVISION: Final = 7
"""The newest migration of the queue that this code knows and needs. Families have none of it."""

OWN_SCHEMA: Final = (
    "something of another program has a name that Rowcrew needs; give Rowcrew a schema of its own:"
    " CREATE SCHEMA rowcrew, and ?schema=rowcrew at the end of the address, for producers and workers alike"
)

_REMEDIES: Final = {"migrate": "run rowcrew migrate", "upgrade": "upgrade rowcrew"}


class Misfit(NamedTuple):
    """Why this version must not serve a schema, and which of the two must be brought up to date."""

    what: str
    remedy: Literal["migrate", "upgrade"]


def misfit(revision: int | None, minimum_worker: int | None = None) -> Misfit | None:
    """Why a worker must not serve a database of this schema; None when it may.

    A newer schema is no reason by itself, or a rolling deploy, which migrates first, would stop the workers
    that are still to be replaced. The schema itself names the oldest worker it serves.

    Args:
        revision: number of the last migration; None when there is no `rowcrew_schema`.
        minimum_worker: the lowest `SCHEMA_REVISION` of a worker that may serve this schema.
    """
    if revision is None:
        return Misfit(f"the database has no schema, need revision {SCHEMA_REVISION}", "migrate")
    if revision < SCHEMA_REVISION:
        return Misfit(f"schema at revision {revision}, need {SCHEMA_REVISION}", "migrate")
    if minimum_worker is not None and minimum_worker > SCHEMA_REVISION:
        what = (
            f"schema at revision {revision} serves workers of revision {minimum_worker} and above, "
            f"this one is of {SCHEMA_REVISION}"
        )
        return Misfit(what, "upgrade")
    return None


class Hidden(NamedTuple):
    """What row level security keeps from a role, and the SQL that gives it back."""

    what: str
    remedy: str


def hidden(tables: Sequence[str], role: str) -> Hidden:
    """Tables that look empty to this role, because no policy shows it a row."""
    policies = "; ".join(
        f"CREATE POLICY rowcrew ON {table} TO {role} USING (true) WITH CHECK (true)" for table in tables
    )
    return Hidden(
        f"row level security hides every row of {', '.join(tables)} from the role {role}",
        f"as the owner of the tables: {policies}; or ALTER TABLE … DISABLE ROW LEVEL SECURITY",
    )


def complaint(revision: int | None, minimum_worker: int | None = None) -> str | None:
    """The misfit as the sentence that a worker stops with."""
    found = misfit(revision, minimum_worker)
    if found is None:
        return None
    elsewhere = "; if that was done, rowcrew doctor tells where the tables are" if revision is None else ""
    return f"{found.what}: {_REMEDIES[found.remedy]}{elsewhere}"
