"""A worker that does one of the storm's acts stands still before its commit, and is known by its number."""

from __future__ import annotations

import threading
from typing import Any

import psycopg
import pytest

from rig.waiting import eventually
from storm import trap
from storm.history import RECORDER
from tests.conftest import Connect

TICK = """INSERT INTO schedule_ticks (schedule, tick) VALUES ('one', now())"""


@pytest.fixture
def watcher(connect: Connect) -> psycopg.Connection[Any]:
    connection = connect()
    connection.execute(RECORDER)
    connection.execute(trap.SETUP)
    connection.execute("""INSERT INTO schedules (name, type, "everySeconds") VALUES ('one', 'sleeps', 60)""")
    return connection


def test_a_worker_in_the_act_is_named_and_goes_on_when_the_gate_opens(
    watcher: psycopg.Connection[Any], connect: Connect
) -> None:
    worker = connect()
    worker.execute("SET storm.process = 7")
    trap.close_gate(watcher, 0)
    acting = threading.Thread(target=lambda: worker.execute(TICK))
    acting.start()
    eventually(lambda: trap.caught(watcher, 0))
    assert trap.caught(watcher, 0) == (7, worker.info.backend_pid)
    watcher.execute("SELECT pg_advisory_unlock_all()")
    acting.join()
    assert trap.caught(watcher, 0) is None
    assert watcher.execute("SELECT count(*) FROM schedule_ticks").fetchall() == [(1,)]


def test_whoever_is_no_worker_passes(watcher: psycopg.Connection[Any], connect: Connect) -> None:
    trap.close_gate(watcher, 0)
    connect().execute(TICK)
    assert trap.caught(watcher, 0) is None
