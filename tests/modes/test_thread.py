"""`WorkerThread`: a worker for programs without an event loop, their forks and their careless ends."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from rig.fixtures import StartWorker
from rig.journal import Gate, Journal
from rig.table import Table
from rig.waiting import eventually
from rig.worker_process import CREW, PACKAGES, WorkerProcess
from rowcrew import RowcrewError, WorkerThread
from rowcrew.settings import Settings
from tests.modes.hosts import APPLICATIONS

StartProgram = Callable[..., WorkerProcess]


@pytest.fixture
def settings(database_url: str, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(PACKAGES))
    monkeypatch.setenv("JOURNAL", str(journal.path))
    return Settings(database_url=database_url, worker_name="in a thread", runner_environment=("JOURNAL",))


@pytest.fixture
def start_program(start_worker: StartWorker, gate: Gate) -> StartProgram:
    def start(how: str, **variables: object) -> WorkerProcess:
        command = [sys.executable, str(APPLICATIONS / "threaded.py"), how, gate.path]
        return start_worker(program=command, **variables)

    return start


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "rowcrew worker"]


def test_it_may_be_started_and_stopped_twice_and_then_once_more(settings: Settings, table: Table) -> None:
    worker = WorkerThread([CREW], settings)
    worker.stop()  # it has not started: nothing to do
    for _ in range(2):
        worker.start()
        worker.start()
        assert worker.health().status == "healthy"
        table.until(table.enqueue("noop"), "completed", seconds=60)
        worker.stop()
        worker.stop()
    assert [row["stopReason"] for row in table.rows("SELECT * FROM workers")] == ["drained"] * 2
    assert threads() == []
    eventually(lambda: table.connections_of_workers() == [])


def test_a_worker_that_cannot_begin_raises_where_it_is_started_and_leaves_no_thread(
    settings: Settings, table: Table
) -> None:
    with pytest.raises(RowcrewError, match="no_such_module"):
        WorkerThread(["no_such_module:crew"], settings).start()
    assert threads() == []
    eventually(lambda: table.connections_of_workers() == [])


def test_one_that_has_left_by_itself_says_so_and_another_may_follow(settings: Settings, table: Table) -> None:
    worker = WorkerThread([CREW], settings)
    worker.start()
    table.rows("UPDATE workers SET asked = 'terminate'")
    eventually(lambda: threads() == [])
    with pytest.raises(RowcrewError, match="no worker runs"):
        worker.health()
    worker.stop()
    worker.start()
    table.until(table.enqueue("noop"), "completed", seconds=60)
    worker.stop()


@pytest.mark.parametrize("is_closed", [False, True], ids=["before its loop is closed", "after it"])
def test_who_asks_for_its_health_at_its_last_moment_is_told_that_there_is_none(
    settings: Settings, table: Table, monkeypatch: pytest.MonkeyPatch, is_closed: bool
) -> None:
    leaving, go_on = threading.Event(), threading.Event()
    closes = asyncio.Runner.close

    def close(runner: asyncio.Runner) -> None:
        if is_closed:
            closes(runner)
        leaving.set()
        go_on.wait()
        closes(runner)

    monkeypatch.setattr(asyncio.Runner, "close", close)
    worker = WorkerThread([CREW], settings)
    worker.start()
    table.rows("UPDATE workers SET asked = 'terminate'")
    assert leaving.wait(30)
    with ThreadPoolExecutor(1) as asking:
        told = asking.submit(worker.health)
        wait([told], timeout=1 if is_closed else 0.2)
        go_on.set()
        with pytest.raises(RowcrewError, match="no worker runs"):
            told.result(10)
    worker.stop()


def test_whoever_is_told_of_a_failure_may_ask_and_stop_it_there(settings: Settings, table: Table) -> None:
    told: list[str] = []
    stopped = threading.Event()

    def fail(error: BaseException) -> None:
        try:
            worker.health()
        except RowcrewError as none:
            told.append(str(none))
        worker.stop()
        stopped.set()

    worker = WorkerThread([CREW], settings, on_failure=fail)
    worker.start()
    table.rows("ALTER TABLE jobs RENAME TO gone")
    assert stopped.wait(60)
    assert "no worker runs" in told[0]
    eventually(lambda: threads() == [])


def test_a_program_that_ends_without_a_word_gives_its_jobs_back(
    start_program: StartProgram, table: Table, journal: Journal, gate: Gate, tmp_path: Path
) -> None:
    program = start_program("plain", SHUTDOWN_GRACE=1).ready()
    job = table.enqueue("hold", {"gate": str(tmp_path / "never")})
    journal.has("start", job=job)
    gate.open()
    assert program.exited() == 0
    assert (table.row(job)["status"], table.row(job)["attempts"]) == ("queued", 0)
    assert [row["stopReason"] for row in table.rows("SELECT * FROM workers")] == ["drained"]


def test_a_copy_of_the_program_leaves_its_worker_and_its_connections_alone(
    start_program: StartProgram, table: Table, gate: Gate
) -> None:
    program = start_program("copied").ready()
    table.until(table.enqueue("noop"), "completed")
    before = table.connections_of_workers()
    program.said("other", message="the copy has no worker\n")
    Gate(Path(f"{gate.path}-copy")).open()
    program.said("other", message="the copy has ended\n")
    table.until(table.enqueue("noop"), "completed")
    after = table.connections_of_workers()
    assert [one for one in before if one not in after] == []
    gate.open()
    assert program.exited() == 0


def test_a_copy_may_have_a_worker_of_its_own(start_program: StartProgram, table: Table, gate: Gate) -> None:
    program = start_program("copied twice")
    program.said("worker.ready", times=2, seconds=60)
    first, second = table.rows('SELECT * FROM workers WHERE "stoppedAt" IS NULL ORDER BY id')
    assert (first["pid"], second["pid"] == first["pid"]) == (program.pid, False)
    Gate(Path(f"{gate.path}-copy")).open()
    program.said("other", message="the copy has ended\n", seconds=60)
    table.until(table.enqueue("noop"), "completed")
    gate.open()
    assert program.exited() == 0
    assert {row["stopReason"] for row in table.rows("SELECT * FROM workers")} == {"drained"}


def test_a_killed_program_loses_its_jobs_to_others_although_its_copy_lives_on(
    start_program: StartProgram, start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    program = start_program("copied for good").ready()
    job = table.enqueue("hold", {"gate": gate.path})
    journal.has("start", job=job)
    program.said("other", message="the copy has no worker\n")
    program.kill()
    start_worker().ready()
    journal.has("start", job=job, times=2)
    gate.open()
    table.until(job, "completed")
    Gate(Path(f"{gate.path}-copy")).open()
