"""What processes use, and what the machine has left: from /proc, and from psutil where there is none.

psutil would tell both everywhere. On Linux the same stands in three files, and every worker for whose two
figures it is imported pays a megabyte and a half.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final, NamedTuple

_PROC: Final = Path("/proc")
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_KIBIBYTE: Final = 1024


class Reading(NamedTuple):
    """What one process uses now: resident memory in bytes, processor seconds since its start."""

    memory: int
    cpu: float


def reading(pid: int) -> Reading:
    """Of a living process.

    Raises:
        OSError: it is gone, no descriptor is left to look at it with, or a sandbox does not tell.
    """
    if not _PROC.joinpath("self").exists():
        return _reading_elsewhere(pid)
    directory = _PROC / str(pid)
    sizes = directory.joinpath("statm").read_bytes().split()
    # The name, in parentheses, may hold anything. Fields 14 and 15 of proc(5) are user and system time.
    times = directory.joinpath("stat").read_bytes().rpartition(b")")[2].split()
    try:
        return Reading(int(sizes[1]) * _PAGE, (int(times[11]) + int(times[12])) / _TICKS)
    except (IndexError, ValueError) as error:
        raise OSError(f"{directory} is not as proc(5) says: {error}") from error


def machine_memory_left() -> int:
    """Bytes that a program could take now without swapping; no limit where the machine does not tell."""
    if not _PROC.joinpath("self").exists():
        import psutil

        return int(psutil.virtual_memory().available)
    try:
        lines = _PROC.joinpath("meminfo").read_text().splitlines()
    except OSError:  # no descriptor is left
        return sys.maxsize
    free = (int(line.split()[1]) * _KIBIBYTE for line in lines if line.startswith("MemAvailable:"))
    return next(free, sys.maxsize)  # a sandbox may not tell


def _reading_elsewhere(pid: int) -> Reading:
    import psutil

    try:
        process = psutil.Process(pid)
        times = process.cpu_times()
        return Reading(int(process.memory_info().rss), times.user + times.system)
    except psutil.Error as error:
        raise ProcessLookupError(str(error)) from error
