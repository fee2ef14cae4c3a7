"""A worker that a supervisor starts and watches, as systemd does: a real socket, a real process."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from rig.fixtures import StartWorker
from rig.journal import Gate, Journal
from rig.table import Table
from rig.waiting import eventually


class Supervisor:
    """The socket of a supervisor, and what it was told so far."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        self._socket.settimeout(30)

    def hears(self) -> list[str]:
        """Wait for the next word."""
        return self._socket.recv(4096).decode().splitlines()

    def has_heard(self) -> list[list[str]]:
        """All words that wait."""
        words = []
        self._socket.setblocking(False)
        try:
            while True:
                words.append(self.hears())
        except BlockingIOError:
            return words
        finally:
            self._socket.settimeout(30)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def supervisor(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Supervisor]:
    address = str(tmp_path / "notify") if request.param == "path" else f"@rowcrew-test-{os.getpid()}"
    supervisor = Supervisor(address)
    yield supervisor
    supervisor.close()


def test_a_worker_tells_when_it_has_entered_that_it_lives_and_when_it_stops(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate, supervisor: Supervisor
) -> None:
    worker = start_worker(NOTIFY_SOCKET=supervisor.address, WATCHDOG_USEC=500_000)
    assert supervisor.hears() == ["READY=1", "STATUS=Ready; 0 of 4 slots in use", "WATCHDOG=1"]
    assert table.rows('SELECT name FROM workers WHERE "stoppedAt" IS NULL')
    job = table.enqueue("hold", {"gate": gate.path})
    journal.has("start", job=job)
    eventually(lambda: "STATUS=Ready; 1 of 4 slots in use" in supervisor.hears())
    worker.signal(signal.SIGTERM)
    eventually(lambda: supervisor.hears()[:2] == ["STOPPING=1", "STATUS=Stopping; 1 of 4 slots in use"])
    assert "WATCHDOG=1" in supervisor.hears()
    gate.open()
    assert worker.exited() == 0
    assert table.row(job)["status"] == "completed"


def test_a_worker_that_nobody_watches_tells_the_same_without_a_watchdog(
    start_worker: StartWorker, supervisor: Supervisor
) -> None:
    worker = start_worker(NOTIFY_SOCKET=supervisor.address)
    assert supervisor.hears() == ["READY=1", "STATUS=Ready; 0 of 4 slots in use"]
    assert worker.stop() == 0
    assert [words[0] for words in supervisor.has_heard()] == ["STOPPING=1"]


def test_a_worker_that_does_not_start_is_never_ready(
    start_worker: StartWorker, table: Table, supervisor: Supervisor
) -> None:
    table.rows("UPDATE rowcrew_schema SET revision = 0 RETURNING revision")
    assert start_worker(NOTIFY_SOCKET=supervisor.address).exited() == 1
    assert supervisor.has_heard() == []


def test_a_frozen_worker_gives_no_sign_of_life(start_worker: StartWorker, supervisor: Supervisor) -> None:
    worker = start_worker(NOTIFY_SOCKET=supervisor.address, WATCHDOG_USEC=200_000).ready()
    supervisor.hears()
    worker.signal(signal.SIGSTOP)
    eventually(lambda: psutil.Process(worker.pid).status() == psutil.STATUS_STOPPED)
    supervisor.has_heard()
    assert supervisor.has_heard() == []
    worker.signal(signal.SIGCONT)
    assert "WATCHDOG=1" in supervisor.hears()


def test_what_the_supervisor_asks_of_the_worker_is_hidden_from_handlers(
    start_worker: StartWorker, supervisor: Supervisor
) -> None:
    worker = start_worker(NOTIFY_SOCKET=supervisor.address, WATCHDOG_USEC=30_000_000).ready()
    for runner in worker.runners():
        assert not {"NOTIFY_SOCKET", "WATCHDOG_USEC"} & psutil.Process(runner).environ().keys()
