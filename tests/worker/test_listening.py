"""The listening connection, on the event loop that workers use."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import psycopg
import pytest
import uvloop

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
