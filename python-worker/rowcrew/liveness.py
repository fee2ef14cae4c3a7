"""Where live workers of this host and account say so: a small file each, in the temporary directory.

Written by `control` at every acknowledged heartbeat, read by `rowcrew healthcheck`, which must cost neither a
connection nor an import. Standard library only.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def directory() -> Path:
    """Where the files are.

    Raises:
        FileNotFoundError: no directory for temporary files can be written to.
    """
    return Path(tempfile.gettempdir()) / f"rowcrew-{os.getuid()}"


class Liveness:
    """The file of this process's worker: as old as its last heartbeat; its content says how old that may be.

    A disk that is full or read-only is no reason to stop working, so nothing here raises.
    """

    def __init__(self, lease_seconds: float) -> None:
        self._lease_seconds = lease_seconds

    def touch(self) -> None:
        with suppress(OSError):
            _remove_stale()
            directory().mkdir(mode=0o700, exist_ok=True)
            _file().write_text(f"{self._lease_seconds:g}", encoding="ascii")

    def remove(self) -> None:
        with suppress(OSError):
            _file().unlink(missing_ok=True)


def _file() -> Path:
    return directory() / f"worker-{os.getpid()}"


def ages() -> Iterator[tuple[int, float, float]]:
    """For each worker: its process id, the age of its last heartbeat and how old that may be, in seconds.

    Raises:
        FileNotFoundError: see `directory`.
    """
    for file in sorted(directory().glob("worker-*")):
        with suppress(OSError, ValueError):
            age = time.time() - file.stat().st_mtime
            yield int(file.name.removeprefix("worker-")), age, float(file.read_text(encoding="ascii"))


def _remove_stale() -> None:
    """Remove what workers that were killed have left."""
    for pid, age, holds in list(ages()):
        if age > holds and not Path(f"/proc/{pid}").exists():
            (directory() / f"worker-{pid}").unlink(missing_ok=True)
