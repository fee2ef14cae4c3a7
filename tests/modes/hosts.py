"""The ways to run a worker, each as what is started at a terminal, and one host started in such a way.

In: a mode's name. Out: a `Host`, whose worker is found by its row: a server or a spawner may have made
another process for it. Used by the fixtures of this room.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from rig.programs import START_SECONDS
from rig.table import Row, Table
from rig.waiting import eventually
from rig.worker_process import CREW, PACKAGES, WorkerProcess

APPLICATIONS: Final = Path(__file__).parent / "applications"
_PYTHON_PATH: Final = os.pathsep.join([*PACKAGES, str(APPLICATIONS)])


class Mode(NamedTuple):
    """A way to run a worker: the module of Python that is started, its arguments, its settings."""

    module: str
    arguments: tuple[str, ...]
    settings: Mapping[str, Any] = {}


MODES: Final = {
    "separate": Mode("rowcrew.cli", ("worker", CREW)),
    "ephemeral": Mode("rowcrew.cli", ("worker", CREW, "--ephemeral", "--idle-timeout", "600")),
    "spawned": Mode("rowcrew.cli", ("spawner",), {"ROWCREW_MODULES": CREW, "SPAWNER_CHECK_INTERVAL": 0.5}),
    "embedded": Mode("uvicorn", ("asgi:application", "--port", "0"), {"PYTHONPATH": _PYTHON_PATH}),
    "thread": Mode(
        "gunicorn",
        ("--config", "python:wsgi", "--bind", "127.0.0.1:0", "--no-control-socket", "wsgi:application"),
        {"PYTHONPATH": _PYTHON_PATH},
    ),
}


class Host:
    """A program that runs a worker in one of the modes."""

    def __init__(self, mode: str, table: Table, *, log: Path, journal: Path, **settings: Any) -> None:
        chosen = MODES[mode]
        self.mode = mode
        self._table = table
        if mode == "spawned":
            table.rows(
                """INSERT INTO queues (queue, "maxConcurrent", "idleTimeoutSeconds", "cooldownSeconds")
                   VALUES ('default', 3, 600, 0) ON CONFLICT DO NOTHING"""
            )
        self.process = WorkerProcess(
            table.address,
            log=log,
            journal=journal,
            program=[sys.executable, "-m", chosen.module, *chosen.arguments],
            **{**chosen.settings, **settings},
        )

    def ready(self) -> Host:
        """Wait until it takes jobs; a spawner starts its worker when there are some."""
        said = "spawner.started" if self.mode == "spawned" else "worker.ready"
        self.process.said(said, seconds=START_SECONDS)
        return self

    def workers(self) -> list[Row]:
        """The rows of workers that have begun and not left."""
        return self._table.rows(
            'SELECT * FROM workers WHERE pid IS NOT NULL AND "stoppedAt" IS NULL AND "lostAt" IS NULL'
        )

    def kill_worker_of(self, job: int) -> None:
        """Kill -9 the process in which the worker of this job lives."""
        (row,) = self._table.rows(
            'SELECT pid FROM workers WHERE id = (SELECT "workerId" FROM jobs WHERE id = %s)', job
        )
        os.kill(row["pid"], signal.SIGKILL)

    def terminate(self) -> None:
        """What a platform does: SIGTERM to the program that it has started."""
        self.process.signal(signal.SIGTERM)

    def stop(self) -> None:
        self.terminate()
        self.process.exited()
        eventually(lambda: self.workers() == [])
