"""What somebody does again and again in a storm, in a thread of its own; `load` and `hands` say what."""

from __future__ import annotations

import threading
from typing import Final

import psycopg

# The server is not there, will not have it now, or takes no writes.
AWAY: Final = (psycopg.OperationalError, psycopg.errors.ReadOnlySqlTransaction)


class Habit:
    """A thread from `start` to `stop`; what ended it before goes into `complaints`."""

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._go_on, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _go_on(self) -> None:
        try:
            self._run()
        except Exception as error:
            self.complaints.append(f"{type(self).__name__} met {type(error).__name__}: {error}")

    def _run(self) -> None:
        raise NotImplementedError
