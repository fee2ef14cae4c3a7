"""The listening connection, on the event loop that workers use."""

from __future__ import annotations

import asyncio
import gc
from contextlib import suppress
from typing import Any

import psycopg
import pytest
import uvloop

from rig.waiting import comes_true
from rowcrew.table.listening import READY, listen
from tests.conftest import Connect

LISTENING = "SELECT pid FROM pg_stat_activity WHERE application_name = 'rowcrew listen'"


async def left_after(end: str, database_url: str, connect: Connect) -> list[object]:
    """Listen until the connection or the task ends; the descriptors then read, the connections not freed."""
    listening, heard = asyncio.Event(), asyncio.Event()

    def receive(channel: bytes, _payload: bytes) -> None:
        assert channel == READY
        heard.set()

    task = asyncio.create_task(listen(database_url, listening=listening.set, receive=receive))
    await listening.wait()
    backend = connect()
    backend.execute("NOTIFY rowcrew_wake")
    await heard.wait()
    if end == "cancelled":
        task.cancel()
    else:
        backend.execute(f"SELECT pg_terminate_backend(pid) FROM ({LISTENING}) AS one".encode())
    with pytest.raises((asyncio.CancelledError, psycopg.OperationalError)) as raised:
        await task
    assert "the connection is lost" not in str(raised.value)
    loop = asyncio.get_running_loop()
    readers = [descriptor for descriptor in range(256) if loop.remove_reader(descriptor)]
    connections: list[Any] = [
        known for known in gc.get_objects() if isinstance(known, psycopg.AsyncConnection)
    ]
    assert connections, "the exception's frames hold it"
    return [*readers, *(known for known in connections if known.pgconn.pgconn_ptr is not None)]


@pytest.mark.parametrize("end", ["cancelled", "lost"])
def test_a_connection_that_has_ended_leaves_nothing(end: str, database_url: str, connect: Connect) -> None:
    """Its descriptor's number is the next connection's, which would find the loop in disorder."""
    assert uvloop.run(left_after(end, database_url, connect)) == []


async def listeners_when_others_have_been_ended(database_url: str) -> int:
    """How many still listen when the server has ended a session that began to rest later."""
    listening = asyncio.Event()
    task = asyncio.create_task(listen(database_url, listening=listening.set, receive=lambda *_: None))
    await listening.wait()
    with (
        psycopg.connect(database_url, autocommit=True, options="-c idle_session_timeout=0") as looks,
        psycopg.connect(database_url) as rests,
    ):
        other = "SELECT FROM pg_stat_activity WHERE pid = %s"
        await comes_true(lambda: not looks.execute(other, (rests.info.backend_pid,)).fetchall())
        found = looks.execute(f"{LISTENING} AND datname = current_database()".encode()).fetchall()
    task.cancel()
    with suppress(asyncio.CancelledError, psycopg.OperationalError):
        await task
    return len(found)


def test_a_database_that_ends_sessions_at_rest_keeps_the_one_that_listens(
    database: str, database_url: str, connect: Connect
) -> None:
    connect().execute(f"ALTER DATABASE {database} SET idle_session_timeout = '100ms'".encode())
    assert uvloop.run(listeners_when_others_have_been_ended(database_url)) == 1
