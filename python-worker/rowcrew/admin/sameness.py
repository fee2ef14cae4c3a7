"""Whether two addresses lead to one database, and in it to one table `jobs`.

In: an address, or two links. Out: the address's parts, or one word. Called by the checks.
Nothing here writes.
"""

from __future__ import annotations

import secrets
from typing import Literal, NamedTuple

import psycopg
from psycopg.conninfo import conninfo_to_dict

from rowcrew.table import operator
from rowcrew.table.address import for_psycopg
from rowcrew.table.link import Link

Sameness = Literal["same", "other-table", "other"]


class Place(NamedTuple):
    """Where an address leads, and as which role."""

    host: str
    port: str
    database: str
    role: str


def place(address: str) -> Place | None:
    """Where the address leads; None when nobody can read it.

    What libpq says of such an address is not passed on: it quotes from it, and so from the password.
    """
    try:
        parts = conninfo_to_dict(for_psycopg(address))
    except psycopg.ProgrammingError:
        return None
    port, database = str(parts.get("port") or "5432"), str(parts.get("dbname") or parts.get("user") or "")
    if not all(number.isdecimal() for number in port.split(",")) or "@" in database:
        return None  # a special character of the password has cut the address in the wrong place
    host = str(parts.get("host") or parts.get("hostaddr") or "a local socket")
    return Place(host, port, database, str(parts.get("user") or "of the system"))


async def sameness(ours: Link, theirs: Link) -> Sameness:
    """Whether two links have reached one database, and in it one table `jobs`.

    The server shows a lock of our transaction in our database and nowhere else, whatever the addresses say;
    nor do poolers hide it, because a transaction keeps its session.
    """
    first, second = secrets.randbelow(2**31), secrets.randbelow(2**31)
    async with ours.transaction():
        here = await operator.probe_hold(ours, first=first, second=second)
        there = await operator.probe_seen(theirs, first=first, second=second)
    if not there.seen:
        return "other"
    return "same" if here.jobs == there.jobs else "other-table"
