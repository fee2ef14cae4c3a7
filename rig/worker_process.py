"""A real worker process: tests and storms start it, signal it and wait for what it says in its log."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

import rowcrew
from rig.programs import START_SECONDS
from rig.waiting import eventually

CREW = "crew_under_test:crew"
PACKAGES = (str(Path(rowcrew.__file__).parent.parent), str(Path(__file__).parent))
Row = dict[str, Any]


class WorkerProcess:
    """One real worker process, `python -m rowcrew.cli worker`; its settings are environment variables.

    It writes to the file `log`, or to the descriptor `output` whose reader fills that file.
    """

    def __init__(
        self,
        database_url: str,
        *,
        log: Path,
        journal: Path,
        crew: str = CREW,
        program: Sequence[str] = (),
        output: int | None = None,
        **settings: object,
    ) -> None:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment |= {
            "DATABASE_URL": database_url,
            "LOG_FORMAT": "json",
            "JOURNAL": str(journal),
            "RUNNER_ENVIRONMENT": "JOURNAL",
            "PYTHONPATH": os.pathsep.join(PACKAGES),
            **{name: str(value) for name, value in settings.items()},
        }
        command = list(program) or [sys.executable, "-m", "rowcrew.cli", "worker", crew]
        self.log = log
        self.journal = journal
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                command,
                env=environment,
                stdout=file if output is None else output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self._process.pid

    def lines(self) -> list[Row]:
        """Its log so far; a line that is no JSON becomes the message of an event `other`."""
        has_ended = self.exit_code is not None
        lines = self.log.read_text(errors="replace").splitlines(keepends=True)
        if lines and not has_ended and not lines[-1].endswith("\n"):
            lines.pop()  # it is still being written
        return [_parsed(line) for line in lines]

    def heard(self, event: str, **facts: Any) -> list[Row]:
        """The lines so far of one event with these facts."""
        return [
            line
            for line in self.lines()
            if line["event"] == event and all(line.get(name) == value for name, value in facts.items())
        ]

    def said(self, event: str, *, times: int = 1, seconds: float = 30, **facts: Any) -> Row:
        """Wait until the log has this line so many times; the last of these lines."""

        def enough() -> list[Row]:
            has_ended = self.exit_code is not None  # first: what it said last is in its log by then
            heard = self.heard(event, **facts)
            assert len(heard) >= times or not has_ended, self.story(f"ended without saying {event}")
            return heard if len(heard) >= times else []

        return eventually(enough, seconds)[times - 1]

    def ready(self) -> WorkerProcess:
        self.said("worker.ready", seconds=START_SECONDS)
        return self

    def story(self, ending: str) -> str:
        return f"{self.log.read_text(errors='replace')[-6_000:]}\n-- {ending}, exit code {self.exit_code}"

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def exited(self, seconds: float = 40) -> int:
        """Wait for the process to end; its exit code."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(self.story("did not exit")) from None

    def stop(self) -> int:
        self.signal(signal.SIGTERM)
        return self.exited()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def family(self) -> list[psutil.Process]:
        """Its living children and their children."""
        with suppress(psutil.NoSuchProcess):
            return list(psutil.Process(self.pid).children(recursive=True))
        return []

    def children(self) -> list[psutil.Process]:
        """Its living children: the runners, and nothing that these have started."""
        with suppress(psutil.NoSuchProcess):
            return list(psutil.Process(self.pid).children())
        return []

    def runners(self, kind: str = "shared") -> list[int]:
        """Process ids of runners that have loaded the crew and live."""
        alive = {child.pid for child in self.family() if child.status() != psutil.STATUS_ZOMBIE}
        return [line["pid"] for line in self.heard("runner.started", kind=kind) if line["pid"] in alive]

    def clean_up(self) -> None:
        """Kill the worker and its family, whatever the test did."""
        family = self.family()
        self.kill()
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()


def _parsed(line: str) -> Row:
    try:
        parsed = json.loads(line)
    except ValueError:
        parsed = None
    return parsed if isinstance(parsed, dict) and "event" in parsed else {"event": "other", "message": line}


def is_gone(pid: int) -> bool:
    """Whether a process has ended; a zombie has."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
