"""A database that the tests of one module share, because they keep to the rows they make."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from rowcrew.embedded import EmbeddedPostgres
from tests.conftest import Connect


@pytest.fixture(scope="module")
def table(server: EmbeddedPostgres, migrated_template: str) -> Iterator[Connect]:
    """Gives one connection, in autocommit, to a migrated database of this module."""
    name = f"contract_{uuid.uuid4().hex}"
    with psycopg.connect(server.url, autocommit=True) as postgres:
        postgres.execute(f"CREATE DATABASE {name} TEMPLATE {migrated_template} STRATEGY file_copy")
        with psycopg.connect(server.url_of(name), autocommit=True) as connection:

            def connect() -> psycopg.Connection[tuple[Any, ...]]:
                return connection

            yield connect
        postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")
