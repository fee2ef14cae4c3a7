"""The doctor's look at each server of an address that names several: exactly one may take writes.

In: the address. Out: one check, none where a single server is named. All are looked at together, and none is
waited for longer than five seconds, whatever the address allows. Called by `database_checks`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple

import psycopg

from rowcrew.admin.check import Check, check
from rowcrew.table.hosts import alone, places
from rowcrew.table.link import reason
from rowcrew.table.opening import Deadline, DeadlineOver, opened_async
from rowcrew.table.statements import SQL

_SECONDS: Final = 5.0
_OUT_OF_REACH: Final = "out of reach"


class _Host(NamedTuple):
    """One server: the timeline it writes, or why it does not."""

    place: str
    timeline: str | None
    why_not: str = ""

    def __str__(self) -> str:
        said = f"takes writes, timeline {self.timeline}" if self.timeline else self.why_not
        return f"{self.place} ({said})"


async def host_checks(address: str) -> list[Check]:
    """What the servers of the address say of themselves."""
    named = places(address)
    if len(named) == 1:
        return []
    return [_judged(await asyncio.gather(*(_look(address, place) for place in named)))]


async def _look(address: str, place: tuple[str, str]) -> _Host:
    name = ":".join(place)
    try:
        async with asyncio.timeout(_SECONDS):  # `seconds` is for each address of a name, and for each step
            connection = await opened_async(
                alone(address, place), name="admin", autocommit=True, seconds=_SECONDS
            )
    except TimeoutError:
        return _Host(name, None, f"{_OUT_OF_REACH}: {DeadlineOver(_SECONDS)}")
    except psycopg.Error as error:
        return _Host(name, None, f"{_OUT_OF_REACH}: {reason(error)}")
    async with connection:
        if connection.info.parameter_status("in_hot_standby") == "on":
            return _Host(name, None, "a stand-by")
        try:
            with Deadline(connection, _SECONDS):  # to cancel a call that nobody answers takes longer
                row = await (await connection.execute(SQL["worker/server"])).fetchone()
        except DeadlineOver as error:
            return _Host(name, None, f"{_OUT_OF_REACH}: {error}")
        except psycopg.Error:
            return _Host(name, "unknown")
    return _Host(name, row[1] if row else "unknown")


def _judged(hosts: Sequence[_Host]) -> Check:
    what = ", ".join(map(str, hosts))
    if sum(host.timeline is not None for host in hosts) > 1:
        remedy = (
            "shut down those of a lower timeline at once, and make them stand-bys (pg_rewind):"
            " what is written there will be lost"
        )
        return check("hosts", "failed", f"more than one takes writes: {what}", remedy)
    if any(host.why_not.startswith(_OUT_OF_REACH) for host in hosts):
        return check(
            "hosts", "warning", what, "a fail-over has one server less to go to: start it, or name it no more"
        )
    return check("hosts", "ok", what)
