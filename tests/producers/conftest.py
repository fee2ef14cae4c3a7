"""What the tests of producers share: a migrated database that a worker with the bundled job types serves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from rig.databases import new_database
from rig.programs import ROWCREW, program
from rig.waiting import eventually
from rowcrew.embedded import EmbeddedPostgres
from rowcrew.model.status import ENDED


@dataclass(frozen=True)
class Served:
    """The address for producers, through TCP, and a look at the rows that passes them by."""

    url: str
    connection: psycopg.Connection[tuple[Any, ...]]

    def read(self, id: int, *columns: str) -> tuple[Any, ...]:
        names = ", ".join(f'"{column}"' for column in columns)
        row = self.connection.execute(f"SELECT {names} FROM jobs WHERE id = %s", [id]).fetchone()
        assert row is not None
        return tuple(row)

    def ended(self, id: int) -> str:
        """Wait until the job has ended; its status."""
        return eventually(lambda: self._end_of(id))

    def _end_of(self, id: int) -> str:
        (status,) = self.read(id, "status")
        return str(status) if status in ENDED else ""


@pytest.fixture(scope="module")
def served(server: EmbeddedPostgres, migrated_template: str) -> Iterator[Served]:
    with (
        new_database(server, "producers", template=migrated_template) as name,
        psycopg.connect(server.url_of(name), autocommit=True) as connection,
        program(*ROWCREW, "worker", DATABASE_URL=server.url_of(name)) as worker,
    ):
        worker.line("👥 Ready")
        yield Served(server.tcp_url_of(name), connection)
