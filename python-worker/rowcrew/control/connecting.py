"""Waits for the database when a worker starts, and sees that this version can serve its tables."""

from __future__ import annotations

import psycopg
from tenacity import (
    AsyncRetrying,
    RetryError,
    retry_if_exception_type,
    stop_after_delay,
    wait_random_exponential,
)

from rowcrew.log import Log
from rowcrew.model.errors import DatabaseUnavailable, SchemaMismatch
from rowcrew.table import worker as table
from rowcrew.table.compatibility import complaint, hidden
from rowcrew.table.link import Link, reason


async def connect(link: Link, *, within_seconds: float, log: Log) -> None:
    """Open the link and look at the schema.

    Raises:
        DatabaseUnavailable: no connection in this time.
        SchemaMismatch: the tables are missing, of another version, or hidden from this role.
    """
    try:
        async for attempt in AsyncRetrying(
            # OSError: the first look opens the statements' files, and descriptors may be free in a moment.
            # A server that takes no writes may be promoted in a moment, or another one of the address.
            retry=retry_if_exception_type((psycopg.OperationalError, DatabaseUnavailable, OSError)),
            wait=wait_random_exponential(multiplier=0.2, max=5),
            stop=stop_after_delay(within_seconds),
        ):
            with attempt:
                rows = await table.schema_revision(link)
                await _see_that_it_takes_writes(link)
    except RetryError as error:
        last = error.last_attempt.exception()
        raise DatabaseUnavailable(reason(last) if last else "no answer") from last
    except psycopg.errors.UndefinedTable as error:
        raise SchemaMismatch(complaint(None, None) or "") from error
    if problem := complaint(*(rows[0] if rows else (None, None))):
        raise SchemaMismatch(problem)
    if closed := [found for found in await table.hidden_tables(link) if not found.open]:
        raise SchemaMismatch(": ".join(hidden([found.table for found in closed], closed[0].role)))
    log.event("database.connected")
    if link.pooled:
        log.event("database.pooled")
    log.event("rescue.checking")
    log.event("database.details", **link.facts())


async def _see_that_it_takes_writes(link: Link) -> None:
    if link.takes_no_writes:
        await link.close()
        raise DatabaseUnavailable("it takes no writes: a stand-by, or default_transaction_read_only is on")
