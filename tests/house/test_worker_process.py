"""What a program of the rig has said is heard whenever it is asked: while it writes, and as it ends."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rig.journal import Gate
from rig.waiting import eventually
from rig.worker_process import Row, WorkerProcess

# It says half a line, the other half when the gate is open, and ends.
PROGRAM = """
import os, sys, time
os.write(1, b'{"event": "worker.st')
while not os.path.exists(sys.argv[1]):
    time.sleep(0.01)
os.write(1, b'opped"}\\n{"event": "last"}')
"""


@pytest.fixture
def process(tmp_path: Path, gate: Gate) -> Iterator[WorkerProcess]:
    command = [sys.executable, "-c", PROGRAM, gate.path]
    process = WorkerProcess("", log=tmp_path / "log", journal=tmp_path / "journal", program=command)
    yield process
    process.clean_up()


def test_a_line_that_is_still_being_written_is_none_yet(process: WorkerProcess, gate: Gate) -> None:
    eventually(process.log.read_bytes)
    assert process.lines() == []
    gate.open()
    assert process.exited() == 0
    assert process.lines() == [{"event": "worker.stopped"}, {"event": "last"}]


def test_what_it_says_last_is_heard_though_it_ends_before_the_next_look(
    process: WorkerProcess, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = WorkerProcess.lines

    def slowly(process: WorkerProcess) -> list[Row]:
        seen = lines(process)
        gate.open()
        process.exited()
        return seen

    monkeypatch.setattr(WorkerProcess, "lines", slowly)
    assert process.said("last") == {"event": "last"}
