"""A TCP proxy between a worker and PostgreSQL that can lose what it carries.

`stall()` is a partition: connections stay open, new ones are taken, nothing passes. `mute()` lets the worker
speak and swallows every answer, `lose()` a share of them. `hold()` keeps back the answers on one of its
connections. `heal()` lets everything pass that was not swallowed, `cut()` resets all, and `lead_to()` is what
a fail-over looks like from here.
"""

from __future__ import annotations

import random
import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class Proxy:
    """Stands before the server of a URL; `url` is the same database through it.

    Args:
        url: where it leads.
        host: the address of this machine where it listens.

    Attributes:
        source: the address that new connections to the server come from, if not the usual one.
    """

    def __init__(self, url: str, *, host: str = "127.0.0.1") -> None:
        self._server = server = _server_of(url)
        self._listener = socket.create_server((host, 0))
        port = self._listener.getsockname()[1]
        self.url = url.replace(f"{server[0]}:{server[1]}", f"{host}:{port}")
        self.source = ""
        self._open = threading.Event()
        self._open.set()
        self._muted = False
        self._lost_share = 0.0
        self._lost_of = b""
        self._chance = random.Random()
        self._held = b""
        self._released = threading.Event()
        self._ends: list[socket.socket] = []
        self.most_connections = 0
        self.swallowed = 0

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()
        self.cut()
        self.heal()

    def stall(self) -> None:
        self._open.clear()

    def mute(self) -> None:
        self._muted = True

    def lose(self, share: float, *, seed: int, purpose: str = "") -> None:
        """Swallow this share of the answers, on connections of this purpose or on all."""
        self._chance.seed(seed)
        self._lost_of = f"rowcrew {purpose}".encode()
        self._lost_share = share

    def hold(self, purpose: str) -> None:
        self._released.clear()
        self._held = f"rowcrew {purpose}".encode()

    def lead_to(self, url: str) -> None:
        """Lead to another server from now on, and cut what leads to this one."""
        self._server = _server_of(url)
        self.cut()

    def heal(self) -> None:
        self._muted = False
        self._lost_share = 0.0
        self._held = b""
        self._released.set()
        self._open.set()

    def cut(self) -> None:
        for end in list(self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        self._open.wait()
        source = (self.source, 0) if self.source else None
        with (
            client,
            suppress(OSError),
            socket.create_connection(self._server, source_address=source) as server,
        ):
            self._ends += [client, server]
            self.most_connections = max(self.most_connections, len(self._ends) // 2)
            introduction = bytearray()
            answers = threading.Thread(target=self._answer, args=(server, client, introduction), daemon=True)
            answers.start()
            self._pump(client, server, introduction)
            answers.join()
            self._ends.remove(client)
            self._ends.remove(server)

    def _pump(self, client: socket.socket, server: socket.socket, introduction: bytearray) -> None:
        """Carry what the client says, which begins with the name of its application."""
        with suppress(OSError):
            while data := client.recv(65_536):
                self._open.wait()
                if len(introduction) < 1_000:
                    introduction += data
                server.sendall(data)
        self._end(server)

    def _answer(self, server: socket.socket, client: socket.socket, introduction: bytearray) -> None:
        with suppress(OSError):
            while data := server.recv(65_536):
                self._open.wait()
                if self._held and self._held in introduction:
                    self._released.wait()
                if self._muted or (
                    self._lost_of in introduction and self._chance.random() < self._lost_share
                ):
                    self.swallowed += 1
                else:
                    client.sendall(data)
        self._end(client)

    def _end(self, target: socket.socket) -> None:
        with suppress(OSError):
            self._open.wait()
            target.shutdown(socket.SHUT_RDWR)


def _server_of(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port
