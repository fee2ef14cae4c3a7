"""The server: it listens, answers until SIGTERM or SIGINT, lets the requests under way end, and leaves.

In: an application and an open socket. Out: nothing. Slow clients are bounded: how long a request may take to
come, how large its headers are, how many connections there are. Called by `rowcrew web`.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.h11_impl import H11Protocol

from rowcrew.settings.readers import Network
from rowcrew.web.proxy import PeerNoted

HEADERS_SECONDS: Final = 10.0
UNREAD_SECONDS: Final = 60.0
_HEADERS_BYTES: Final = 32_768
_MOST_CONNECTIONS: Final = 500
_GRACE_SECONDS: Final = 10
_IDLE_SECONDS: Final = 15
_THIS_MACHINE: Final = ("127.0.0.1", "::1")


class PatientProtocol(H11Protocol):
    """One connection, which is closed when a head takes too long to come, or an answer is not read."""

    _hurry: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._hurry = self.loop.call_later(HEADERS_SECONDS, transport.close)

    def data_received(self, data: bytes) -> None:
        if self._hurry is None and self._awaits_a_request:
            self._hurry = self.loop.call_later(HEADERS_SECONDS, self.transport.close)
        super().data_received(data)
        if not self._awaits_a_request:
            self._calm_down()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread = self.loop.call_later(UNREAD_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        self._calm_down()
        self._go_on()
        super().connection_lost(exc)

    @property
    def _awaits_a_request(self) -> bool:
        # uvicorn types it without its None, which it is before the first request.
        return self.cycle is None or self.cycle.response_complete  # type: ignore[redundant-expr]

    def _calm_down(self) -> None:
        if self._hurry is not None:
            self._hurry.cancel()
            self._hurry = None

    def _go_on(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None


class _Server(uvicorn.Server):
    """A server whose signals are ours: uvicorn's would end the process by the signal it has obeyed."""

    def __init__(self, config: uvicorn.Config, *, on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_stop = on_stop

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        yield

    def _stop(self) -> None:
        self._on_stop()
        self.should_exit = True


def listen(host: str, port: int) -> socket.socket:
    """An open socket; port 0 = any free one.

    Raises:
        OSError: the address is taken, or is not of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=128)
    # Connections inherit it. asyncio sets it only for sockets that were made with the number of TCP, and
    # without it the body of an answer waits 40 ms for the client to acknowledge the head.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def serve(
    app: ASGIApp,
    listener: socket.socket,
    *,
    prefix: str,
    on_stop: Callable[[], None],
    proxies: Iterable[Network] = (),
) -> None:
    """Answer until SIGTERM or SIGINT; requests under way have ten seconds to end.

    Args:
        prefix: the path under which a proxy has it, and takes away; empty = none.
        on_stop: called by the signal, to end what would go on for ever.
        proxies: who is believed, beside this machine, about for whom they ask.
    """
    believed = [*_THIS_MACHINE, *map(str, proxies)]
    config = uvicorn.Config(
        PeerNoted(ProxyHeadersMiddleware(app, believed)),  # type: ignore[arg-type]
        http=PatientProtocol,
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        root_path=prefix,
        proxy_headers=False,  # by the line above, which first notes who is at the other end
        h11_max_incomplete_event_size=_HEADERS_BYTES,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    asyncio.run(_Server(config, on_stop=on_stop).serve(sockets=[listener]))
