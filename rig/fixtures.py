"""Fixtures of several rooms of tests: a table, a journal, worker processes; each goes when its test is over.

A plugin of pytest, loaded by tests/conftest.py, whose server and databases these fixtures ask for.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from rig.databases import new_database
from rig.journal import Gate, Journal
from rig.table import Table
from rig.worker_process import WorkerProcess
from rowcrew.embedded import EmbeddedPostgres

StartWorker = Callable[..., WorkerProcess]
MOST_SECONDS = {"long": 600, "slow": 300}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: waits for a lease, a fence or pip, half a minute or more")
    config.addinivalue_line(
        "markers", "long: benchmarks, storms, other languages, kills, all pairs of changes"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Several processes begin with the slow tests: at the end one would wait alone, the others idle.

    They may take longer than others, as may long tests: on a fresh machine some of these compile a language's
    library or install packages first.
    """
    for item in items:
        for mark, seconds in MOST_SECONDS.items():
            if item.get_closest_marker(mark) and not item.get_closest_marker("timeout"):
                item.add_marker(pytest.mark.timeout(seconds))
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal")


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path / "gate")


@pytest.fixture
def empty_database(server: EmbeddedPostgres) -> Iterator[str]:
    """The name of a database without any table."""
    with new_database(server, "empty") as name:
        yield name


@pytest.fixture
def empty_url(server: EmbeddedPostgres, empty_database: str) -> str:
    """The URL of a database without any table."""
    return server.url_of(empty_database)


@pytest.fixture
def table(database_url: str) -> Iterator[Table]:
    table = Table(database_url)
    yield table
    table.close()


@pytest.fixture
def start_worker(database_url: str, tmp_path: Path, journal: Journal) -> Iterator[StartWorker]:
    """Start a worker process with settings given as environment variables."""
    numbers = itertools.count(1)
    with ExitStack() as started:

        def start(*, url: str = database_url, **options: Any) -> WorkerProcess:
            log = tmp_path / f"worker-{next(numbers)}.log"
            worker = WorkerProcess(url, log=log, journal=journal.path, **options)
            started.callback(worker.clean_up)
            return worker

        yield start


@pytest.fixture(scope="module")
def shared_table(server: EmbeddedPostgres, migrated_template: str) -> Iterator[Table]:
    """A database for the tests of one module that keep to their own rows."""
    with new_database(server, "worker", template=migrated_template) as name:
        table = Table(server.url_of(name))
        yield table
        table.close()


@pytest.fixture(scope="module")
def shared_journal(tmp_path_factory: pytest.TempPathFactory) -> Journal:
    return Journal(tmp_path_factory.mktemp("journal") / "journal")


@pytest.fixture(scope="module")
def standing_worker(
    shared_table: Table, shared_journal: Journal, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WorkerProcess]:
    """One worker for the tests of a module, for claims about single jobs."""
    log = tmp_path_factory.mktemp("worker") / "worker.log"
    worker = WorkerProcess(
        shared_table.address, log=log, journal=shared_journal.path, WORKER_CONCURRENCY=8, POLL_INTERVAL=0.5
    )
    yield worker.ready()
    worker.clean_up()
