"""Where live workers of this host and account say so: a small file each, in the temporary directory.

Written by workers through `control.liveness`, read by `rowcrew healthcheck`. Standard library only.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def directory() -> Path:
    return Path(tempfile.gettempdir()) / f"rowcrew-{os.getuid()}"


def own_file() -> Path:
    return directory() / f"worker-{os.getpid()}"


def write(file: Path, lease_seconds: float) -> None:
    """Say that the worker lives; the content is how long that holds, in seconds."""
    file.parent.mkdir(mode=0o700, exist_ok=True)
    file.write_text(f"{lease_seconds:g}", encoding="ascii")


def ages() -> Iterator[tuple[int, float, float]]:
    """For each worker: its process id, the age of its last heartbeat and how old that may be, in seconds."""
    for file in sorted(directory().glob("worker-*")):
        with suppress(OSError, ValueError):
            age = time.time() - file.stat().st_mtime
            yield int(file.name.removeprefix("worker-")), age, float(file.read_text(encoding="ascii"))


def remove_stale() -> None:
    """Remove what workers that were killed have left."""
    for pid, age, holds in list(ages()):
        if age > holds and not Path(f"/proc/{pid}").exists():
            (directory() / f"worker-{pid}").unlink(missing_ok=True)
