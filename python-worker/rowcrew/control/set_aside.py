"""Finds the row that a statement cannot take, and sets it aside, so that it never stops the others.

In: rows that failed together, from `reserve`, `record`, `notes`, `rescue` and `letting_go`. Out: what came of
the good ones, and for the odd one a line in the log and a row of `jobs_set_aside`, which all workers pass by
until its time has come.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final, TypeVar

import psycopg

from rowcrew.control.identity import Identity
from rowcrew.log import Log
from rowcrew.table import worker as table
from rowcrew.table.link import Link, is_about_data, reason

Item = TypeVar("Item")
Came = TypeVar("Came")

FIRST_PAUSE_SECONDS: Final = 10.0
# The row's own values are wrong and stay so: class 22 data, 23 constraints, 54 limits.
_LASTING: Final = ("22", "23", "54")


async def one_by_one(
    items: Sequence[Item],
    attempt: Callable[[Sequence[Item]], Awaitable[Came]],
    odd: Callable[[Item, Exception], Awaitable[object]],
) -> AsyncIterator[Came]:
    """Attempt all together; on an error about data the halves, down to the one item that is odd."""
    if not items:
        return
    try:
        came = await attempt(items)
    except (psycopg.Error, UnicodeError) as error:
        if not is_about_data(error):
            raise
        if len(items) == 1:
            await odd(items[0], error)
            return
    else:
        yield came
        return
    half = len(items) // 2
    for part in (items[:half], items[half:]):
        async for came in one_by_one(part, attempt, odd):
            yield came


class SetAside:
    """The keeper of odd rows of one worker."""

    def __init__(self, *, link: Link, identity: Identity, log: Log) -> None:
        self._link = link
        self._identity = identity
        self._log = log

    async def queued(self, id: int, error: Exception) -> None:
        """A row that cannot be reserved: it fails where its own values are to blame, or waits.

        Raises:
            psycopg.Error: the database was not reached, or nothing can be set aside.
        """
        if not (is_lasting(error) and await self._failed(id, error)):
            await self.held(id, error)

    async def held(self, id: int, error: Exception) -> float:
        """A row that cannot be written is passed by; for how many seconds.

        Raises:
            psycopg.Error: the database was not reached, or nothing can be set aside.
        """
        why = reason(error)
        seconds = await table.set_aside(self._link, id=id, worker=self._identity.worker_id, reason=why)
        if seconds is None:
            return FIRST_PAUSE_SECONDS
        self._log.event("job.set_aside", job_id=id, seconds=seconds, reason=why)
        return seconds

    async def _failed(self, id: int, error: Exception) -> bool:
        text = f"no worker can take this row: {reason(error)}"
        try:
            has_failed = await table.fail_odd(self._link, id=id, reason=text)
        except psycopg.Error as second:
            if not is_about_data(second):
                raise
            return False
        if has_failed:
            self._log.event("job.odd", job_id=id, reason=reason(error))
        return has_failed


def is_lasting(error: Exception) -> bool:
    """Whether the row's own values are to blame, not a trigger or a right that somebody may mend."""
    if isinstance(error, psycopg.Error):
        return (error.sqlstate or "").startswith(_LASTING)
    return isinstance(error, UnicodeError)
