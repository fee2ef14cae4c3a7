"""The one connection of an operator, and what may go wrong on it.

In: an address. Out: a link, or a `Problem` that says in data what the face must word. Called by every face.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, Literal, NamedTuple

import psycopg

from rowcrew.table.address import without_password
from rowcrew.table.link import Link, reason

WATCH_SECONDS: Final = 2.0
"""How long the database may work at a statement of somebody who watches."""

# Until the socket is shut: the server's own limit does not help where the way to it is cut.
_DEADLINE_SECONDS: Final = 5.0
# Local to a transaction, since behind a pooler a session is anybody's.
_ONLY_LOOKS: Final[Mapping[str, str]] = {
    "transaction_read_only": "on",
    "statement_timeout": str(round(1000 * WATCH_SECONDS)),
    "enable_seqscan": "off",
    "jit": "off",
}


class Problem(NamedTuple):
    """Why an operator got no answer; `what` is a sentence without the remedy and without the password."""

    kind: Literal["schema", "unreachable", "late", "refused"]
    what: str


class WatchingLink(Link):
    """The link of somebody who watches: nobody waits long for an answer on it."""

    def __init__(self, address: str) -> None:
        super().__init__(address, purpose="monitor", any_text=True)

    async def fetch(
        self, query: str, parameters: Mapping[str, Any], seconds: float | None = None, *, size: int = 0
    ) -> list[Any]:
        deadline = _DEADLINE_SECONDS if seconds is None else min(seconds, _DEADLINE_SECONDS)
        return await super().fetch(query, parameters, deadline, size=size)


@asynccontextmanager
async def looking(link: Link) -> AsyncIterator[None]:
    """A transaction that changes nothing and whose statements are short."""
    async with link.transaction(_ONLY_LOOKS):
        yield


def operators_link(address: str) -> Link:
    """A link that plans as the server does.

    A worker forbids itself to read whole tables; an operator counts them.
    """
    return Link(address, purpose="admin", session={"enable_seqscan": "on"}, any_text=True)


def problem(error: psycopg.Error, address: str) -> Problem:
    """What the error means to the person who asked."""
    match error:
        case psycopg.errors.UndefinedTable() | psycopg.errors.UndefinedColumn():
            return Problem("schema", reason(error))
        case psycopg.errors.QueryCanceled():
            return Problem("late", reason(error))
        case psycopg.OperationalError():
            return Problem("unreachable", f"no connection to {without_password(address)}: {reason(error)}")
    return Problem("refused", reason(error))
