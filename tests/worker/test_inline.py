"""Async handlers on the event loop of the program that embeds the worker."""

from __future__ import annotations

import asyncio
import os
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import psutil
import pytest

from rig import crew_in_host
from rig.crew_in_host import gate, told
from rig.table import Table
from rig.waiting import eventually
from rowcrew import Crew, Worker
from rowcrew.model.errors import RowcrewError, SettingsError
from rowcrew.settings import Settings

pytestmark = pytest.mark.anyio

CREW = "rig.crew_in_host:crew"


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    with crew_in_host.fresh():
        yield


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(
        database_url=database_url,
        worker_name="inline",
        poll_seconds=0.2,
        shutdown_grace_seconds=10,
        cancel_grace_seconds=0.2,
        heartbeat_seconds=0.5,
    )


async def beside(wait: Callable[..., Any], *arguments: Any) -> Any:
    """Wait in a thread: worker and handlers need this event loop."""
    return await asyncio.to_thread(wait, *arguments)


async def until_told(what: str) -> None:
    await beside(eventually, lambda: what in told)


def inline(settings: Settings, crew: str = CREW) -> Worker:
    return Worker([crew], settings, executor="inline")


async def test_handlers_run_on_the_host_s_loop_and_there_is_no_other_process(
    settings: Settings, table: Table
) -> None:
    worker = inline(settings)
    await worker.start()
    job = table.enqueue("where")
    await beside(table.until, job, "completed")
    assert table.row(job)["result"] == {"pid": os.getpid(), "loop": id(asyncio.get_running_loop())}
    assert [child for child in psutil.Process().children() if "rowcrew.runner" in child.cmdline()] == []
    await worker.stop()
    await beside(eventually, lambda: table.connections_of_workers() == [])


async def test_what_cannot_run_on_a_loop_is_refused_by_name(
    settings: Settings, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, crew = types.ModuleType("mixed_crew"), Crew()

    @crew.job
    def plain() -> None: ...

    @crew.job(executor="process")
    async def apart() -> None: ...

    @crew.job
    async def fit() -> None: ...

    module.crew = crew  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mixed_crew", module)
    with pytest.raises(RowcrewError, match=r"inline.*executor: apart, plain; give them to another crew"):
        await inline(settings, "mixed_crew:crew").start()
    assert table.rows("SELECT id FROM workers") == []
    await beside(eventually, lambda: table.connections_of_workers() == [])


async def test_an_executor_that_is_not_there_is_refused(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="executor 'threads' is unknown; give 'process' or 'inline'"):
        Worker([CREW], settings, executor="threads")  # type: ignore[arg-type]


async def test_a_cancelled_job_is_cancelled_where_it_waits(settings: Settings, table: Table) -> None:
    worker = inline(settings)
    await worker.start()
    job = table.enqueue("wait_at", {"name": "never"})
    await until_told("begins 1")
    table.rows("UPDATE jobs SET status = 'cancelled' WHERE id = %s", job)
    await until_told("is cancelled")
    assert table.row(job)["status"] == "cancelled"
    await worker.stop()


async def test_a_run_that_does_not_stop_is_given_up_and_its_late_answer_changes_nothing(
    settings: Settings, table: Table, capfd: pytest.CaptureFixture[str]
) -> None:
    """It cannot be ended. Its neighbour begins again, with all its attempts."""
    worker = inline(settings)
    await worker.start()
    neighbour = table.enqueue("wait_at", {"name": "door"})
    await until_told("begins 1")
    deaf = table.enqueue("deaf", {"name": "late"})
    await beside(table.until, deaf, "completed")
    gate("late").set()
    await until_told("ends 1")
    gate("door").set()
    await beside(table.until, neighbour, "completed")
    assert table.row(deaf)["result"] == "by attempt 2"
    assert table.row(neighbour)["attempts"] == 1
    assert told.count("is cancelled") == 1
    await worker.stop()
    assert f"Giving up what runs in this process (PID: {os.getpid()})" in capfd.readouterr().out


async def test_a_stop_waits_for_runs_and_then_calls_what_the_crew_wants_done(
    settings: Settings, table: Table
) -> None:
    worker = inline(settings)
    await worker.start()
    job = table.enqueue("wait_at", {"name": "door"})
    await until_told("begins 1")
    stopping = asyncio.create_task(worker.stop())
    await beside(eventually, lambda: worker.why_stopped is not None)
    gate("door").set()
    await stopping
    assert table.row(job)["status"] == "completed"
    assert told == ["begins 1", "leaves"]


async def test_a_stop_gives_back_what_does_not_end_in_time(settings: Settings, table: Table) -> None:
    worker = inline(msgspec.structs.replace(settings, shutdown_grace_seconds=0.1))
    await worker.start()
    job = table.enqueue("wait_at", {"name": "never"})
    await until_told("begins 1")
    await worker.stop()
    row = table.row(job)
    assert (row["status"], row["attempts"]) == ("queued", 0)
    assert told == ["begins 1", "is cancelled", "leaves"]


async def test_writes_of_a_transaction_commit_with_the_completion(settings: Settings, table: Table) -> None:
    worker = inline(settings)
    await worker.start()
    await beside(table.until, table.enqueue("write", {"text": "kept"}), "completed")
    assert [row["text"] for row in table.rows("SELECT text FROM written")] == ["kept"]
    await worker.stop()


async def test_the_host_s_memory_is_no_runner_s(
    settings: Settings, table: Table, capfd: pytest.CaptureFixture[str]
) -> None:
    """A host above MAX_MEMORY would have its runs given up at every heartbeat, and be no smaller."""
    worker = inline(msgspec.structs.replace(settings, max_memory_bytes=1 << 20))
    await worker.start()
    job = table.enqueue("wait_at", {"name": "door"})
    await until_told("begins 1")
    beats = table.rows("SELECT beats FROM workers")[0]["beats"]
    await beside(eventually, lambda: table.rows("SELECT beats FROM workers")[0]["beats"] > beats + 1)
    gate("door").set()
    await beside(table.until, job, "completed")
    assert told.count("begins 1") == 1
    await worker.stop()
    assert "Killing runner" not in capfd.readouterr().out
