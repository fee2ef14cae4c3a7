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

_GROUPS: Final = Path("/sys/fs/cgroup")
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
    group = _own_group("pids") / f"storm-{os.getpid()}-{pid}"
    group.mkdir(exist_ok=True)
    try:
        (group / "cgroup.procs").write_text(str(pid))
        (group / "pids.max").write_text("0")
        yield
    finally:
        _dissolve(group)


def process_limit_permitted() -> bool:
    return _is_lent("pids", "pids.max")


@contextmanager
def little_memory(limit_bytes: int) -> Iterator[Path]:
    """A control group for processes to be started in, which share so much memory; see `out_of_memory`."""
    group = _own_group("memory") / f"rig-{os.getpid()}-memory"
    group.mkdir(exist_ok=True)
    try:
        (group / "memory.limit_in_bytes").write_text(str(limit_bytes))
        yield group
    finally:
        _dissolve(group)


def memory_limit_permitted() -> bool:
    return _is_lent("memory", "memory.limit_in_bytes")


def out_of_memory(group: Path) -> int:
    """How many processes of the group the kernel has killed because its memory ran out."""
    lines = (group / "memory.oom_control").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))


def _is_lent(controller: str, file: str) -> bool:
    """Whether this process may make groups of its own under that controller, of version 1."""
    group = _own_group(controller) / f"storm-{os.getpid()}-probe"
    try:
        group.mkdir()
    except OSError:
        return False
    try:
        return (group / file).exists()
    finally:
        group.rmdir()


def _own_group(controller: str) -> Path:
    """Where this process is among the groups of a controller."""
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    path = next((line.partition(f":{controller}:")[2] for line in lines if f":{controller}:" in line), "/")
    return _GROUPS / controller / path.removeprefix("/")


def _dissolve(group: Path) -> None:
    """Lift its limit and let everybody leave, also who came into being meanwhile."""
    with suppress(OSError):
        if (group / "pids.max").exists():
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
