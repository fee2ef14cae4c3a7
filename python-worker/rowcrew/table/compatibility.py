"""Whether this version of Rowcrew and the schema of a database fit each other.

In: the row of `rowcrew_schema`, read with `sql/schema_revision.sql`. Out: None, or the sentence to stop with.
Called by a worker before its first reservation; imports nothing, so that asking costs nothing.
"""

from __future__ import annotations

from typing import Final

SCHEMA_REVISION: Final = 1
"""The newest migration of the queue that this code knows and needs. Families have none of it."""


def complaint(revision: int | None, minimum_worker: int | None = None) -> str | None:
    """Why a worker must not serve a database of this schema; None when it may.

    A newer schema is no reason by itself, or a rolling deploy, which migrates first, would stop the workers
    that are still to be replaced. The schema itself names the oldest worker it serves.

    Args:
        revision: number of the last migration; None when there is no `rowcrew_schema`.
        minimum_worker: the lowest `SCHEMA_REVISION` of a worker that may serve this schema.
    """
    if revision is None:
        return f"the database has no schema, need revision {SCHEMA_REVISION}: run rowcrew migrate"
    if revision < SCHEMA_REVISION:
        return f"schema at revision {revision}, need {SCHEMA_REVISION}: run rowcrew migrate"
    if minimum_worker is not None and minimum_worker > SCHEMA_REVISION:
        return (
            f"schema at revision {revision} serves workers of revision {minimum_worker} and above, "
            f"this one is of {SCHEMA_REVISION}: upgrade rowcrew"
        )
    return None
