"""What jobs left for other jobs: results by the id of the job, or of the kept model run.

In: a psycopg connection inside the reading job's transaction. Out: JSON as text. Called by the bundled types
that export results.
"""

from __future__ import annotations

from typing import Any

import msgspec
import psycopg

from rowcrew.table.statements import SQL


class JobResult(msgspec.Struct, frozen=True):
    """A job's type, its status, and its result as JSON text."""

    type: str
    status: str
    result: str | None


def job_result(connection: psycopg.Connection[Any], job_id: int) -> JobResult | None:
    """The result of a job; None if there is no such job."""
    row = connection.execute(SQL["model_run/job_result"], {"id": job_id}).fetchone()
    return None if row is None else JobResult(*row)


def model_run_result(connection: psycopg.Connection[Any], model_run_id: int) -> str | None:
    """The result of a kept model run as JSON text; None if there is none of that id."""
    row = connection.execute(SQL["model_run/model_run_result"], {"id": model_run_id}).fetchone()
    return None if row is None else row[0]
