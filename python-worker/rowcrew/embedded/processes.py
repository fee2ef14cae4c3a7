"""The processes of a server, told from all others by their command lines in /proc.

In: a home. Out: process ids that were PostgreSQL's, for this home, a moment ago. Called by `server` alone.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from rowcrew.embedded.home import Home


def postmaster_of(home: Home) -> int | None:
    """The pid in the lock file, if it is one of ours: pids are reused, and files half written."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        process = int((home.data / "postmaster.pid").read_text().splitlines()[0])
        return process if _is_of(home, _command_line(process)) else None
    return None


def processes_of(home: Home) -> list[int]:
    """The server's processes, and the tools that still work on its data. A zombie has no command line."""
    return [process for process, command_line in _command_lines() if _is_of(home, command_line)]


def kill(processes: list[int]) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def _is_of(home: Home, command_line: bytes) -> bool:
    program = command_line.split(b"\0", 1)[0]
    if program.startswith(b"postgres: "):
        return program.startswith(b"postgres: " + home.cluster_name.encode() + b": ")
    return (
        program.rpartition(b"/")[2] in {b"postgres", b"pg_ctl", b"initdb"}
        and os.fsencode(home.path) + b"/" in command_line
    )


def _command_line(process: int) -> bytes:
    return Path("/proc", str(process), "cmdline").read_bytes()


def _command_lines() -> Iterator[tuple[int, bytes]]:
    for directory in Path("/proc").iterdir():
        if directory.name.isdigit():
            with contextlib.suppress(OSError):
                yield int(directory.name), _command_line(int(directory.name))
