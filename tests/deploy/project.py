"""A project as the templates of deploy/ expect it: a folder with `.venv` and `.env`, a migrated database.

In: a template and what a test changes in it. Out: the folder in which a real supervisor starts the worker.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from rig.journal import Gate, Journal
from rig.table import Table
from rig.waiting import eventually
from rig.worker_process import PACKAGES

DEPLOY: Final = Path(__file__).parents[2] / "deploy"
QUEUE: Final = "cost_collection"


class Project:
    """The folder, and what its workers do.

    Attributes:
        journal: what handlers wrote down.
    """

    def __init__(self, folder: Path, url: str, **settings: object) -> None:
        folder.mkdir()
        self.folder = folder
        self.table = Table(url)
        self.journal = Journal(folder / "journal")
        self._gates = 0
        (folder / ".venv").symlink_to(sys.prefix)
        variables = {
            "DATABASE_URL": url,
            "JOURNAL": self.journal.path,
            "POLL_INTERVAL": 0.5,
            "PYTHONPATH": ":".join(PACKAGES),
            "ROWCREW_MODULES": "crew_under_test:crew",
            "RUNNER_ENVIRONMENT": "JOURNAL",
            **settings,
        }
        lines = [f"{name}='{value}'\n" for name, value in variables.items()]
        (folder / ".env").write_text("".join(lines))

    def lay(self, template: str, changes: Mapping[str, str] | None = None) -> Path:
        """Copy a template into the folder, as its page says, with texts of it changed."""
        text = (DEPLOY / template).read_text()
        for there, instead in (changes or {}).items():
            assert there in text, there
            text = text.replace(there, instead)
        target = self.folder / Path(template).name
        target.write_text(text)
        return target

    def gate(self) -> Gate:
        self._gates += 1
        return Gate(self.folder / f"gate-{self._gates}")

    def enqueue(self, type: str, gate: Gate | None = None) -> int:
        return self.table.enqueue(type, {"gate": gate.path} if gate else {}, queue=QUEUE)

    def starts(self, type: str, gate: Gate | None = None) -> int:
        """A job that a worker has begun to run."""
        job = self.enqueue(type, gate)
        self.journal.has("start", job=job, seconds=60)
        return job

    def workers(self) -> list[int]:
        """Which workers live, by their rows."""
        live = 'SELECT id FROM workers WHERE "stoppedAt" IS NULL AND "lostAt" IS NULL ORDER BY id'
        return [row["id"] for row in self.table.rows(live)]

    def has_worker(self, *, other_than: int = 0) -> int:
        """Wait for a worker that has entered, and not this one."""
        return eventually(lambda: [id for id in self.workers() if id != other_than], 60)[0]

    def stop_reasons(self) -> list[str]:
        """Why workers have left, in the order in which they entered."""
        return [row["stopReason"] for row in self.table.rows('SELECT "stopReason" FROM workers ORDER BY id')]

    def attempts_until(self, status: str, job: int) -> int:
        """How many attempts a job has used by the time that it has a status."""
        return int(self.table.until(job, status, seconds=60)["attempts"])
