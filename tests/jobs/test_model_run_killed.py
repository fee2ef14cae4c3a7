"""A worker that dies while a model run is about to commit, and the worker after it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.conftest import Connect
from tests.jobs.saas_payload import REFERENCE
from tests.waiting import eventually

# The run stands still at its last statement but one for as long as the test holds the lock.
GATE = """
    CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock(7);
        RETURN NEW;
    END $$;
    CREATE TRIGGER gate AFTER INSERT ON "modelRuns" FOR EACH ROW EXECUTE FUNCTION gate()
"""
WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7 AND NOT granted"
STATE = """
    SELECT (SELECT array_agg(status ORDER BY id) FROM jobs),
           (SELECT count(*) FROM "modelRuns"), (SELECT count(*) FROM jobs WHERE "parentId" IS NOT NULL)
"""


@contextmanager
def worker(database_url: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "rowcrew.cli", "worker"]
    with subprocess.Popen(
        command, env=os.environ | {"DATABASE_URL": database_url}, stdout=subprocess.DEVNULL
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_kill_before_the_commit_leaves_nothing_and_the_next_worker_brings_all_once(
    connect: Connect, database_url: str
) -> None:
    connection = connect()
    connection.execute(GATE)
    connection.execute("SELECT pg_advisory_lock(7)")
    model: dict[str, Any] = REFERENCE | {"children": [{"type": "pdf_export"}]}
    connection.execute("INSERT INTO jobs (type, payload) VALUES ('model_run', %s)", [json.dumps(model)])
    with worker(database_url) as process:
        eventually(lambda: connection.execute(WAITING).fetchone() == (1,))
        process.send_signal(signal.SIGKILL)
    connection.execute("SELECT pg_advisory_unlock(7)")
    eventually(lambda: connection.execute(WAITING).fetchone() == (0,))
    assert connection.execute(STATE).fetchone() == (["processing"], 0, 0)

    with worker(database_url):
        status = "SELECT status FROM jobs WHERE id = 1"
        eventually(lambda: connection.execute(status).fetchone() == ("completed",), 80)
        kept = connection.execute('SELECT id, "jobId", result FROM "modelRuns"').fetchall()
        ((result, attempts),) = connection.execute("SELECT result, attempts FROM jobs WHERE id = 1")
    assert kept == [(result.pop("modelRunId"), 1, result)]
    assert attempts == 2
    children = connection.execute('SELECT type, payload FROM jobs WHERE "parentId" = 1').fetchall()
    assert children == [("pdf_export", {"source": {"modelRunId": kept[0][0]}})]
