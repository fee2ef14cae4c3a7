"""Rows as a test wants them, and races as a test wants them.

What is sent inside `past_triggers` goes past every trigger of the tables. In: a connection of a superuser, in
autocommit. Used by tests that need a state which no hand and no worker can write at once, or a change that
nobody is told of.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, LiteralString

import psycopg

# Who waits for a lock in this database; autovacuum, and what other databases of the server do, stage no race.
WAITING_FOR_LOCKS: Final[LiteralString] = """
    SELECT pid FROM pg_stat_activity
     WHERE datname = current_database() AND backend_type = 'client backend' AND wait_event_type = 'Lock'
"""


@contextmanager
def past_triggers(connection: psycopg.Connection[Any]) -> Iterator[None]:
    connection.execute("SET session_replication_role = replica")
    try:
        yield
    finally:
        connection.execute("RESET session_replication_role")
