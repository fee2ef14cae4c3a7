"""Invocations of the package's handlers, by AWS's own runtime client: what they do, answer and leave."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from rig.amazon import REGION, Amazon
from rig.journal import Gate, Journal
from rig.lambda_runtime import ExecutionEnvironment, execution_environment
from rig.table import Table
from rig.waiting import eventually
from rig.worker_process import CREW, PACKAGES
from rowcrew.lambda_handler import MARGIN_SECONDS

pytest.importorskip("awslambdaric", reason="AWS builds its runtime client for Linux alone")

TICK = {
    "version": "0",
    "id": "89d1a02d-5ec7-412e-82f5-13505f849b41",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "detail": {},
}
MESSAGE = {"Records": [{"messageId": "1", "eventSource": "aws:sqs", "body": '{"bootId": "none of ours"}'}]}


@pytest.fixture(scope="module")
def function(
    shared_table: Table, shared_journal: Journal, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ExecutionEnvironment]:
    """A function for the queue `ai` that has been frozen since the test before."""
    variables = {
        "DATABASE_URL": shared_table.address,
        "JOB_QUEUE_NAME": "ai",
        "WORKER_CONCURRENCY": "2",
        "WORKER_IDLE_TIMEOUT": "0",
        "SHUTDOWN_GRACE": "1",
        "ROWCREW_MODULES": CREW,
        "LOG_FORMAT": "json",
        "JOURNAL": str(shared_journal.path),
        "RUNNER_ENVIRONMENT": "JOURNAL",
    }
    log = tmp_path_factory.mktemp("function") / "log"
    with execution_environment(
        "rowcrew.lambda_handler.worker", log=log, variables=variables, packages=os.pathsep.join(PACKAGES)
    ) as function:
        yield function


@pytest.fixture
def table(shared_table: Table) -> Table:
    shared_table.rows("DELETE FROM jobs")
    shared_table.rows("DELETE FROM workers")
    return shared_table


def enter(table: Table, queue: str = "ai") -> dict[str, Any]:
    """What the launcher sends for a worker whose row is there."""
    (row,) = table.rows(
        """INSERT INTO workers ("bootId", name, queues, slots, launcher, "launchedAt")
           VALUES (gen_random_uuid(), 'ai_1', ARRAY[%s], 1, 'lambda', now())
           RETURNING "bootId"::text AS id""",
        queue,
    )
    return {"bootId": row["id"], "name": "ai_1", "queue": queue, "slots": 1}


@pytest.mark.parametrize("event", [TICK, MESSAGE, None], ids=["tick", "message", "null"])
def test_an_invocation_serves_what_is_ready_says_how_it_ended_and_leaves_nothing(
    function: ExecutionEnvironment, table: Table, event: object
) -> None:
    for _ in range(2):
        table.enqueue("noop", queue="ai")
    table.enqueue("permanent", queue="ai")
    ended = function.invoke(event)
    assert ended.result == {"whyStopped": "idle_timeout", "taken": 3, "completed": 2, "failed": 1}
    assert function.children() == []
    eventually(lambda: table.connections_of_workers() == [])
    (worker,) = table.rows("""SELECT name, "stoppedAt", "stopReason" FROM workers""")
    assert worker["name"].startswith("rowcrew-ai-")
    assert worker["stoppedAt"]
    assert worker["stopReason"] == "idle_timeout"


def test_an_invocation_of_the_launcher_is_the_worker_of_its_row_and_a_repeat_is_none(
    function: ExecutionEnvironment, table: Table
) -> None:
    event = enter(table, "reports")
    id = table.enqueue("noop", queue="reports")
    table.enqueue("noop", queue="ai")
    assert function.invoke(event).result == {
        "whyStopped": "idle_timeout",
        "taken": 1,
        "completed": 1,
        "failed": 0,
    }
    (worker,) = table.rows(
        """SELECT "bootId"::text AS boot, name, queues, slots, "registeredAt" FROM workers"""
    )
    assert (worker["boot"], worker["name"], worker["queues"]) == (event["bootId"], "ai_1", ["reports"])
    assert worker["slots"] == 1
    assert worker["registeredAt"]
    assert table.row(id)["status"] == "completed"
    assert function.invoke(event).result == {"whyStopped": None, "taken": 0, "completed": 0, "failed": 0}
    assert len(table.rows("SELECT id FROM workers")) == 1


def test_a_job_that_outlasts_the_invocation_goes_back_before_its_end(
    function: ExecutionEnvironment, table: Table, gate: Gate
) -> None:
    began = time.monotonic()
    function.invoke({})
    to_start = 3 * (time.monotonic() - began)  # a busy machine starts a worker slowly
    id = table.enqueue("hold", {"gate": str(gate.path)}, queue="ai")
    ended = function.invoke({}, timeout=to_start + 1 + MARGIN_SECONDS)
    assert ended.result == {
        "whyStopped": "max_runtime",
        "taken": 1,
        "completed": 0,
        "failed": 0,
        "retried": 1,
    }
    row = table.row(id)
    assert (row["status"], row["attempts"], row["workerId"]) == ("queued", 1, None)
    assert function.children() == []


def test_a_timeout_that_leaves_no_time_for_a_job_is_an_error_that_says_so(
    function: ExecutionEnvironment, table: Table
) -> None:
    ended = function.invoke({}, timeout=11)
    assert ended.error is not None
    assert ended.error["errorType"] == "SettingsError"
    assert "give it more than 11 seconds, 10 beyond SHUTDOWN_GRACE" in ended.error["errorMessage"]
    assert table.rows("SELECT id FROM workers") == []


def test_a_launch_that_is_misspelt_is_an_error(function: ExecutionEnvironment, table: Table) -> None:
    ended = function.invoke({"bootId": str(uuid.uuid4()), "queue": "ai"})
    assert ended.error is not None
    assert "missing required field `name`" in ended.error["errorMessage"]
    assert table.rows("SELECT id FROM workers") == []


@pytest.fixture
def spawning(table: Table, tmp_path: Path) -> Iterator[Callable[..., ExecutionEnvironment]]:
    """Start a function that is a spawner, with these variables."""
    with ExitStack() as started:

        def start(**variables: str) -> ExecutionEnvironment:
            return started.enter_context(
                execution_environment(
                    "rowcrew.lambda_handler.spawner",
                    log=tmp_path / "log",
                    variables={"DATABASE_URL": table.address, "LOG_FORMAT": "json", **variables},
                    packages=os.pathsep.join(PACKAGES),
                )
            )

        yield start


def test_a_spawner_and_its_workers_are_functions_alone(
    spawning: Callable[..., ExecutionEnvironment],
    function: ExecutionEnvironment,
    table: Table,
    aws: Amazon,
) -> None:
    """As a queue without a launcher has it: from the tick to the worker's end."""
    table.rows("DELETE FROM queues")
    table.rows("""INSERT INTO queues (queue, label) VALUES ('ai', 'AI')""")
    id = table.enqueue("noop", queue="ai")
    spawner = spawning(
        LAUNCHER_LAMBDA_FUNCTION="rowcrew-{queue}",
        LAUNCHER_AWS_ENDPOINT=aws.url,
        AWS_REGION=REGION,
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
    )
    assert spawner.invoke(TICK).result == {"started": 1, "failed": 0}
    assert spawner.invoke(TICK).result == {"started": 0, "failed": 0}
    event = json.loads(aws.asked("Invoke")[-1]["Payload"])
    assert function.invoke(event).result["completed"] == 1
    (worker,) = table.rows("""SELECT launcher, "stopReason" FROM workers""")
    assert worker == {"launcher": "lambda", "stopReason": "idle_timeout"}
    assert table.row(id)["status"] == "completed"
    assert spawner.children() == []


def test_a_spawner_without_a_function_for_its_workers_says_so(
    spawning: Callable[..., ExecutionEnvironment], table: Table
) -> None:
    table.enqueue("noop", queue="ai")
    spawner = spawning()
    assert spawner.invoke(TICK).result == {"started": 0, "failed": 1}
    (worker,) = table.rows("""SELECT "errorMessage" AS error FROM workers""")
    assert worker["error"].startswith("LAUNCHER_LAMBDA_FUNCTION is not set")
