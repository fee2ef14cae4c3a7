"""A crew's shutdown hooks are called in its runners when the whole worker leaves in good order."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from rig.fixtures import StartWorker
from rig.worker_process import PACKAGES

CREW = """
import os
import time
from rowcrew import Crew

crew = Crew()


@crew.job("noop")
def noop() -> None: ...


def write(what: str) -> None:
    with open(os.environ["JOURNAL"], "a") as journal:
        journal.write(what + "\\n")


@crew.on_shutdown()
def first() -> None:
    write("first")


@crew.on_shutdown(timeout=30)
async def longer_than_a_runner_without_hooks_may_take() -> None:
    time.sleep(3)
    write("longer")


@crew.on_shutdown()
def fails() -> None:
    raise ValueError("no such pool")
"""


def test_hooks_are_called_in_reverse_order_when_the_worker_is_told_to_stop(
    start_worker: StartWorker, tmp_path: Path
) -> None:
    (tmp_path / "leaving_crew.py").write_text(CREW)
    path = os.pathsep.join([str(tmp_path), *PACKAGES])
    worker = start_worker(crew="leaving_crew:crew", PYTHONPATH=path, WORKER_RUNNERS=1).ready()
    worker.signal(signal.SIGTERM)
    assert worker.exited() == 0
    assert worker.journal.read_text().split() == ["longer", "first"]
    assert "shutdown hook fails failed" in worker.log.read_text()
