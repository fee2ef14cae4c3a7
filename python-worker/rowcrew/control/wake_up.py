"""Turns notifications into wake-ups: rows may be ready, a run was changed by hand, or somebody waits.

All are hints. Without them, behind a transaction pooler or while this connection is down, polling,
the heartbeat and a chore find the same a little later.
"""

from __future__ import annotations

from typing import Final

import psycopg

from rowcrew.control.care.heartbeat import Heartbeat
from rowcrew.control.chores.chore import Routine
from rowcrew.control.clock import Clock
from rowcrew.control.identity import Identity
from rowcrew.control.road.expected import Expected
from rowcrew.control.road.reserve import Reserver
from rowcrew.log import Log
from rowcrew.table.link import reason
from rowcrew.table.listening import CHANGED, EXPECTED, PLACES, READY, WAITS, listen
from rowcrew.table.opening import Admit

_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 10.0


class WakeUp:
    """One listening connection, opened again for as long as the worker lives."""

    def __init__(
        self,
        *,
        address: str,
        admit: Admit,
        identity: Identity,
        reserver: Reserver,
        heartbeat: Heartbeat,
        expected: Expected,
        examine: Routine,
        clock: Clock,
        log: Log,
    ) -> None:
        self._address = address
        self._admit = admit
        self._identity = identity
        self._reserver = reserver
        self._heartbeat = heartbeat
        self._expected = expected
        self._examine = examine
        self._clock = clock
        self._log = log
        self._pause_seconds = _FIRST_PAUSE_SECONDS

    async def run(self) -> None:
        while True:
            try:
                await listen(
                    self._address, listening=self._listening, receive=self._receive, admit=self._admit
                )
            except psycopg.Error as error:
                self._log.event("wake_up.lost", reason=reason(error))
            await self._clock.sleep(self._pause_seconds)
            self._pause_seconds = min(2 * self._pause_seconds, _LONGEST_PAUSE_SECONDS)

    def _listening(self) -> None:
        """What was enqueued before was not heard of: look."""
        self._pause_seconds = _FIRST_PAUSE_SECONDS
        self._reserver.wake()
        self._examine.wake()

    def _receive(self, channel: bytes, payload: bytes) -> None:
        if channel == READY:
            if payload == PLACES:
                self._reserver.places_free()
            else:
                self._reserver.wake()
        elif channel == CHANGED and payload == str(self._identity.worker_id).encode():
            self._heartbeat.check_soon()
        elif channel == EXPECTED:
            self._expected.expect(payload)
        elif channel == WAITS:
            self._examine.wake()
