"""A database that the tests of one module share, because they keep to the rows they make."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from rig.databases import new_database
from rowcrew.embedded import EmbeddedPostgres
from tests.conftest import Connect


@pytest.fixture(scope="module")
def table(server: EmbeddedPostgres, migrated_template: str) -> Iterator[Connect]:
    """Gives one connection, in autocommit, to a migrated database of this module."""
    with (
        new_database(server, "contract", template=migrated_template) as name,
        psycopg.connect(server.url_of(name), autocommit=True) as connection,
    ):

        def connect() -> psycopg.Connection[tuple[Any, ...]]:
            return connection

        yield connect
