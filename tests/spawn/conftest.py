"""Spawners: real ones, whose workers go with the test, and some that are ticked by hand."""

from __future__ import annotations

import itertools
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from rig.journal import Journal
from rig.table import Table
from rig.worker_process import CREW, WorkerProcess
from tests.conftest import Connect
from tests.spawn.by_hand import Spawner

StartSpawner = Callable[..., WorkerProcess]


@pytest.fixture
def start_spawner(
    database_url: str, tmp_path: Path, journal: Journal, table: Table
) -> Iterator[StartSpawner]:
    """Start `rowcrew spawner` with these options; settings are environment variables."""
    numbers = itertools.count(1)
    with ExitStack() as started:

        def start(*options: str, url: str = database_url, **settings: Any) -> WorkerProcess:
            spawner = WorkerProcess(
                url,
                log=tmp_path / f"spawner-{next(numbers)}.log",
                journal=journal.path,
                program=[sys.executable, "-m", "rowcrew.cli", "spawner", *options],
                **{"ROWCREW_MODULES": CREW, "SPAWNER_CHECK_INTERVAL": 1, **settings},
            )
            started.callback(spawner.clean_up)
            return spawner

        yield start
        for pid in pids(table):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
async def spawner(database_url: str) -> AsyncIterator[Spawner]:
    spawner = Spawner(database_url)
    yield spawner
    await spawner.link.close()


@pytest.fixture
async def other(database_url: str) -> AsyncIterator[Spawner]:
    other = Spawner(database_url)
    yield other
    await other.link.close()


@pytest.fixture
def ai(connect: Connect) -> None:
    """One queue with a label, and none but it."""
    connect().execute("DELETE FROM queues")
    connect().execute("""INSERT INTO queues (queue, label, "maxConcurrent") VALUES ('ai', 'AI', 3)""")


def pids(table: Table) -> list[int]:
    """The process ids of launched workers whose rows are open."""
    rows = table.rows(
        """SELECT split_part("launchHandle", ':', 3)::integer AS pid FROM workers
            WHERE launcher = 'process' AND "launchHandle" IS NOT NULL AND "stoppedAt" IS NULL"""
    )
    return [row["pid"] for row in rows]


def set_queue(table: Table, queue: str = "ai", *, limit: int | None = 3) -> None:
    """A queue whose workers leave soon."""
    table.rows(
        """INSERT INTO queues (queue, label, "maxConcurrent", "idleTimeoutSeconds") VALUES (%s, %s, %s, 2)""",
        queue,
        queue.upper(),
        limit,
    )
