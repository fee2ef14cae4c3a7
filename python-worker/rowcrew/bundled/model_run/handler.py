"""The type `model_run`: a monthly SaaS model with its scenarios, side by side.

In: the payload of a job, or a run kept earlier for the same inputs. Out: per scenario every month's figures
and the ratios, and a table that compares the scenarios. The run is kept in "modelRuns" and its children are
enqueued in one commit with the job's completion.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

import msgspec
import psycopg

from rowcrew import no_transaction
from rowcrew.bundled.files.store import store_under
from rowcrew.bundled.model_run.kept import KeptModelRun, ModelRunKey, find_model_run, keep_model_run
from rowcrew.bundled.model_run.payload import Child, ModelRun, inputs_hash
from rowcrew.bundled.model_run.result import RunResult, stored_result
from rowcrew.bundled.model_run.saas_model import (
    ENGINE_VERSION,
)
from rowcrew.bundled.model_run.scenarios import run_scenarios
from rowcrew.context import Context
from rowcrew.crew import Crew

MOST_RESULT_BYTES: Final = 256 * 1024
crew = Crew()


@crew.job("model_run", executor="thread")
def model_run(payload: ModelRun, context: Context) -> msgspec.Raw:
    """Run a monthly SaaS model with its scenarios."""
    key = ModelRunKey(payload.model_id, inputs_hash(payload), ENGINE_VERSION)
    with context.transaction() as connection:
        run = find_model_run(connection, key)
        if run is None:
            with no_transaction(connection):
                result = run_scenarios(payload, key, context)
            run = _keep(connection, key, context.job.id, result)
    for child in payload.children:
        context.enqueue(child.type, child_payload(child, payload, run.id))
    return msgspec.Raw(run.result.encode())


def child_payload(child: Child, payload: ModelRun, model_run_id: int) -> dict[str, Any]:
    """What a child works on: exports on the kept run, a simulation on the model as it came in."""
    if child.type == "monte_carlo":
        model = {
            name: value
            for name, value in msgspec.to_builtins(payload).items()
            if name not in ("children", "scenarios")
        }
        return {"model": "driver_simulation", "modelRun": model} | child.payload
    return child.payload | {"source": {"modelRunId": model_run_id}}


def _keep(
    connection: psycopg.Connection[Any], key: ModelRunKey, job_id: int, result: RunResult
) -> KeptModelRun:
    """Keep the run, in a file if it is large; or take the run that another job has kept a little earlier."""
    with connection.transaction() as savepoint:
        content = msgspec.json.encode(result)
        if len(content) > MOST_RESULT_BYTES:
            file = store_under(connection, run_key(content), content, "application/json")
            content = msgspec.json.encode(stored_result(result, file))
        run = keep_model_run(connection, key, job_id, content)
        if run is None:
            raise psycopg.Rollback(savepoint)
        return run
    earlier = find_model_run(connection, key)  # type: ignore[unreachable]  # Rollback ends the block quietly
    assert earlier is not None, "what stood in the way is there"
    return earlier


def run_key(content: bytes) -> str:
    """Where the file of a kept run lies: not among those of its job, which go with the job's row."""
    return f"modelRuns/{hashlib.sha256(content).hexdigest()}.json"
