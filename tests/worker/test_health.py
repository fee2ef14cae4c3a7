"""What a worker says of itself on HEALTH_PORT, and to a program that embeds it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
from typing import Any

import psutil
import pytest

from rig.fixtures import StartWorker
from rig.journal import Gate, Journal
from rig.ports import free_port
from rig.table import Table
from rig.waiting import eventually
from rig.worker_process import CREW, PACKAGES, WorkerProcess
from rowcrew import Worker
from rowcrew.model.errors import RowcrewError
from rowcrew.settings import Settings

KEYS = ["status", "worker_id", "uptime_seconds", "jobs_processed", "queue_depth"]


@pytest.fixture
def port() -> int:
    return free_port()


def asked(port: int, path: str = "/worker/health", method: str = "GET") -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        content = response.read()
        return response.status, json.loads(content) if content else {}
    finally:
        connection.close()


def listens(worker: WorkerProcess) -> list[int]:
    process = psutil.Process(worker.pid)
    return [one.laddr.port for one in process.net_connections("tcp") if one.status == psutil.CONN_LISTEN]


def test_a_worker_listens_nowhere_unless_it_is_told_to(start_worker: StartWorker) -> None:
    assert listens(start_worker().ready()) == []


def test_a_worker_tells_how_it_does_until_it_drains(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate, port: int
) -> None:
    worker = start_worker(HEALTH_PORT=port, WORKER_CONCURRENCY=1, WORKER_ID="well").ready()
    status, told = asked(port)
    assert (status, list(told), told["status"], told["worker_id"]) == (200, KEYS, "healthy", "well")
    done = table.enqueue("noop")
    eventually(lambda: table.row(done)["status"] == "completed")
    eventually(lambda: asked(port)[1]["jobs_processed"] == 1)
    table.enqueue("hold", {"gate": gate.path})
    journal.has("start")
    worker.signal(signal.SIGTERM)
    worker.said("worker.stopping")
    assert (asked(port)[0], asked(port)[1]["status"]) == (503, "draining")
    gate.open()
    assert worker.exited() == 0


def test_other_paths_and_methods_are_refused_and_odd_clients_harm_nobody(
    start_worker: StartWorker, port: int
) -> None:
    start_worker(HEALTH_PORT=port).ready()
    assert asked(port, "/api/v1/jobs")[0] == 404
    assert asked(port, method="POST")[0] == 405
    assert asked(port, method="HEAD") == (200, {})
    slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
    for client in slow[::2]:
        client.sendall(b"GET /worker/health HTTP/1.1\r\nX: " + b"x" * 20_000)
    eventually(lambda: asked(port)[0] == 200)
    for client in slow:
        client.close()


def test_a_port_that_is_taken_ends_the_start_with_its_name(start_worker: StartWorker, port: int) -> None:
    with socket.create_server(("0.0.0.0", port)):
        worker = start_worker(HEALTH_PORT=port)
        assert f"HEALTH_PORT={port}" in worker.said("worker.failed_to_start")["reason"]
        assert worker.exited() == 1


@pytest.mark.anyio
async def test_a_program_that_embeds_a_worker_answers_for_its_health(
    database_url: str, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(PACKAGES))
    worker = Worker([CREW], Settings(database_url=database_url, worker_name="inside"))
    with pytest.raises(RowcrewError, match="has not been started"):
        await worker.health()
    await worker.start()
    told = await worker.health()
    assert (told.status, told.worker_id) == ("healthy", "inside")
    await worker.stop()
    assert (await worker.health()).status == "draining"
