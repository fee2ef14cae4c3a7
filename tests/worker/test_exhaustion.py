"""Machines with nothing left: a worker goes on with what it has, and takes more when there is some."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from rig.fixtures import StartWorker
from rig.journal import Gate, Journal
from rig.limits import no_descriptors, no_processes, process_limit_permitted
from rig.proxy import Proxy
from rig.table import Table
from rig.waiting import eventually
from rowcrew.control.children.processes import Processes
from rowcrew.control.children.runner import Runner
from rowcrew.control.clock import MonotonicClock
from rowcrew.control.connecting import connect
from rowcrew.log import Log
from rowcrew.settings import Settings
from rowcrew.table import worker as worker_statements
from rowcrew.table.link import Link
from rowcrew.table.statements import SQL

Limit = Callable[[int], AbstractContextManager[Any]]
PROCESSES = pytest.param(
    no_processes,
    marks=pytest.mark.skipif(not process_limit_permitted(), reason="no control groups are lent here"),
)


@pytest.mark.parametrize("nothing_left", [no_descriptors, PROCESSES], ids=["descriptors", "processes"])
def test_a_worker_that_can_start_no_runner_lives_on_and_starts_one_when_it_can(
    start_worker: StartWorker, table: Table, nothing_left: Limit
) -> None:
    worker = start_worker(WORKER_HEARTBEAT_INTERVAL=0.2).ready()
    with nothing_left(worker.pid):
        os.kill(worker.runners()[0], signal.SIGKILL)
        worker.said("runner.not_started", times=2)
        (before,) = table.rows("SELECT beats FROM workers")
        eventually(lambda: table.rows("SELECT beats FROM workers")[0]["beats"] > before["beats"] + 2)
    assert table.until(table.enqueue("noop"), "completed")["attempts"] == 1
    assert worker.heard("worker.crashed") == []
    assert worker.stop() == 0


def test_a_job_that_needs_a_runner_of_its_own_waits_until_one_can_be_started(
    start_worker: StartWorker, table: Table, gate: Gate
) -> None:
    worker = start_worker().ready()
    table.until(table.enqueue("noop"), "completed")  # a worker that is ready may still open its connections
    with no_descriptors(worker.pid):
        job = table.enqueue("hold_process", {"gate": gate.path})
        worker.said("runner.not_started", times=2)
        assert len(worker.heard("runner.not_started")) < 20
    gate.open()
    assert table.until(job, "completed")["attempts"] == 1


def test_a_worker_leaves_though_it_waits_for_a_runner_it_cannot_start(
    start_worker: StartWorker,
) -> None:
    worker = start_worker().ready()
    with no_descriptors(worker.pid):
        os.kill(worker.runners()[0], signal.SIGKILL)
        worker.said("runner.not_started", times=3)
        worker.signal(signal.SIGTERM)
        worker.said("worker.stopped")
        assert worker.heard("worker.crashed") == []


def test_answers_that_never_come_are_given_up_without_a_descriptor_to_spare(
    start_worker: StartWorker, table: Table, journal: Journal, tcp_database_url: str
) -> None:
    with Proxy(tcp_database_url) as proxy:
        worker = start_worker(url=proxy.url, POLL_INTERVAL=0.1, WORKER_HEARTBEAT_INTERVAL=0.5).ready()
        proxy.mute()
        with no_descriptors(worker.pid):
            worker.said("database.lost", purpose="heartbeat")
        proxy.heal()
        table.until(table.enqueue("tick"), "completed", seconds=60)
    assert len(journal.entries("start")) == 1


def test_a_runner_whose_socket_cannot_be_read_is_not_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """It could neither be given a job nor be told to leave."""
    nobody = SimpleNamespace(hear=lambda *_: None)
    runner = Runner(kind="shared", slots=1, keeper=nobody, clock=MonotonicClock())
    place = Processes(["rig.crew_under_test:crew"], Settings(database_url="", worker_name="test"))

    async def no_memory(*_: object, **__: object) -> None:
        raise OSError(errno.ENOMEM, "no memory to watch another descriptor")

    async def start() -> tuple[str, bool]:
        monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", no_memory)
        with pytest.raises(OSError, match="no memory"):
            await runner.start(place)
        return await runner.wait()

    assert asyncio.run(start()) == ("killed by SIGKILL", False)


def test_a_worker_that_may_open_no_file_for_a_moment_starts_a_moment_later(
    table: Table, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The statements are read at their first use, which may come when no descriptor is left."""
    looks = 0
    look = worker_statements.schema_revision

    async def looked(link: Link) -> Any:
        nonlocal looks
        looks += 1
        vars(SQL).pop("_texts", None)
        with no_descriptors(os.getpid()) if looks == 1 else nullcontext():
            return await look(link)

    async def connected() -> None:
        link = Link(database_url, purpose="worker")
        try:
            await look(link)
            await connect(link, within_seconds=30, log=Log("text"))
        finally:
            await link.close()

    monkeypatch.setattr(worker_statements, "schema_revision", looked)
    asyncio.run(connected())
    assert looks == 2
