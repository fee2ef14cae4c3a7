"""Rows as a test wants them: what is sent inside goes past every trigger of the tables.

In: a connection of a superuser, in autocommit. Used by tests that need a state which no hand and no worker
can write at once, or a change that nobody is told of.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg


@contextmanager
def past_triggers(connection: psycopg.Connection[Any]) -> Iterator[None]:
    connection.execute("SET session_replication_role = replica")
    try:
        yield
    finally:
        connection.execute("RESET session_replication_role")
