"""The connections of the web: a few links, each lent to one request at a time.

In: an address. Out: a link that only looks, or one that may change rows. Called by whatever answers a
request, and by the sampler, which has a link of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from rowcrew.model.errors import RowcrewError
from rowcrew.table.link import Link

STATEMENT_MILLISECONDS: Final = 2_000
"""What a statement that only looks may take: a page that is slow must not slow the database."""

_CHANGE_MILLISECONDS: Final = 10_000
_TURN_SECONDS: Final = 5.0

# Of a session, so that a look costs one statement and not four.
_ONLY_LOOKS: Final[Mapping[str, str]] = {
    "default_transaction_read_only": "on",
    "statement_timeout": str(STATEMENT_MILLISECONDS),
    "TimeZone": "UTC",
}
_MAY_CHANGE: Final[Mapping[str, str]] = {
    "statement_timeout": str(_CHANGE_MILLISECONDS),
    "TimeZone": "UTC",
}

# Behind a pooler a session is anybody's: there a transaction has the settings.
_POOLED: Final[Mapping[str, str]] = {
    "transaction_read_only": "on",
    "statement_timeout": str(STATEMENT_MILLISECONDS),
}


class Busy(RowcrewError):
    """All connections are lent, and none came back in time."""


class TooMany(RowcrewError):
    """So many of a kind are under way as may be."""


class Links:
    """A number of links to one database, opened when first needed.

    Args:
        address: as in DATABASE_URL.
        purpose: becomes part of application_name.
        most: how many links there are at most.
        only_looks: whether the database refuses their changes, and cuts short what takes long.
    """

    def __init__(self, address: str, *, purpose: str, most: int, only_looks: bool) -> None:
        self._address = address
        self._purpose = purpose
        self._only_looks = only_looks
        self._turns = asyncio.Semaphore(most)
        self._idle: list[Link] = []

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[Link]:
        """A link that nobody else uses meanwhile; it commits each statement.

        Raises:
            Busy: none was free in time.
        """
        async with self._turn() as link:
            await link.open()
            if not (self._only_looks and link.pooled):
                yield link
                return
            async with link.transaction(_POOLED):
                yield link

    async def close(self) -> None:
        while self._idle:
            await self._idle.pop().close()

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[Link]:
        try:
            async with asyncio.timeout(_TURN_SECONDS):
                await self._turns.acquire()
        except TimeoutError:
            raise Busy("every connection to the database is busy; ask again in a moment") from None
        link = self._idle.pop() if self._idle else self._new()
        try:
            yield link
        except asyncio.CancelledError:  # a statement may still be under way
            await link.close()
            raise
        finally:
            self._idle.append(link)
            self._turns.release()

    def _new(self) -> Link:
        session = _ONLY_LOOKS if self._only_looks else _MAY_CHANGE
        return Link(self._address, purpose=self._purpose, session=session, any_text=True)
