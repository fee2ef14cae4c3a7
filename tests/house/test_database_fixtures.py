"""The fixtures of conftest.py give each test a database of its own."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import psycopg
import pytest

from rig.memory import lends, temporary_files_in_memory
from tests.conftest import Connect


@pytest.mark.parametrize("name", ["first", "second"])
def test_no_test_finds_another_tests_rows(connect: Connect, name: str) -> None:
    connection = connect()
    connection.execute("INSERT INTO jobs (type) VALUES (%s)", [name])
    assert connection.execute("SELECT type FROM jobs").fetchall() == [(name,)]


def test_the_database_is_the_same_through_socket_and_tcp(database_url: str, tcp_database_url: str) -> None:
    asked = "SELECT current_database()"
    with psycopg.connect(database_url) as local, psycopg.connect(tcp_database_url) as remote:
        assert local.execute(asked).fetchone() == remote.execute(asked).fetchone()


def test_temporary_servers_live_in_memory_where_there_is_enough_of_it(tmp_path: Path) -> None:
    before = tempfile.gettempdir()
    with temporary_files_in_memory(tmp_path, enough_bytes=1):
        assert tempfile.gettempdir() == str(tmp_path)
    assert tempfile.gettempdir() == before
    for place, enough_bytes in ((tmp_path, 2**80), (tmp_path / "missing", 1)):
        with temporary_files_in_memory(place, enough_bytes=enough_bytes):
            assert tempfile.gettempdir() == before


def test_nobody_is_sent_where_no_program_may_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There a server would find no way to run from a copy of its programs."""
    there = os.statvfs(tmp_path)
    assert lends(tmp_path, 1)
    without = os.statvfs_result((*there[:8], there.f_flag | os.ST_NOEXEC, *there[9:]))
    monkeypatch.setattr(os, "statvfs", lambda _: without)
    assert not lends(tmp_path, 1)
