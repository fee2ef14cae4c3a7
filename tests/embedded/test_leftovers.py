"""What a crash leaves behind in a home does not keep the next server from starting."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from rig.waiting import eventually
from rowcrew.embedded import EmbeddedPostgres


@pytest.fixture
def home(place: Path) -> Path:
    """A home whose server has run before, and stopped."""
    with EmbeddedPostgres(place / "home", durable=False) as server:
        server.run("psql", "--command=CREATE TABLE kept AS SELECT 42 AS value")
    return place / "home"


@pytest.fixture
def stranger(home: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the server's own account that is no PostgreSQL."""
    account = (home / "data").stat().st_uid
    with subprocess.Popen(["sleep", "600"], user=account) as stranger:
        yield stranger
        stranger.kill()


def starts_with_its_rows(home: Path) -> bool:
    with EmbeddedPostgres(home, durable=False) as server, psycopg.connect(server.url) as connection:
        return connection.execute("SELECT value FROM kept").fetchall() == [(42,)]


def leave_behind(file: Path, content: str) -> None:
    file.write_text(content)
    owner = file.parent.stat()
    os.chown(file, owner.st_uid, owner.st_gid)


def test_a_pid_file_whose_pid_now_belongs_to_another_process(
    home: Path, stranger: subprocess.Popen[bytes]
) -> None:
    rest = f"{home}/data\n1700000000\n5432\n{home}/run\n\n        0        0\nready   \n"
    leave_behind(home / "data" / "postmaster.pid", f"{stranger.pid}\n{rest}")
    leave_behind(home / "run" / ".s.PGSQL.5432.lock", f"{stranger.pid}\n{rest}")
    assert starts_with_its_rows(home)
    assert stranger.poll() is None


@pytest.mark.parametrize("content", ["", "12"])
def test_a_half_written_pid_file(home: Path, content: str) -> None:
    leave_behind(home / "data" / "postmaster.pid", content)
    assert starts_with_its_rows(home)


def test_a_half_made_cluster(place: Path) -> None:
    unfinished = place / "home" / "data.new"
    unfinished.mkdir(parents=True)
    place.joinpath("home").chmod(0o711)
    leave_behind(unfinished / "PG_VERSION", "18\n")
    with EmbeddedPostgres(place / "home", durable=False) as server:
        assert server.run("psql", "-At", "--command=SELECT 1") == "1\n"


def test_a_server_killed_under_its_user_can_be_resumed_with_its_rows(home: Path) -> None:
    with EmbeddedPostgres(home, durable=False) as server:
        postmaster = int((home / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGKILL)
        eventually(lambda: not answers(server))
        server.resume()
        with psycopg.connect(server.url) as connection:
            assert connection.execute("SELECT value FROM kept").fetchall() == [(42,)]


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_what_was_committed_before_a_restart_is_there_after_it(home: Path, mode: str) -> None:
    with EmbeddedPostgres(home, durable=False) as server:
        server.run("psql", "--command=INSERT INTO kept VALUES (43)")
        server.restart("immediate" if mode == "immediate" else "fast")
        assert server.run("psql", "-At", "--command=SELECT value FROM kept ORDER BY value") == "42\n43\n"


def test_a_halted_server_refuses_until_it_is_resumed(home: Path) -> None:
    with EmbeddedPostgres(home, durable=False) as server:
        server.halt("immediate")
        assert not answers(server)
        server.resume()
        assert answers(server)


def answers(server: EmbeddedPostgres) -> bool:
    try:
        psycopg.connect(server.url).close()
    except psycopg.OperationalError:
        return False
    return True
