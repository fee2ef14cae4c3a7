"""The one connection of an operator, and what may go wrong on it.

In: an address. Out: a link, or a `Problem` that says in data what the face must word. Called by every face.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import psycopg

from rowcrew.table.address import without_password
from rowcrew.table.link import Link, reason


class Problem(NamedTuple):
    """Why an operator got no answer; `what` is a sentence without the remedy and without the password."""

    kind: Literal["schema", "unreachable", "refused"]
    what: str


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
        case psycopg.OperationalError():
            return Problem("unreachable", f"no connection to {without_password(address)}: {reason(error)}")
    return Problem("refused", reason(error))
