"""Turns notifications into wake-ups: rows may be ready, or a run of this worker was changed by hand.

Both are hints. Without them, behind a transaction pooler or while this connection is down, polling and the
heartbeat find the same a little later.
"""

from __future__ import annotations

from typing import Final

import psycopg

from rowcrew.control.care.heartbeat import Heartbeat
from rowcrew.control.clock import Clock
from rowcrew.control.identity import Identity
from rowcrew.control.road.reserve import Reserver
from rowcrew.log import Log
from rowcrew.table.link import reason
from rowcrew.table.listening import CHANGED, PLACES, READY, listen

_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 10.0


class WakeUp:
    """One listening connection, opened again for as long as the worker lives."""

    def __init__(
        self,
        *,
        address: str,
        identity: Identity,
        reserver: Reserver,
        heartbeat: Heartbeat,
        clock: Clock,
        log: Log,
    ) -> None:
        self._address = address
        self._identity = identity
        self._reserver = reserver
        self._heartbeat = heartbeat
        self._clock = clock
        self._log = log
        self._pause_seconds = _FIRST_PAUSE_SECONDS

    async def run(self) -> None:
        while True:
            try:
                await listen(self._address, listening=self._listening, receive=self._receive)
            except psycopg.Error as error:
                self._log.event("wake_up.lost", reason=reason(error))
            await self._clock.sleep(self._pause_seconds)
            self._pause_seconds = min(2 * self._pause_seconds, _LONGEST_PAUSE_SECONDS)

    def _listening(self) -> None:
        """What was enqueued before was not heard of: look."""
        self._pause_seconds = _FIRST_PAUSE_SECONDS
        self._reserver.wake()

    def _receive(self, channel: bytes, payload: bytes) -> None:
        if channel == READY:
            if payload == PLACES:
                self._reserver.places_free()
            else:
                self._reserver.wake()
        elif channel == CHANGED and payload == str(self._identity.worker_id).encode():
            self._heartbeat.check_soon()
