"""Hosts of workers: one in each mode stands for a module's tests, others are started by a test."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from rig.databases import new_database
from rig.journal import Journal
from rig.table import Table
from rowcrew.embedded import EmbeddedPostgres
from tests.modes.hosts import MODES, Host

StartHost = Callable[..., Host]


@pytest.fixture(scope="module", params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def standing_table(server: EmbeddedPostgres, migrated_template: str, mode: str) -> Iterator[Table]:
    with new_database(server, mode, template=migrated_template) as name:
        table = Table(server.url_of(name))
        yield table
        table.close()


@pytest.fixture(scope="module")
def standing_journal(tmp_path_factory: pytest.TempPathFactory, mode: str) -> Journal:
    return Journal(tmp_path_factory.mktemp(mode) / "journal")


@pytest.fixture(scope="module")
def standing_host(mode: str, standing_table: Table, standing_journal: Journal) -> Iterator[Host]:
    log = standing_journal.path.with_name("host.log")
    host = Host(mode, standing_table, log=log, journal=standing_journal.path, POLL_INTERVAL=0.5)
    try:
        yield host.ready()
    finally:
        host.process.clean_up()


@pytest.fixture
def start_host(mode: str, table: Table, journal: Journal, tmp_path: Path) -> Iterator[StartHost]:
    """Start a host of this mode with settings given as environment variables."""
    numbers = itertools.count(1)
    with ExitStack() as started:

        def start(**settings: Any) -> Host:
            log = tmp_path / f"host-{next(numbers)}.log"
            host = Host(mode, table, log=log, journal=journal.path, **settings)
            started.callback(host.process.clean_up)
            return host

        yield start
