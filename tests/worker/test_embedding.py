"""A worker inside another asyncio program."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from rig.journal import Gate, Journal
from rig.table import Table
from rig.waiting import eventually
from rig.worker_process import CREW, PACKAGES
from rowcrew import Worker
from rowcrew.model.errors import RowcrewError
from rowcrew.settings import Settings

pytestmark = pytest.mark.anyio


@pytest.fixture
def settings(database_url: str, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(PACKAGES))
    monkeypatch.setenv("JOURNAL", str(journal.path))
    return Settings(
        database_url=database_url,
        worker_name="embedded",
        shutdown_grace_seconds=10,
        runner_environment=("JOURNAL",),
    )


async def beside(wait: Callable[..., Any], *arguments: Any) -> Any:
    """Wait in a thread: the worker needs this event loop."""
    return await asyncio.to_thread(wait, *arguments)


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE}


async def test_an_embedded_worker_runs_jobs_from_start_to_stop(
    settings: Settings, table: Table, journal: Journal, gate: Gate
) -> None:
    before = children()
    worker = Worker([CREW], settings)
    await worker.start()
    job = table.enqueue("hold", {"gate": gate.path})
    await beside(journal.has, "start")
    stopping = asyncio.create_task(worker.stop())
    gate.open()
    await stopping
    assert table.row(job)["status"] == "completed"
    assert children() == before
    await beside(eventually, lambda: table.connections_of_workers() == [])


@pytest.mark.parametrize(
    "error", [RuntimeError("can't start new thread"), OSError(24, "Too many open files")]
)
async def test_a_worker_that_cannot_look_for_leftovers_starts_all_the_same(
    settings: Settings, table: Table, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    looks = asyncio.to_thread

    async def refused(function: Callable[..., Any], *arguments: Any) -> Any:
        if function.__name__ == "end_of_dead_workers":
            raise error
        return await looks(function, *arguments)

    monkeypatch.setattr("rowcrew.control.worker.asyncio.to_thread", refused)
    worker = Worker([CREW], settings)
    await worker.start()
    job = table.enqueue("noop")
    await beside(table.until, job, "completed")
    await worker.stop()


async def test_starting_and_stopping_twice_is_the_same_as_once(
    settings: Settings, table: Table, capfd: pytest.CaptureFixture[str]
) -> None:
    worker = Worker([CREW], settings)
    await worker.stop()  # it has not started: nothing to do
    await worker.start()
    await worker.start()
    assert len(table.rows("SELECT id FROM workers")) == 1
    await asyncio.gather(worker.stop(), worker.stop())
    await worker.stop()
    assert table.rows('SELECT id FROM workers WHERE "stoppedAt" IS NULL') == []
    said = capfd.readouterr().out
    assert (said.count("Stopping:"), said.count("Worker stopped:")) == (1, 1)


async def test_a_new_worker_can_follow_in_the_same_process(settings: Settings, table: Table) -> None:
    for _ in range(2):
        worker = Worker([CREW], settings)
        await worker.start()
        await beside(table.until, table.enqueue("noop"), "completed")
        await worker.stop()


async def test_a_crew_that_cannot_be_loaded_leaves_nothing_behind(settings: Settings, table: Table) -> None:
    before = children()
    with pytest.raises(RowcrewError, match="no_such_module"):
        await Worker(["no_such_module:crew"], settings).start()
    assert children() == before
    await beside(eventually, lambda: table.connections_of_workers() == [])


async def test_an_embedded_worker_leaves_signals_to_its_host(settings: Settings) -> None:
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.getsignal(number) for number in numbers]
    worker = Worker([CREW], settings)
    await worker.start()
    assert [signal.getsignal(number) for number in numbers] == before
    await worker.stop()


async def test_a_worker_with_a_broken_organ_stops_itself_and_tells_its_host(
    settings: Settings, table: Table
) -> None:
    told = asyncio.Queue[BaseException]()
    worker = Worker([CREW], settings, on_failure=told.put_nowait)
    await worker.start()
    table.rows("ALTER TABLE jobs RENAME TO gone")
    failure = await worker.failure
    assert "jobs" in str(failure)
    table.rows("ALTER TABLE gone RENAME TO jobs")
    async with asyncio.timeout(30):
        assert await told.get() is failure
    (row,) = table.rows('SELECT "stopReason" FROM workers')
    assert row["stopReason"] == "error"
    await worker.stop()
