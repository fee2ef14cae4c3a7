"""Kills a worker in the midst of an act: what it has done is not yet committed, or it never hears that it is.

In: the site and a blow. Out: a dead worker, whose process number is what the fault yields.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg

from storm import trap
from storm.script import Blow, Unfinished
from storm.site import Member, Site


@contextmanager
def kill_in_the_act(site: Site, _member: Member, blow: Blow) -> Iterator[int]:
    """With its backend, whose work is undone then; or alone, and what it was last told to do is committed."""
    act = blow.dice % len(trap.ACTS)
    with site.connect("storm fault") as connection:
        trap.close_gate(connection, act)
        process, backend = _caught(connection, act, blow.seconds)
        member = _member_of(site, process)
        member.restart_at = time.monotonic() + blow.seconds
        member.signal(signal.SIGKILL)
        if blow.place % 2:
            # The server may be away because of another fault: the worker has been killed all the same.
            with suppress(psycopg.Error):
                connection.execute("SELECT pg_terminate_backend(%s)", (backend,))
    yield process


def _caught(connection: psycopg.Connection[Any], act: int, seconds: float) -> tuple[int, int]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := trap.caught(connection, act):
            return found
        time.sleep(0.02)
    raise Unfinished(f"nobody {list(trap.ACTS)[act]}")


def _member_of(site: Site, process: int) -> Member:
    """Not that of the last place: one worker lives through the whole storm."""
    for member in site.members[:-1]:
        if member.number == process and member.lives:
            return member
    raise Unfinished("it was the worker of the last place")
