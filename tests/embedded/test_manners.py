"""The embedded PostgreSQL touches only what it made, lets nobody in, and says what is wrong."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import psycopg
import pytest

from rig.ports import free_port
from rowcrew.embedded import EmbeddedPostgres, EmbeddedPostgresError
from tests.embedded.owners import copy_for_everybody

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as another account")


def permissions_of(*paths: Path) -> dict[Path, tuple[int, int, int]]:
    found = {path: path.lstat() for path in paths}
    return {path: (stat.S_IMODE(entry.st_mode), entry.st_uid, entry.st_gid) for path, entry in found.items()}


@needs_root
def test_binaries_that_the_account_cannot_execute_are_copied_and_never_opened(place: Path) -> None:
    _, binaries = copy_for_everybody(place)
    place.joinpath("existing").mkdir(mode=0o755)
    binaries.parent.chmod(0o700)
    theirs = [place, *place.parents, place / "existing", *binaries.parent.rglob("*"), binaries.parent]
    before = permissions_of(*theirs)
    with EmbeddedPostgres(place / "existing" / "home", durable=False, binaries=binaries) as server:
        assert server.run("psql", "-At", "--command=SELECT 1") == "1\n"
        assert permissions_of(*theirs) == before
    assert permissions_of(*theirs) == before


@needs_root
def test_a_home_that_the_account_cannot_enter_is_refused_with_its_name_and_left_alone(place: Path) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    before = permissions_of(closed)
    with pytest.raises(EmbeddedPostgresError, match=r"account \S+ here, which may not enter .*/closed/home"):
        EmbeddedPostgres(closed / "home").start()
    assert permissions_of(closed) == before


def test_a_strict_umask_of_the_owner_does_not_shut_the_server_out(place: Path) -> None:
    before = os.umask(0o077)
    try:
        with EmbeddedPostgres(place / "made" / "on the way" / "home", durable=False) as server:
            assert server.run("psql", "-At", "--command=SELECT 1") == "1\n"
    finally:
        os.umask(before)


def test_a_home_too_long_for_a_socket_has_it_elsewhere_and_removes_it(place: Path) -> None:
    home = place / ("long" * 40)
    with EmbeddedPostgres(home, durable=False) as server:
        with psycopg.connect(server.url) as connection:
            sockets = Path(connection.info.host)
        assert home not in sockets.parents
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    assert not sockets.exists()


def test_a_socket_directory_that_somebody_else_put_there_is_refused(place: Path) -> None:
    home = place / ("long" * 40)
    with EmbeddedPostgres(home, durable=False) as server, psycopg.connect(server.url) as connection:
        sockets = Path(connection.info.host)
    sockets.symlink_to(place)
    try:
        with pytest.raises(EmbeddedPostgresError, match="belongs to somebody else"):
            EmbeddedPostgres(home, durable=False).start()
    finally:
        sockets.unlink(missing_ok=True)


def test_tcp_is_off_unless_a_port_is_given(place: Path) -> None:
    with EmbeddedPostgres(durable=False) as server:
        assert server.run("psql", "-At", "--command=SHOW listen_addresses") == "\n"
        with pytest.raises(EmbeddedPostgresError, match="give EmbeddedPostgres a port"):
            server.tcp_url_of("postgres")


def test_tcp_asks_for_the_password() -> None:
    with EmbeddedPostgres(durable=False, port=free_port()) as server:
        url = server.tcp_url_of("postgres")
        psycopg.connect(url).close()
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(url, password="guessed")  # a password in the keywords beats the URL's


def test_a_setting_that_postgresql_refuses_is_reported_with_the_end_of_the_log(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    with pytest.raises(EmbeddedPostgresError, match='unrecognized configuration parameter "max_conections"'):
        EmbeddedPostgres(durable=False, settings={"max_conections": "10"}).start()
    assert list(place.iterdir()) == []


def test_settings_reach_the_server_as_they_are() -> None:
    with EmbeddedPostgres(durable=False, settings={"search_path": '"it\'s", $user'}) as server:
        assert server.run("psql", "-At", "--command=SHOW search_path") == '"it\'s", $user\n'


def test_a_failing_tool_is_reported_in_its_own_words(place: Path) -> None:
    with (
        EmbeddedPostgres(durable=False) as server,
        pytest.raises(EmbeddedPostgresError, match="psql exited with 1"),
    ):
        server.run("psql", "--command=SELECT nonsense")


def test_starting_twice_and_stopping_twice_are_harmless() -> None:
    server = EmbeddedPostgres(durable=False)
    server.stop()
    assert server.start() is server.start()
    home = server.home
    server.stop()
    server.stop()
    assert not home.exists()
    with pytest.raises(EmbeddedPostgresError, match="not started"):
        _ = server.url


def test_a_server_that_is_joined_with_another_port_is_refused_with_the_one_it_has(place: Path) -> None:
    second = EmbeddedPostgres(place / "home", durable=False, port=free_port())
    refused = pytest.raises(EmbeddedPostgresError, match="already runs with port 5432")
    with EmbeddedPostgres(place / "home", durable=False), refused:
        second.start()
