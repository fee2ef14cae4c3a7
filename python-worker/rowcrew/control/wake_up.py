"""Turns notifications into wake-ups: rows may be ready, or a run of this worker was changed by hand.

Both are hints. Without them, behind a transaction pooler or while this connection is down, polling and the
heartbeat find the same a little later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import psycopg

from rowcrew.control.identity import Identity
from rowcrew.log import Log
from rowcrew.table.link import reason
from rowcrew.table.listening import CHANGED, READY, listen

_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 10.0


class WakeUp:
    """One listening connection, opened again for as long as the worker lives.

    Args:
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
        self._address = address
        self._identity = identity
        self._log = log
        self._ready = ready
        self._changed = changed
        self._pause_seconds = _FIRST_PAUSE_SECONDS

    async def run(self) -> None:
        while True:
            try:
                await listen(self._address, listening=self._listening, receive=self._receive)
            except psycopg.Error as error:
                self._log.event("wake_up.lost", reason=reason(error))
            await asyncio.sleep(self._pause_seconds)
            self._pause_seconds = min(2 * self._pause_seconds, _LONGEST_PAUSE_SECONDS)

    def _listening(self) -> None:
        """What was enqueued before was not heard of: look."""
        self._pause_seconds = _FIRST_PAUSE_SECONDS
        self._ready()

    def _receive(self, channel: bytes, payload: bytes) -> None:
        if channel == READY:
            self._ready()
        elif channel == CHANGED and payload == str(self._identity.worker_id).encode():
            self._changed()
