"""How migrations make room for each other, and for the jobs that run meanwhile.

In: the address of a database. Out: the lock that one migration holds, and the patience that it waits with.
Called by `migrate` and `repair`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
import tenacity

from rowcrew.model.errors import RowcrewError
from rowcrew.table.opening import opened
from rowcrew.table.statements import SQL

LIMITS: Final = ("SET LOCAL lock_timeout = '3s'", "SET LOCAL statement_timeout = 0")

# A table stayed locked, or its holder waited for a table of ours in turn.
NO_ROOM: Final = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)

_PATIENCE_SECONDS: Final = 600


class MigrationBusy(RowcrewError):
    """Another migration, or a long transaction on the tables, did not make room."""


def _found_no_room(error: BaseException) -> bool:
    return isinstance(getattr(error, "orig", error), NO_ROOM)


def _give_up(state: tenacity.RetryCallState) -> None:
    cause = state.outcome.exception() if state.outcome else None
    reason = "the tables are in use by a long transaction" if cause else "another migration is at work"
    raise MigrationBusy(f"{reason} for {_PATIENCE_SECONDS} s now: see pg_stat_activity, try again") from cause


patiently: Final = tenacity.retry(
    retry=tenacity.retry_if_exception(_found_no_room),
    wait=tenacity.wait_random(0.2, 2),
    stop=tenacity.stop_after_delay(_PATIENCE_SECONDS),
    retry_error_callback=_give_up,
)


@contextmanager
def only_migration(url: str) -> Iterator[None]:
    """Hold the migration lock in an idle transaction on a connection of its own.

    A migration that makes an index concurrently commits midway, and would drop a lock of its own transaction.
    """
    with opened(url, name="migrate") as connection:
        _take_lock(connection)
        yield


@tenacity.retry(
    retry=tenacity.retry_if_result(lambda taken: not taken),
    wait=tenacity.wait_random(0.1, 0.3),
    stop=tenacity.stop_after_delay(_PATIENCE_SECONDS),
    retry_error_callback=_give_up,
)
def _take_lock(connection: psycopg.Connection) -> bool:
    # Ask again and again: a connection that waits in the server has a snapshot, and an index made
    # concurrently waits for the end of every snapshot.
    connection.rollback()
    connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    return connection.execute(SQL["migration/lock"]).fetchone() == (True,)
