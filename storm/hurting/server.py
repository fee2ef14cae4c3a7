"""Faults of the server and its tables: it restarts, crashes, is full, locked, read-only or another one.

In: the site and a blow. Out: nothing but harm, healed in the end. Those that take the server down take turns.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg

from rowcrew.table.statements import SQL
from storm.script import Blow, Unfinished
from storm.site import MOST_CONNECTIONS, Member, Site


@contextmanager
def declare_lost(site: Site, member: Member, blow: Blow) -> Iterator[None]:
    """Pause a worker, and do what a rescuer does once its lease has passed."""
    member.signal(signal.SIGSTOP)
    try:
        time.sleep(0.2)
        with site.connect("rowcrew chores") as rescuer:
            pid = 0 if member.worker is None else member.worker.pid
            seen = rescuer.execute(
                'SELECT id, beats FROM workers WHERE pid = %s AND "lostAt" IS NULL', (pid,)
            ).fetchall()
            parameters = {
                "workers": [row[0] for row in seen],
                "beats": [row[1] for row in seen],
                "only": None,
            }
            rescuer.execute(SQL["worker/rescue"], parameters)
        time.sleep(blow.seconds)
    finally:
        member.signal(signal.SIGCONT)
    yield


@contextmanager
def restart(site: Site, _member: Member, _blow: Blow) -> Iterator[None]:
    with site.server_fault:
        site.server.restart("fast")
        yield


@contextmanager
def crash(site: Site, _member: Member, blow: Blow) -> Iterator[None]:
    with site.server_fault:
        site.server.halt("immediate")
        time.sleep(blow.seconds)
        site.server.resume()
        yield


@contextmanager
def kill_backend(site: Site, _member: Member, blow: Blow) -> Iterator[None]:
    """One killed backend makes the server end all others and recover."""
    with site.server_fault:
        with site.connect("storm fault") as connection:
            rows = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'rowcrew%%' ORDER BY pid"
            ).fetchall()
        if rows:
            os.kill(rows[blow.dice % len(rows)][0], signal.SIGKILL)
            time.sleep(0.3)
            site.patiently("storm fault", "SELECT 1")
        yield


@contextmanager
def exhaust_connections(site: Site, _member: Member, blow: Blow) -> Iterator[None]:
    held: list[psycopg.Connection[Any]] = []
    try:
        with suppress(psycopg.OperationalError):
            held.extend(site.connect("storm fault") for _ in range(MOST_CONNECTIONS))
        time.sleep(blow.seconds)
        yield
    finally:
        for connection in held:
            connection.close()


@contextmanager
def flood(site: Site, _member: Member, blow: Blow) -> Iterator[None]:
    with site.connect("storm producer") as connection:
        connection.execute(
            "INSERT INTO jobs (type, payload)"
            " SELECT 'sleeps', '{\"seconds\": 0.001}' FROM generate_series(1, %s)",
            (300 + blow.dice % 700,),
        )
    yield


@contextmanager
def lock_table(site: Site, _member: Member, blow: Blow) -> Iterator[None]:
    with site.connect("storm fault") as connection, connection.transaction():
        connection.execute("SET LOCAL lock_timeout = '5s'")
        connection.execute("LOCK TABLE jobs")
        time.sleep(blow.seconds)
        yield


@contextmanager
def vacuum_full(site: Site, _member: Member, _blow: Blow) -> Iterator[None]:
    with site.connect("storm fault") as connection:
        connection.execute("SET lock_timeout = '5s'")  # else all wait behind it for whoever holds a row
        connection.execute("VACUUM FULL jobs")
    yield


@contextmanager
def reindex(site: Site, _member: Member, _blow: Blow) -> Iterator[None]:
    with site.connect("storm fault") as connection:
        connection.execute("REINDEX TABLE CONCURRENTLY jobs")
    yield


@contextmanager
def migrate(site: Site, _member: Member, blow: Blow) -> Iterator[None]:
    """The next version migrates and is rolled back, while workers of this version run and start."""
    came = site.next_version.come(site.server.url)
    time.sleep(blow.seconds)
    went = site.next_version.go(site.server.url)
    if not came or not went:
        raise Unfinished("the migration found no way through")
    yield


@contextmanager
def read_only(site: Site, _member: Member, blow: Blow) -> Iterator[None]:
    """What a fail-over looks like: sessions that were opened meanwhile stay read-only."""
    with site.server_fault:
        site.patiently("storm fault", "ALTER DATABASE postgres SET default_transaction_read_only = on")
        site.patiently(
            "storm fault",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'rowcrew%%'",
        )
        time.sleep(blow.seconds)
        yield
        _allow_writes(site)


def _allow_writes(site: Site) -> None:
    while True:
        with suppress(psycopg.OperationalError), site.connect("storm fault") as connection:
            connection.execute("SET default_transaction_read_only = off")
            connection.execute("ALTER DATABASE postgres RESET default_transaction_read_only")
            return
        time.sleep(0.2)


@contextmanager
def promote(site: Site, _member: Member, blow: Blow) -> Iterator[None]:
    """A stand-by falls behind, and takes the server's place: the last commits are gone for good."""
    assert site.standby is not None
    with site.server_fault:
        site.standby.fall_behind()
        time.sleep(blow.seconds)
        site.promote()
        yield
