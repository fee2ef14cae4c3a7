"""Databases on a test's server: each is there for a block, and gone with whoever is still connected."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from rowcrew.embedded import EmbeddedPostgres


@contextmanager
def new_database(
    server: EmbeddedPostgres, kind: str, *, template: str = "template1", encoding: str | None = None
) -> Iterator[str]:
    """The name of a new database that holds what its template holds; `kind` is how the name begins.

    One in an encoding of its own is empty: PostgreSQL copies text into no other.
    """
    name = f"{kind}_{uuid.uuid4().hex}"
    options = f"TEMPLATE {template} STRATEGY file_copy"
    if encoding is not None:
        options = f"ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0"
    with psycopg.connect(server.url, autocommit=True) as postgres:
        postgres.execute(f"CREATE DATABASE {name} {options}")
    try:
        yield name
    finally:
        with psycopg.connect(server.url, autocommit=True) as postgres:
            postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")
