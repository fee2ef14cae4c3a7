"""The five-minute path, walked as a reader walks it; then with no more rights than the grants give."""

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

from rowcrew import enqueue
from rowcrew.embedded import EmbeddedPostgres
from tests.conftest import Connect
from tests.docs.conftest import Psql
from tests.docs.pages import block_marked, blocks
from tests.waiting import eventually

ROLES = ("worker", "producer", "client", "operator")
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


@pytest.fixture
def roles(connect: Connect, database_url: str, psql: Psql) -> Iterator[None]:
    for role in ROLES:
        psql(database_url, block_marked("roles", role).text)
    yield
    owner = connect()
    for role in reversed(ROLES):
        owner.execute(f"DROP OWNED BY rowcrew_{role}")
        owner.execute(f"DROP ROLE rowcrew_{role}")


def as_role(url: str, role: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}options=-crole%3Drowcrew_{role}"


@pytest.mark.usefixtures("roles")
def test_the_worker_and_its_producers_need_no_more_than_the_grants(
    rowcrew: Rowcrew, connect: Connect, database_url: str
) -> None:
    rowcrew(as_role(database_url, "worker"), "worker", "app:crew")
    with psycopg.connect(as_role(database_url, "producer"), autocommit=True) as producer:
        producer.execute("""INSERT INTO jobs (type, payload) VALUES ('greet', '{"name": "Ada"}')""")
    with psycopg.connect(as_role(database_url, "client"), autocommit=True) as client:
        second = enqueue("greet", {"name": "Bob"}, unique_key="bob", on=client)
    connection = connect()
    assert eventually(lambda: result_of(connection, 1)) == {"greeting": "Hello, Ada!"}
    assert eventually(lambda: result_of(connection, second.id)) == {"greeting": "Hello, Bob!"}


@pytest.mark.usefixtures("roles")
def test_an_operator_controls_jobs_and_sees_no_payload(connect: Connect, database_url: str) -> None:
    enqueue("greet", {"name": "secret"}, on=connect())
    with psycopg.connect(as_role(database_url, "operator"), autocommit=True) as operator:
        assert (
            operator.execute("UPDATE jobs SET priority = 20, status = 'cancelled' WHERE id = 1").rowcount == 1
        )
        assert operator.execute("SELECT status FROM job_status").fetchall() == [("cancelled",)]
        operator.execute("SELECT * FROM queue_depth, worker_status, job_attempts")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            operator.execute("SELECT payload FROM jobs")


@pytest.mark.usefixtures("roles")
def test_a_producer_cannot_make_a_row_that_has_run(database_url: str) -> None:
    with (
        psycopg.connect(as_role(database_url, "producer")) as producer,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        producer.execute("INSERT INTO jobs (type, status) VALUES ('greet', 'completed')")
