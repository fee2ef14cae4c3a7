"""Who is told of events in a storm: a server of webhooks, and a program; both write down what they hear.

In: the site's directory. Out: rows of `event_receivers`, settings for workers, and a file of what was heard.
Some messages are heard and answered with an error, some are answered late. `rules.events` judges.
"""

from __future__ import annotations

import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import psycopg

from storm import hears
from storm.history import Heard, entries

HOOK: Final = "the-hook"
PROGRAM: Final = "the-program"
SECRET: Final = "whsec_" + "c3Rvcm1zdG9ybXN0b3Jtc3Rvcm1zdG9ybXN0b3Jt"
# A worker that dies while it tells keeps its claim for so long, and half a minute more.
TIMEOUT_SECONDS: Final = 5
LATE_SECONDS: Final = 1.0
# This machine, also as the worker sees it that has a network of its own.
NETWORKS: Final = "127.0.0.0/8,10.213.0.0/16"


class Receivers:
    """The server of webhooks of one storm, as a context manager, and the command of the program.

    Args:
        directory: for the file of what was heard.
        host: this machine's address as all workers see it.
    """

    def __init__(self, directory: Path, *, host: str = "127.0.0.1") -> None:
        self._file = directory / "heard"
        self._host = host
        self._server = ThreadingHTTPServer(("0.0.0.0", 0), _listening(self._file))

    def __enter__(self) -> Self:
        self._file.touch()
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def settings(self) -> dict[str, Any]:
        """What a worker has to know to tell them."""
        words = [sys.executable, "-I", "-S", hears.__file__, str(self._file)]
        return {
            "EVENT_SECRETS": f"{HOOK}={SECRET}",
            "EVENT_ALLOW_PRIVATE": NETWORKS,
            "EVENT_COMMANDS": hears.line({PROGRAM: words}).decode(),
        }

    def ask_to_be_told(self, connection: psycopg.Connection[Any]) -> None:
        connection.execute("INSERT INTO event_receivers (name, via) VALUES ('the-log', 'log')")
        connection.execute(
            'INSERT INTO event_receivers (name, via, target, kinds, "timeoutSeconds")'
            " VALUES (%s, 'webhook', %s, '{}', %s), (%s, 'command', %s, '{job.failed}', %s)",
            (
                *(HOOK, f"http://{self._host}:{self._server.server_port}/", TIMEOUT_SECONDS),
                *(PROGRAM, PROGRAM, TIMEOUT_SECONDS),
            ),
        )

    def heard(self) -> list[Heard]:
        return [Heard(entry["receiver"], entry["message"]) for entry in entries(self._file)]


def _listening(file: Path) -> type[BaseHTTPRequestHandler]:
    class Listener(BaseHTTPRequestHandler):
        """Writes a message down before it answers: whoever gives up waiting has told it."""

        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"]))
            is_well = hears.hear(file, HOOK, text)
            if hears.id_of(text) % hears.ODD_ONE == 1:
                time.sleep(LATE_SECONDS)
            self.send_response(204 if is_well else 500)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: what was heard is in the file."""

    return Listener
