"""Limits for single living processes: no more descriptors, no more memory, no more processes.

Each is a context manager around the time that it lasts. Control groups need root and a kernel that lends
them; `process_limit_permitted` tells.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import psutil

_GROUPS: Final = Path("/sys/fs/cgroup/pids")
_STANDARD_STREAMS: Final = 3
# What a process may still take: enough for its next few lines, not for the next library or payload.
_LAST_BYTES: Final = 1 << 20
# Processes come and go while they are told to leave a group.
_TRIES: Final = 250


@contextmanager
def no_descriptors(pid: int) -> Iterator[None]:
    """What is open stays open, and nothing more can be opened."""
    with _limited(pid, resource.RLIMIT_NOFILE, _STANDARD_STREAMS):
        yield


@contextmanager
def no_memory(pid: int) -> Iterator[None]:
    """What is allocated stays, and next to nothing more is given."""
    with _limited(pid, resource.RLIMIT_AS, psutil.Process(pid).memory_info().vms + _LAST_BYTES):
        yield


@contextmanager
def no_processes(pid: int) -> Iterator[None]:
    """Its children live on, and it can start neither a process nor a thread."""
    group = _own_group() / f"storm-{os.getpid()}-{pid}"
    group.mkdir(exist_ok=True)
    try:
        (group / "cgroup.procs").write_text(str(pid))
        (group / "pids.max").write_text("0")
        yield
    finally:
        _dissolve(group)


def process_limit_permitted() -> bool:
    group = _own_group() / f"storm-{os.getpid()}-probe"
    try:
        group.mkdir()
    except OSError:
        return False
    try:
        return (group / "pids.max").exists()
    finally:
        group.rmdir()


def _own_group() -> Path:
    """Where this process is among the groups that limit processes."""
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    path = next((line.partition(":pids:")[2] for line in lines if ":pids:" in line), "/")
    return _GROUPS / path.removeprefix("/")


def _dissolve(group: Path) -> None:
    """Lift its limit and let everybody leave, also who came into being meanwhile."""
    with suppress(OSError):
        (group / "pids.max").write_text("max")
    for _ in range(_TRIES):
        with suppress(OSError):
            for pid in (group / "cgroup.procs").read_text().split():
                (group.parent / "cgroup.procs").write_text(pid)
        with suppress(OSError):
            group.rmdir()
            return
        time.sleep(0.02)


@contextmanager
def _limited(pid: int, which: int, most: int) -> Iterator[None]:
    """The soft limit alone, and back to the hard one: two at once leave nothing behind."""
    _, hard = resource.prlimit(pid, which)
    resource.prlimit(pid, which, (most, hard))
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            resource.prlimit(pid, which, (hard, hard))
