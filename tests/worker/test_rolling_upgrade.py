"""Workers of one version are replaced by those of the next, and back, while the schema moves on."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
import pytest

from rig.fixtures import StartWorker
from rig.journal import Journal
from rig.next_version import NextVersion
from rig.table import Table
from rig.waiting import eventually
from rig.worker_process import PACKAGES
from rowcrew.table.compatibility import SCHEMA_REVISION


class Load:
    """A producer that knows neither version: small batches, until the end of the `with`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._produce)
        self.enqueued: list[int] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _produce(self) -> None:
        insert = "INSERT INTO jobs (type) SELECT 'rests' FROM generate_series(1, 5) RETURNING id"
        with psycopg.connect(self._url, autocommit=True) as connection:
            while not self._ended.wait(0.02):
                self.enqueued += [id for (id,) in connection.execute(insert).fetchall()]


@pytest.fixture
def next_version(tmp_path: Path) -> NextVersion:
    return NextVersion(tmp_path / "next-version")


@pytest.fixture
def start_next(start_worker: StartWorker, next_version: NextVersion) -> StartWorker:
    """A worker of the next version."""
    path = os.pathsep.join([str(next_version.package), *PACKAGES])
    return lambda **settings: start_worker(PYTHONPATH=path, **settings)


def test_no_job_notices_that_schema_and_workers_are_replaced_one_after_the_other(
    start_worker: StartWorker,
    start_next: StartWorker,
    next_version: NextVersion,
    database_url: str,
    table: Table,
    journal: Journal,
) -> None:
    old = [start_worker(POLL_INTERVAL=0.5).ready() for _ in range(2)]
    too_early = start_next()
    need = f"schema at revision {SCHEMA_REVISION}, need {SCHEMA_REVISION + 1}: run rowcrew migrate"
    assert need in too_early.said("worker.failed_to_start")["message"]
    assert too_early.exited() == 1

    with Load(database_url) as load:

        def more() -> None:
            """Wait until a good number of jobs have ended which were enqueued from now on."""
            begin = len(load.enqueued)
            eventually(lambda: len(load.enqueued) > begin + 50)
            for id in load.enqueued[begin + 45 : begin + 50]:
                table.until(id, "completed")

        more()
        assert next_version.come(database_url)
        more()
        new = start_next(POLL_INTERVAL=0.5).ready()
        for worker in old:
            assert worker.stop() == 0
        more()
        rolled_back = start_worker(POLL_INTERVAL=0.5).ready()
        assert new.stop() == 0
        more()
    table.drained()
    rows = table.rows("SELECT id, status, attempts FROM jobs")
    assert {(row["status"], row["attempts"]) for row in rows} == {("completed", 1)}
    assert len(rows) == len(load.enqueued)
    assert sorted(entry["job"] for entry in journal.entries("start")) == sorted(load.enqueued)
    assert rolled_back.stop() == 0


def test_a_schema_that_serves_only_newer_workers_lets_none_start_that_is_older(
    start_worker: StartWorker, next_version: NextVersion, database_url: str, table: Table
) -> None:
    running = start_worker(POLL_INTERVAL=0.5).ready()
    assert next_version.come(database_url)
    table.rows('UPDATE rowcrew_schema SET "minimumWorker" = revision')
    late = start_worker()
    assert "upgrade rowcrew" in late.said("worker.failed_to_start")["message"]
    assert late.exited() == 1
    table.until(table.enqueue("noop"), "completed")
    assert running.stop() == 0
