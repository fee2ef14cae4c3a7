"""The five-minute path, walked as a reader walks it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from rig.waiting import eventually
from rowcrew.embedded import EmbeddedPostgres
from tests.docs.conftest import Psql
from tests.docs.pages import block_marked, blocks

Rowcrew = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def rowcrew(tmp_path: Path) -> Iterator[Rowcrew]:
    """Start `rowcrew …` in a directory that holds the README's app.py; ended with the test."""
    (tmp_path / "app.py").write_text(block_marked("file", "app.py").text)
    with ExitStack() as started:

        def rowcrew(database_url: str, *words: str) -> subprocess.Popen[bytes]:
            process = subprocess.Popen(
                [sys.executable, "-m", "rowcrew.cli", *words],
                cwd=tmp_path,
                env={**os.environ, "DATABASE_URL": database_url},
            )
            started.callback(process.wait)
            started.callback(process.send_signal, signal.SIGTERM)
            return process

        yield rowcrew


@pytest.fixture
def empty_url(server: EmbeddedPostgres) -> Iterator[str]:
    with psycopg.connect(server.url, autocommit=True) as postgres:
        postgres.execute("CREATE DATABASE five_minutes")
        yield server.url_of("five_minutes")
        postgres.execute("DROP DATABASE five_minutes WITH (FORCE)")


def result_of(connection: psycopg.Connection[tuple[object, ...]], id: int) -> object:
    row = connection.execute(
        "SELECT result FROM jobs WHERE id = %s AND status = 'completed'", [id]
    ).fetchone()
    return row and row[0]


def test_the_five_minute_path_leads_to_a_result(rowcrew: Rowcrew, empty_url: str, psql: Psql) -> None:
    assert rowcrew(empty_url, "migrate").wait() == 0
    worker = rowcrew(empty_url, "worker", "app:crew")
    insert = next(block.text for block in blocks("sql") if "'greet'" in block.text)
    assert "INSERT 0 1" in psql(empty_url, insert)
    with psycopg.connect(empty_url, autocommit=True) as connection:
        assert eventually(lambda: result_of(connection, 1)) == {"greeting": "Hello, Ada!"}
    worker.send_signal(signal.SIGTERM)
    assert worker.wait() == 0
