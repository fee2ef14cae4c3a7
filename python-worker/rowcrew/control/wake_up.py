"""Listens for two notifications: rows to reserve, and a run of ours that was changed by hand.

Both are hints. Without them, behind a transaction pooler or while this connection is down, polling and the
heartbeat find the same a little later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import psycopg

from rowcrew.control.identity import Identity
from rowcrew.log import Log
from rowcrew.table.address import for_psycopg
from rowcrew.table.connection import KEEPALIVE, reason

_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 10.0


class WakeUp:
    """Args:
    ready: called when rows may be ready.
    changed: called when a run of this worker was changed.
    """

    def __init__(
        self,
        *,
        address: str,
        identity: Identity,
        log: Log,
        ready: Callable[[], None],
        changed: Callable[[], None],
    ) -> None:
        self._address = for_psycopg(address)
        self._identity = identity
        self._log = log
        self._ready = ready
        self._changed = changed

    async def run(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                await self._listen()
            except psycopg.Error as error:
                self._log.event("wake_up.lost", reason=reason(error))
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
            else:
                pause = _FIRST_PAUSE_SECONDS

    async def _listen(self) -> None:
        connection = await psycopg.AsyncConnection.connect(
            self._address, autocommit=True, application_name="rowcrew listen", **KEEPALIVE
        )
        try:
            await connection.execute("LISTEN rowcrew_wake")
            await connection.execute("LISTEN rowcrew_lost")
            self._ready()
            await self._receive(connection)
        finally:
            with suppress(psycopg.Error):
                await connection.close()

    async def _receive(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Take notifications off the socket as they come; one callback, no task and no await in between."""
        lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        server = connection.pgconn

        def readable() -> None:
            try:
                server.consume_input()
            except psycopg.Error as error:
                if not lost.done():
                    lost.set_exception(error)
                return
            while notification := server.notifies():
                self._on_notification(notification.relname, notification.extra)

        loop = asyncio.get_running_loop()
        loop.add_reader(server.socket, readable)
        try:
            await lost
        finally:
            loop.remove_reader(server.socket)

    def _on_notification(self, channel: bytes, payload: bytes) -> None:
        if channel == b"rowcrew_wake":
            self._ready()
        elif payload == str(self._identity.worker_id).encode():
            self._changed()
