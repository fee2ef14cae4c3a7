"""Whether this version of Rowcrew and the schema of a database fit each other.

In: the row of `rowcrew_schema`, read with `worker.schema_revision`. Out: None, or why a worker must not serve
it. Called by a worker before its first reservation, and by the doctor.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

SCHEMA_REVISION: Final = 1
"""The newest migration of the queue that this code knows and needs. Families have none of it."""

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


def complaint(revision: int | None, minimum_worker: int | None = None) -> str | None:
    """The misfit as the sentence that a worker stops with."""
    found = misfit(revision, minimum_worker)
    return None if found is None else f"{found.what}: {_REMEDIES[found.remedy]}"
