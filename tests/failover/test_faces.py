"""Who has both servers' address goes over to the stand-by: producers, people, the web, the spawner."""

from __future__ import annotations

import http.client
import json
import os
import sys
from typing import Any

import pytest

import rowcrew
from rig.fixtures import StartWorker
from rig.programs import ROWCREW, program, run
from rig.standby import StandBy
from rig.table import Table
from rig.waiting import eventually
from rig.worker_process import CREW, PACKAGES
from rowcrew.embedded import EmbeddedPostgres


def test_all_of_them_go_on_at_the_promoted_server(
    primary: EmbeddedPostgres, stand_by: StandBy, start_worker: StartWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = stand_by.url_of_both
    monkeypatch.setenv("DATABASE_URL", url)
    before = Table(primary.url)
    before.rows(
        """INSERT INTO queues (queue, "maxConcurrent", "idleTimeoutSeconds") VALUES ('spawned', 1, 2)"""
    )
    before.close()
    worker = start_worker(url=url, POLL_INTERVAL=0.5, WORKER_QUEUES="default").ready()
    spawner = start_worker(
        url=url,
        program=[sys.executable, "-m", "rowcrew.cli", "spawner"],
        ROWCREW_MODULES=CREW,
        SPAWNER_CHECK_INTERVAL=1,
    )
    assert rowcrew.wait(rowcrew.enqueue("echo", {"value": 1}), timeout=30) == 1
    with program(*ROWCREW, "web", "--port", "0", DATABASE_URL=url) as web:
        port = int(web.line("Serving http://127.0.0.1:").rpartition(":")[2])
        assert enqueued(port)["id"]

        stand_by.caught_up()
        primary.halt("immediate")
        stand_by.promote()

        assert rowcrew.wait(rowcrew.enqueue("echo", {"value": 2}), timeout=60) == 2
        over_http = int(eventually(lambda: enqueued(port).get("id")))
    after = Table(stand_by.server.url)
    after.until(over_http, "completed")
    after.until(after.enqueue("noop", queue="spawned"), "completed", seconds=60)
    by_command = run("enqueue", "noop", DATABASE_URL=url, PYTHONPATH=os.pathsep.join(PACKAGES))
    assert by_command.returncode == 0, by_command.stderr
    assert run("migrate", DATABASE_URL=url).returncode == 0
    assert spawner.stop() == 0
    assert worker.stop() == 0
    after.close()


def enqueued(port: int) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        body = json.dumps({"type": "noop"})
        connection.request("POST", "/api/v1/jobs", body, {"Content-Type": "application/json"})
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()
