"""The listening connection, on the event loop that workers use."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
import uvloop

from rowcrew.table.listening import READY, listen
from tests.conftest import Connect

LISTENING = "SELECT pid FROM pg_stat_activity WHERE application_name = 'rowcrew listen'"


async def readers_after(end: str, database_url: str, connect: Connect) -> list[int]:
    """Listen until the connection is ended, or the task is; the descriptors that are still read then."""
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
    return [descriptor for descriptor in range(256) if loop.remove_reader(descriptor)]


@pytest.mark.parametrize("end", ["cancelled", "lost"])
def test_a_connection_that_has_ended_is_read_no_more(end: str, database_url: str, connect: Connect) -> None:
    """Its descriptor's number is the next connection's, which would find the loop in disorder."""
    assert uvloop.run(readers_after(end, database_url, connect)) == []
