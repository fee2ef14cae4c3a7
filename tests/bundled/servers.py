"""Servers for inputs by reference: each answers as a test says, on a real socket."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedRWPair
from typing import Any

Answer = Callable[["Connection"], None]


class Connection:
    """A request, and the way to answer it byte by byte."""

    def __init__(self, stream: BufferedRWPair[Any, Any], shut_down: threading.Event) -> None:
        self._stream = stream
        self.shut_down = shut_down
        self.request_line = stream.readline().decode().strip()
        self.headers = dict(self._header_lines())

    def _header_lines(self) -> Iterator[tuple[str, str]]:
        while line := self._stream.readline().decode().strip():
            name, _, value = line.partition(":")
            yield name.lower(), value.strip()

    def send(self, data: bytes) -> None:
        self._stream.write(data)
        self._stream.flush()

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        lines = {"Content-Length": str(len(body)), "Connection": "close"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self.send(f"HTTP/1.1 {status} Said\r\n{head}\r\n".encode() + body)

    def drip(self, byte: bytes = b"x") -> None:
        """One byte, again and again, until the other side hangs up or the test is over."""
        try:
            while not self.shut_down.wait(0.05):
                self.send(byte)
        except OSError:
            pass


class Server:
    """Answers its n-th connection with the n-th answer, and all later ones with the last."""

    def __init__(
        self, listener: socket.socket, context: ssl.SSLContext | None, answers: tuple[Answer, ...]
    ) -> None:
        self._listener = listener
        self._context = context
        self._answers = answers
        self.shut_down = threading.Event()
        self.requests: list[Connection] = []
        self.port: int = listener.getsockname()[1]

    def serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._converse, args=(client,), daemon=True).start()

    def _converse(self, client: socket.socket) -> None:
        with client:
            try:
                connection = self._context.wrap_socket(client, server_side=True) if self._context else client
                with connection, connection.makefile("rwb") as stream:
                    request = Connection(stream, self.shut_down)
                    answer = self._answers[min(len(self.requests), len(self._answers) - 1)]
                    self.requests.append(request)
                    answer(request)
            except OSError:  # it hung up
                pass


@contextmanager
def serving(*answers: Answer, context: ssl.SSLContext | None = None) -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(listener, context, answers)
        thread = threading.Thread(target=server.serve, daemon=True)
        thread.start()
        yield server
        server.shut_down.set()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def cutting(body: bytes, missing_bytes: int, **headers: str) -> Answer:
    """Promise more bytes than are sent."""
    length = str(len(body) + missing_bytes)
    return lambda connection: connection.answer(200, body, Content_Length=length, **headers)


def saying(status: int, body: bytes = b"", **headers: str) -> Answer:
    return lambda connection: connection.answer(status, body, **headers)
