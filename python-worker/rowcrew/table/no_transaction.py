"""Long work between the reading and the writing of a run's transaction, with none open.

In: the connection of `context.transaction()`, from which only was read so far. An open transaction holds back
vacuum, and the server ends one that is silent for a minute. Called by the bundled job types that compute.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from rowcrew.table.statements import SQL


@contextmanager
def no_transaction(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Let go of what was read; after the block begins the transaction that the job's completion joins."""
    connection.rollback()
    yield
    connection.execute(SQL["run/limit_idle_transaction"])
