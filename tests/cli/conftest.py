"""The command line as scripts and people use it: real processes, their output and exit codes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rig.waiting import eventually
from rowcrew import family
from rowcrew.embedded import EmbeddedPostgres
from rowcrew.settings.variables import VARIABLES

ROOT = Path(__file__).parents[2]
ROWCREW = (sys.executable, "-m", "rowcrew.cli")
CREW = "tests.cli.handlers:crew"


def clean_environment(**variables: str) -> dict[str, str]:
    """This environment without any setting of ours, and with byte-code, as an installation has it."""
    ours = {name for variable in (*VARIABLES, *family.variables()) for name in variable.names}
    ours |= {"PYTHONDONTWRITEBYTECODE", "COLUMNS"}
    return {name: value for name, value in os.environ.items() if name not in ours} | variables


def run(
    *arguments: str, stdin: str = "", cwd: Path = ROOT, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [*ROWCREW, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        cwd=cwd,
        env=clean_environment(**variables),
        timeout=60,
    )


class Program:
    """A program that runs until it is stopped, and the lines it has written so far."""

    def __init__(self, command: tuple[str, ...], cwd: Path, variables: dict[str, str]) -> None:
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=cwd,
            env=clean_environment(**variables),
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def line(self, start: str) -> str:
        """Wait for a line that starts like this."""
        eventually(lambda: self._found(start) or self.process.poll() is not None)
        self._reader.join(0 if self.process.poll() is None else 30)
        assert self._found(start), "\n".join(["it has ended; its lines:", *self.lines])
        return self._found(start)

    def ended(self) -> int:
        """Wait for the end, then for the last line; the exit code."""
        code = self.process.wait(60)
        self._reader.join(30)
        return code

    def stop(self) -> int:
        self.process.terminate()
        return self.ended()

    def _found(self, start: str) -> str:
        return next((line for line in self.lines if line.startswith(start)), "")

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(line.rstrip("\n") for line in iter(self.process.stdout.readline, ""))
        self.process.stdout.close()


@contextmanager
def program(*command: str, cwd: Path = ROOT, **variables: str) -> Iterator[Program]:
    started = Program(command, cwd, variables)
    try:
        yield started
    finally:
        if started.process.poll() is None:
            started.process.kill()
        started.ended()


class Served:
    """A migrated database, and a worker that serves it."""

    def __init__(self, url: str, worker: Program, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        self.url = url
        self.worker = worker
        self.connection = connection

    def run(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        return run(*arguments, **{"DATABASE_URL": self.url, **options})

    def insert(self, **columns: Any) -> int:
        names = ", ".join(f'"{name}"' for name in columns)
        values = ", ".join(f"%({name})s" for name in columns)
        row = self.connection.execute(
            f"INSERT INTO jobs ({names}) VALUES ({values}) RETURNING id",
            columns,
        ).fetchone()
        assert row is not None
        return int(row[0])

    def column(self, name: str, id: int) -> Any:
        row = self.connection.execute(f'SELECT "{name}" FROM jobs WHERE id = %s', (id,)).fetchone()
        return None if row is None else row[0]


@pytest.fixture(scope="module")
def served(server: EmbeddedPostgres, migrated_template: str) -> Iterator[Served]:
    """One database and one worker for the tests of a module, which keep to the rows they make."""
    name = f"cli_{uuid.uuid4().hex}"
    with psycopg.connect(server.url, autocommit=True) as postgres:
        postgres.execute(f"CREATE DATABASE {name} TEMPLATE {migrated_template} STRATEGY file_copy")
        url = server.url_of(name)
        with (
            psycopg.connect(url, autocommit=True) as connection,
            program(*ROWCREW, "worker", CREW, DATABASE_URL=url) as worker,
        ):
            worker.line("👥 Ready")
            yield Served(url, worker, connection)
        postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that the account of an embedded PostgreSQL can enter, as it cannot those of pytest."""
    directory = Path(tempfile.mkdtemp(prefix="rowcrew-test-"))
    directory.chmod(0o711)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)
