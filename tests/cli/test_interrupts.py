"""Ctrl-C in a terminal: the first ends the worker in good order, the second at once."""

from __future__ import annotations

import os
import signal
import subprocess

from rig.programs import ROOT, ROWCREW, clean_environment
from rig.waiting import eventually
from tests.cli.conftest import CREW
from tests.conftest import Connect
from tests.contract.hands import insert, read


def test_a_second_one_ends_the_runs_at_once_and_starts_no_runner(connect: Connect, database_url: str) -> None:
    connection = connect()
    id = insert(connection, type="endless")
    terminal, keyboard = os.openpty()
    worker = subprocess.Popen(
        [*ROWCREW, "worker", CREW, "--shutdown-grace", "1h"],
        stdin=keyboard,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=clean_environment(DATABASE_URL=database_url),
    )
    try:
        eventually(lambda: read(connection, id, "status") == ("processing",))
        worker.send_signal(signal.SIGINT)
        assert worker.stdout is not None
        lines: list[str] = []
        while not (line := worker.stdout.readline()).startswith("🛑 Stopping"):
            lines.append(line)
        worker.send_signal(signal.SIGINT)
        lines += worker.stdout.readlines()
        assert worker.wait(30) == 0
    finally:
        worker.kill()
        worker.communicate()
        os.close(terminal)
        os.close(keyboard)
    told = "".join(lines)
    assert told.count("Runner started") == 1
    assert "Runner died" not in told
    assert read(connection, id, "status", "attempts") == ("queued", 0)
