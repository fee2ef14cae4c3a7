"""The command line as scripts and people use it: real processes, their output and exit codes."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rig.databases import new_database
from rig.memory import temporary_files_in_memory
from rig.programs import ROWCREW, Program, program, run
from rowcrew.embedded import EmbeddedPostgres

CREW = "tests.cli.handlers:crew"


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
    with new_database(server, "cli", template=migrated_template) as name:
        url = server.url_of(name)
        with (
            psycopg.connect(url, autocommit=True) as connection,
            program(*ROWCREW, "worker", CREW, DATABASE_URL=url) as worker,
        ):
            worker.line("👥 Ready")
            yield Served(url, worker, connection)


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that the account of an embedded PostgreSQL can enter, as it cannot those of pytest."""
    with temporary_files_in_memory():
        directory = Path(tempfile.mkdtemp(prefix="rowcrew-test-"))
    directory.chmod(0o711)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)
