"""The table "modelRuns": what a model gave for its inputs, once per version of the engine.

In: a psycopg connection inside the job's transaction, so that a run is kept together with the job's
completion, or not at all. Called by the handler of
`model_run`, and by families that use its results.
"""

from __future__ import annotations

from typing import Any

import msgspec
import psycopg

from rowcrew.bundled.model_run.statements import SQL


class ModelRunKey(msgspec.Struct, frozen=True):
    """What tells a run: the model, the SHA-256 of all that goes in, and the version of the engine."""

    model_id: str
    inputs_hash: str
    engine_version: int


class KeptModelRun(msgspec.Struct, frozen=True):
    """A row of "modelRuns", and its result as JSON text with the row's id in it."""

    id: int
    result: str


def find_model_run(connection: psycopg.Connection[Any], key: ModelRunKey) -> KeptModelRun | None:
    """The run that was kept under this key, if there is one."""
    row = connection.execute(SQL["find_model_run"], msgspec.structs.asdict(key)).fetchone()
    return None if row is None else KeptModelRun(*row)


def keep_model_run(
    connection: psycopg.Connection[Any], key: ModelRunKey, job_id: int, result: bytes
) -> KeptModelRun | None:
    """Keep a run. None if another job has kept one under this key: that one holds.

    Waits for a job that is about to keep the same run in an open transaction.
    """
    parameters = msgspec.structs.asdict(key) | {"job_id": job_id, "result": result.decode()}
    row = connection.execute(SQL["keep_model_run"], parameters).fetchone()
    return None if row is None else KeptModelRun(*row)


def kept_result(connection: psycopg.Connection[Any], model_run_id: int) -> str | None:
    """The result of a kept run as JSON text; None if there is none of that id."""
    row = connection.execute(SQL["model_run_result"], {"id": model_run_id}).fetchone()
    return None if row is None else row[0]
