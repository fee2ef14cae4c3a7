"""Answers `GET /worker/health` on HEALTH_PORT: whether this worker lives, and how much it has to do.

In: the rounds of the heartbeat, the runs of the ledger, and now and then a look at the queues. Out: a small
document, as HTTP or to the program that embeds the worker. Made by `organs` only where somebody asks for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, Literal

import msgspec
import psycopg

from rowcrew.control.asked import Requests
from rowcrew.control.care.heartbeat import Heartbeat
from rowcrew.control.clock import Clock
from rowcrew.control.identity import Identity
from rowcrew.control.ledger import Ledger
from rowcrew.model.errors import RowcrewError
from rowcrew.table.link import Link
from rowcrew.table.looks import look_at_queues

_PATH: Final = b"/worker/health"
_HEAD_BYTES: Final = 8_192
_CLIENT_SECONDS: Final = 5.0
_MOST_CLIENTS: Final = 32
_DEPTH_SECONDS: Final = 10.0


Status = Literal["healthy", "draining", "silent"]


class WorkerHealth(msgspec.Struct, frozen=True):
    """How a worker does.

    Attributes:
        status: silent when the database has not acknowledged a heartbeat for a lease.
        jobs_processed: runs that have ended since the worker began.
        queue_depth: ready jobs of its queues, as of the last ten seconds.
    """

    status: Status
    worker_id: str
    uptime_seconds: int
    jobs_processed: int
    queue_depth: int


class Health:
    """What one worker says of itself to whoever asks.

    Args:
        queues: that the worker serves; none named = all.
        began: when the worker was started.
    """

    def __init__(
        self,
        *,
        identity: Identity,
        queues: tuple[str, ...],
        lease_seconds: float,
        began: float,
        link: Link,
        heartbeat: Heartbeat,
        ledger: Ledger,
        requests: Requests,
        clock: Clock,
    ) -> None:
        self._identity = identity
        self._queues = queues
        self._lease_seconds = lease_seconds
        self._began = began
        self._link = link
        self._heartbeat = heartbeat
        self._ledger = ledger
        self._requests = requests
        self._clock = clock
        self._depth = 0
        self._counted_at = float("-inf")
        self._counting = asyncio.Lock()

    async def look(self, *, is_stopping: bool) -> WorkerHealth:
        return WorkerHealth(
            status=self._status(is_stopping),
            worker_id=self._identity.name,
            uptime_seconds=round(self._clock.now() - self._began),
            jobs_processed=self._ledger.taken - len(self._ledger),
            queue_depth=await self._ready(),
        )

    def _status(self, is_stopping: bool) -> Status:
        if self._clock.now() - self._heartbeat.answered_at > self._lease_seconds:
            return "silent"
        return "draining" if is_stopping or self._requests.draining else "healthy"

    async def _ready(self) -> int:
        """Counted once for all who ask within ten seconds; no newer than the database's last answer."""
        async with self._counting:
            if self._clock.now() - self._counted_at >= _DEPTH_SECONDS and not self._heartbeat.is_failing:
                self._counted_at = self._clock.now()
                with suppress(psycopg.Error):
                    looks = await look_at_queues(self._link)
                    served = [one for one in looks if not self._queues or one.queue in self._queues]
                    self._depth = sum(one.ready for one in served)
        return self._depth


async def listen(port: int, health: Callable[[], Awaitable[WorkerHealth]]) -> asyncio.Server:
    """Answer on this port of every address of this machine.

    Raises:
        RowcrewError: the port is taken.
    """
    clients = asyncio.Semaphore(_MOST_CLIENTS)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, one answer: a client that is slow, or one too many, is dropped."""
        with suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with asyncio.timeout(_CLIENT_SECONDS), clients:
                writer.write(await _answer(await reader.readuntil(b"\r\n\r\n"), health))
                await writer.drain()
        writer.close()

    try:
        return await asyncio.start_server(serve, None, port, limit=_HEAD_BYTES)
    except OSError as error:
        raise RowcrewError(f"HEALTH_PORT={port}: {error.strerror or error}; give another port") from error


async def _answer(head: bytes, health: Callable[[], Awaitable[WorkerHealth]]) -> bytes:
    method, path = [*head.split(b" ", 2), b"", b""][:2]
    if path.partition(b"?")[0] != _PATH:
        return _response(b"404 Not Found", b"{}")
    if method not in (b"GET", b"HEAD"):
        return _response(b"405 Method Not Allowed", b"{}")
    told = await health()
    status = b"200 OK" if told.status == "healthy" else b"503 Service Unavailable"
    return _response(status, msgspec.json.encode(told), has_body=method == b"GET")


def _response(status: bytes, body: bytes, *, has_body: bool = True) -> bytes:
    head = (
        b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
        b"Cache-Control: no-store\r\nConnection: close\r\n\r\n" % (status, len(body))
    )
    return head + body if has_body else head
