"""The doctor's look at each server of an address that names several: exactly one may take writes.

In: the address. Out: one check, none where a single server is named. Called by `database_checks`.
"""

from __future__ import annotations

from typing import NamedTuple

import psycopg

from rowcrew.admin.check import Check, check
from rowcrew.table.hosts import alone, places
from rowcrew.table.link import reason
from rowcrew.table.opening import opened_async
from rowcrew.table.statements import SQL


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
    return [_judged([await _look(address, place) for place in named])]


async def _look(address: str, place: tuple[str, str]) -> _Host:
    name = ":".join(place)
    try:
        connection = await opened_async(alone(address, place), name="admin", autocommit=True)
    except psycopg.Error as error:
        return _Host(name, None, f"out of reach: {reason(error)}")
    async with connection:
        if connection.info.parameter_status("in_hot_standby") == "on":
            return _Host(name, None, "a stand-by")
        try:
            row = await (await connection.execute(SQL["worker/server"])).fetchone()
        except psycopg.Error:
            return _Host(name, "unknown")
    return _Host(name, row[1] if row else "unknown")


def _judged(hosts: list[_Host]) -> Check:
    what = ", ".join(map(str, hosts))
    if sum(host.timeline is not None for host in hosts) > 1:
        remedy = (
            "shut down those of a lower timeline at once, and make them stand-bys (pg_rewind):"
            " what is written there will be lost"
        )
        return check("hosts", "failed", f"more than one takes writes: {what}", remedy)
    if any(host.why_not.startswith("out of reach") for host in hosts):
        return check(
            "hosts", "warning", what, "a fail-over has one server less to go to: start it, or name it no more"
        )
    return check("hosts", "ok", what)
