"""The log of a worker process behind a pipe, whose reader can go deaf.

In: the file that the lines end up in. Out: the descriptor that the process writes to. While the reader is
deaf the pipe fills up, and whoever writes to it waits, unless he knows how not to.
"""

from __future__ import annotations

import fcntl
import os
import threading
from pathlib import Path
from typing import Final

# The least that the kernel gives: a worker fills it within seconds.
PIPE_BYTES: Final = 4096
LEAVING_SECONDS: Final = 5.0


class LogPipe:
    """One pipe and its reader.

    Attributes:
        end: where the process writes; to be closed here once the process has it.
    """

    def __init__(self, log: Path) -> None:
        reading, self.end = os.pipe()
        fcntl.fcntl(self.end, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self._hears = threading.Event()
        self._hears.set()
        self._thread = threading.Thread(target=self._copy, args=(reading, log), daemon=True)
        self._thread.start()

    def go_deaf(self) -> None:
        self._hears.clear()

    def hear(self) -> None:
        self._hears.set()

    def close(self) -> None:
        """Wait until all who could write are gone, and everything they wrote is in the file."""
        self.hear()
        self._thread.join(LEAVING_SECONDS)

    def _copy(self, reading: int, log: Path) -> None:
        with log.open("ab", buffering=0) as file, os.fdopen(reading, "rb", buffering=0) as pipe:
            while self._hears.wait() and (some := pipe.read(PIPE_BYTES)):
                file.write(some)
