"""Listens for the table's notifications: rows may be ready, a run was changed by hand, somebody waits.

In: an address. Out: one callback a notification, until the connection is lost. `control.wake_up` uses it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

import psycopg

from rowcrew.table.opening import CALL_SECONDS, Admit, Deadline, opened_async
from rowcrew.table.statements import SQL

READY: Final = b"rowcrew_wake"
CHANGED: Final = b"rowcrew_lost"
WAITS: Final = b"rowcrew_waits"
EXPECTED: Final = b"rowcrew_expected"
# A database or a role may have the server end sessions that rest, and this one does nothing else.
_TO_REST: Final = {"names": ["idle_session_timeout"], "values": ["0"], "local": False}
_IDS_A_TEXT: Final = 350  # of 20 digits and a comma: a notification carries less than 8,000 bytes
# Says that no row is ready which was not before, but that a place under a limit is free.
PLACES: Final = b"places"


async def listen(
    address: str,
    *,
    listening: Callable[[], None],
    receive: Callable[[bytes, bytes], None],
    admit: Admit | None = None,
) -> None:
    """Listen until the connection is lost.

    Args:
        listening: called once, when notifications begin to arrive.
        receive: takes the channel and the payload of each.
        admit: keeps from an old primary, as in `opening`.

    Raises:
        psycopg.Error: the connection could not be made or was lost.
    """
    connection = await opened_async(address, name="listen", autocommit=True, admit=admit)
    try:
        with Deadline(connection, CALL_SECONDS):
            await connection.execute(SQL["link/set_config"], _TO_REST)
            for name in ("listen_ready", "listen_changed", "listen_waits", "listen_expected"):
                await connection.execute(SQL[f"link/{name}"])
        listening()
        await _receive_all(connection, receive)
    finally:
        with suppress(psycopg.Error):
            await connection.close()
        # Closing does nothing to a connection that is lost: its buffers would wait for the garbage collector.
        connection.pgconn.finish()


async def _receive_all(
    connection: psycopg.AsyncConnection[Any], receive: Callable[[bytes, bytes], None]
) -> None:
    """Take notifications off the socket as they come: one callback, no task and no await in between."""
    loop = asyncio.get_running_loop()
    lost: asyncio.Future[None] = loop.create_future()
    server, descriptor = connection.pgconn, connection.fileno()

    def readable() -> None:
        try:
            server.consume_input()
        except psycopg.Error as error:
            # The socket is closed by now, and its number may be the next connection's before any task runs.
            loop.remove_reader(descriptor)
            if not lost.done():
                lost.set_exception(error)
            return
        while notification := server.notifies():
            receive(notification.relname, notification.extra)

    loop.add_reader(descriptor, readable)
    try:
        await lost
    finally:
        if not lost.done() or lost.cancelled():
            loop.remove_reader(descriptor)


def id_texts(ids: Sequence[int]) -> list[str]:
    """The ids with commas between, as many in a text as one notification carries."""
    portions = (ids[place : place + _IDS_A_TEXT] for place in range(0, len(ids), _IDS_A_TEXT))
    return [",".join(map(str, portion)) for portion in portions]
