"""A primary and the stand-by that follows it, each a real server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rig.ports import free_port
from rig.standby import StandBy
from rowcrew.embedded import EmbeddedPostgres
from rowcrew.table import migrate


@pytest.fixture
def primary() -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(durable=False, port=free_port()) as primary:
        migrate.migrate(primary.url)
        yield primary


@pytest.fixture
def stand_by(primary: EmbeddedPostgres) -> Iterator[StandBy]:
    with StandBy(primary) as stand_by:
        yield stand_by
