"""One announcement from nothing to nothing: a spawner, and the workers that it starts for each link."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import psycopg
import pytest

from rig.journal import Journal
from rig.programs import run
from rig.table import Table
from rig.waiting import eventually
from rig.worker_process import Row, WorkerProcess
from rowcrew import enqueue
from rowcrew.bundled.announcements.sample.filings import samples
from rowcrew.bundled.announcements.sample.jobs import job_of

pytestmark = pytest.mark.long

TYPES = ["ai_processing", "supabase_upload", "investor_processing"]
# The presets, but for workers that leave soon; two polls are enough to find a row under a limit.
QUEUES = """
    INSERT INTO queues (queue, label, "maxConcurrent", "idleTimeoutSeconds", "cooldownSeconds")
    VALUES ('ai_processing', 'AI', 3, 4, 0), ('supabase_upload', 'UPLOAD', 2, 4, 0),
           ('investor_processing', 'INVESTOR', 1, 4, 0)
"""
PIDS = """
    SELECT split_part("launchHandle", ':', 3)::integer AS pid FROM workers
     WHERE "launchHandle" IS NOT NULL AND "stoppedAt" IS NULL
"""
CHAIN = """
    SELECT id, type, "createdAt" AS enqueued, "startedAt" AS processing, "finishedAt" AS completed
      FROM jobs ORDER BY id
"""
EXITED = 'SELECT "stoppedAt" AS exited FROM workers WHERE name = %s'


@pytest.fixture
def spawner(database_url: str, tmp_path: Path, journal: Journal, table: Table) -> Iterator[WorkerProcess]:
    table.rows(QUEUES)
    program = [sys.executable, "-m", "rowcrew.cli", "spawner"]
    spawner = WorkerProcess(
        database_url,
        log=tmp_path / "spawner.log",
        journal=journal.path,
        program=program,
        SPAWNER_CHECK_INTERVAL=0.5,
    )
    yield spawner
    spawner.clean_up()
    for row in table.rows(PIDS):
        with suppress(ProcessLookupError):
            os.kill(row["pid"], signal.SIGKILL)


def moment(line: Row) -> datetime:
    return datetime.fromisoformat(line["timestamp"])


def idle(spawner: WorkerProcess) -> list[datetime]:
    """When the spawner told that no worker is there and no job waits."""
    return [
        moment(line)
        for line in spawner.heard("spawner.status")
        if all(queue["workers"] == queue["jobs"] == 0 for queue in line["queues"])
    ]


@pytest.mark.timeout(240)
def test_each_step_of_a_chain_has_its_time_stamp_and_afterwards_there_are_no_workers(
    spawner: WorkerProcess, table: Table
) -> None:
    (before, *_) = eventually(lambda: idle(spawner))
    sample = next(sample for sample in samples(100) if sample.truth.investors)
    with psycopg.connect(table.address, autocommit=True) as connection:
        first = enqueue(job_of(sample), on=connection).id
    table.drained(120)
    after = eventually(lambda: idle(spawner)[1:], 60)[-1]
    chain = table.rows(CHAIN)
    assert [row["type"] for row in chain] == TYPES
    for row in chain:
        worker = spawner.heard("job.completed", job_id=row["id"])[0]["worker"]
        (detected,) = map(moment, spawner.heard("worker.spawned", name=worker))
        (started,) = map(moment, spawner.heard("worker.starting", worker=worker))
        ((exited,),) = [tuple(found.values()) for found in table.rows(EXITED, worker)]
        steps = [
            before,
            row["enqueued"],
            detected,
            started,
            row["processing"],
            row["completed"],
            exited,
            after,
        ]
        assert steps == sorted(steps), (row, steps)
    drawn = run("jobs", "tree", str(first), DATABASE_URL=table.address, COLUMNS="80").stdout.splitlines()
    for depth, (line, type) in enumerate(zip(drawn[1:], TYPES, strict=True)):
        assert ("  " * (depth - 1) + "└ " if depth else "") + type in line
