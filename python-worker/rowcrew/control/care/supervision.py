"""Tells the supervisor that started this worker how it does: ready, alive, stopping, and a line for people.

In: the rounds of the heartbeat, the runs of the ledger. Out: datagrams in the protocol of systemd. Made by
`organs` only where a supervisor asks to be told.
"""

from __future__ import annotations

import socket
from typing import Final

from rowcrew.control.care.heartbeat import Heartbeat
from rowcrew.control.clock import Clock
from rowcrew.control.ledger import Ledger
from rowcrew.log import Log
from rowcrew.settings import Supervisor

_UNWATCHED_SECONDS: Final = 20.0


class Supervision:
    """The word to the supervisor. Each datagram says all there is, so the next one makes good for a lost one.

    A worker whose heartbeat has not come round for a lease is wedged, and asks no more to be left alive. One
    whose database is away is not: its heartbeat tries again and again, and a restart would help nobody.
    """

    def __init__(
        self,
        *,
        supervisor: Supervisor,
        heartbeat: Heartbeat,
        lease_seconds: float,
        ledger: Ledger,
        slots: int,
        clock: Clock,
        log: Log,
    ) -> None:
        self._address = supervisor.address
        self._is_watched = bool(supervisor.watchdog_seconds)
        self._every_seconds = (supervisor.watchdog_seconds or _UNWATCHED_SECONDS) / 2
        self._heartbeat = heartbeat
        self._lease_seconds = lease_seconds
        self._ledger = ledger
        self._slots = slots
        self._clock = clock
        self._log = log
        self._is_stopping = False
        self._is_unreachable = False

    async def run(self) -> None:
        while True:
            self.tell()
            await self._clock.sleep(self._every_seconds)

    def stopping(self) -> None:
        self._is_stopping = True
        self.tell()

    def tell(self) -> None:
        words = ["STOPPING=1" if self._is_stopping else "READY=1", f"STATUS={self._status()}"]
        if self._is_watched and self._silent_seconds() <= self._lease_seconds:
            words.append("WATCHDOG=1")
        self._send("\n".join(words))

    def _status(self) -> str:
        running = f"{self._ledger.in_flight} of {self._slots} slots in use"
        if self._heartbeat.is_failing:
            running = f"no answer from the database, {running}"
        return f"Stopping; {running}" if self._is_stopping else f"Ready; {running}"

    def _silent_seconds(self) -> float:
        return self._clock.now() - self._heartbeat.came_round_at

    def _send(self, text: str) -> None:
        """Neither waits nor fails: a worker whose supervisor cannot be told works on."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.setblocking(False)
                sender.sendto(text.encode(), self._address)
        except BlockingIOError:
            pass
        except OSError as error:  # no descriptor is left, too
            self._tell_unreachable(error)

    def _tell_unreachable(self, error: OSError) -> None:
        if not self._is_unreachable:
            self._is_unreachable = True
            self._log.event("supervisor.unreachable", reason=str(error))
