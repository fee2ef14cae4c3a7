"""The fixtures of conftest.py give each test a database of its own."""

from __future__ import annotations

import psycopg
import pytest

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
