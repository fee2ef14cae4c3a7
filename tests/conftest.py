"""What every test may ask for: a real PostgreSQL, and in it a fresh, migrated database of its own.

Each pytest process has its own server, so a test may restart it without disturbing another process's tests.
Migrations run once, into a template that every test's database is a copy of.
"""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import hypothesis
import psycopg
import pytest
from hypothesis.database import DirectoryBasedExampleDatabase

from rig.databases import new_database
from rig.memory import temporary_files_in_memory
from rig.ports import free_port
from rowcrew.embedded import EmbeddedPostgres

ROOT = Path(__file__).parents[1]

pytest_plugins = ["rig.fixtures", "rig.logins"]

# pytest-xdist sets it; a test that wants a width sets its own.
os.environ.pop("COLUMNS", None)

# A shell starts its background jobs with SIGINT ignored, and programs of tests would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Two cores run several processes at once: a stop-watch would measure the neighbours. Where nobody may write
# into the checkout no example is remembered, without a warning.
hypothesis.settings.register_profile(
    "house", deadline=None, database=DirectoryBasedExampleDatabase(ROOT / ".hypothesis" / "examples")
)
hypothesis.settings.load_profile("house")

# What is imported and collected stays to the end: each search for garbage would go through it anew.
gc.disable()

Connect = Callable[..., psycopg.Connection[tuple[Any, ...]]]


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedPostgres]:
    """This pytest process's PostgreSQL, reachable through its Unix socket and TCP; restart it at will."""
    server = EmbeddedPostgres(durable=False, port=free_port())
    with temporary_files_in_memory():
        server.start()
    with server:
        yield server


@pytest.fixture(scope="session")
def migrated_template(server: EmbeddedPostgres) -> str:
    """The name of a database that holds what the migrations make, but for the queues of families."""
    from rowcrew.table import migrate

    name = "migrated_template"
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    migrate.migrate(server.url_of(name))
    with psycopg.connect(server.url_of(name), autocommit=True) as connection:
        connection.execute("DELETE FROM queues")
    return name


@pytest.fixture
def database(server: EmbeddedPostgres, migrated_template: str) -> Iterator[str]:
    """The name of this test's own migrated database."""
    with new_database(server, "test", template=migrated_template) as name:
        yield name


@pytest.fixture
def database_url(server: EmbeddedPostgres, database: str) -> str:
    """The URL of this test's own migrated database, through the Unix socket."""
    return server.url_of(database)


@pytest.fixture
def tcp_database_url(server: EmbeddedPostgres, database: str) -> str:
    """The same database through TCP: for proxies, and for clients that know no Unix sockets."""
    return server.tcp_url_of(database)


@pytest.fixture
def connect(database_url: str) -> Iterator[Connect]:
    """Open a connection to this test's database, in autocommit unless asked otherwise; closed at the end."""
    with ExitStack() as opened:

        def connect(**options: Any) -> psycopg.Connection[tuple[Any, ...]]:
            return opened.enter_context(psycopg.connect(database_url, **{"autocommit": True, **options}))

        yield connect
