"""Temporary files in this machine's memory, and so servers' data: there a copy of a database takes a tenth.

In: a block that makes temporary directories or starts servers without a home of their own. Out: they are in
memory where the machine lends enough of it, else where temporary files go anyway. Called by the fixtures that
start servers.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

MEMORY: Final = Path("/dev/shm")
# A container lends 64 MB unless told otherwise; a test's server needs a few hundred.
ENOUGH_BYTES: Final = 3 * 2**30


@contextmanager
def temporary_files_in_memory(place: Path = MEMORY, *, enough_bytes: int = ENOUGH_BYTES) -> Iterator[None]:
    """What the block makes without naming a directory goes into memory if there is enough."""
    before = tempfile.tempdir
    if lends(place, enough_bytes):
        tempfile.tempdir = str(place)
    try:
        yield
    finally:
        tempfile.tempdir = before


def lends(place: Path, enough_bytes: int) -> bool:
    """Whether anybody may make files here, of so many bytes, and run programs from them.

    Where the server's account may not read the installation, its home holds a copy of the programs.
    """
    if not os.access(place, os.W_OK | os.X_OK):
        return False
    there = os.statvfs(place)
    return there.f_bavail * there.f_frsize >= enough_bytes and not there.f_flag & os.ST_NOEXEC
