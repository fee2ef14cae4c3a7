"""What the machine, the plan and the container give this process.

Out: the slots for `WORKER_CONCURRENCY=auto`, for `readers`; the memory that the container has left, for
control when it wants one runner more.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

_CONTROL_GROUP: Final = Path("/sys/fs/cgroup")  # of a container: its own
_MEMBERSHIPS: Final = Path("/proc/self/cgroup")


class _Words(NamedTuple):
    """What a version of control groups calls the files of limit and use, and the line of idle file pages."""

    limit: str
    used: str
    idle: str


_VERSION_1: Final = _Words("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
_VERSION_2: Final = _Words("memory.max", "memory.current", "inactive_file")


def automatic_slots() -> int:
    """Eight slots a core, as many as memory allows at 128 MiB each: 2, 4, 8 on the usual small plans."""
    return max(2, min(int(8 * _cores()), _memory_bytes() // (128 * 2**20)))


def container_memory_left() -> int | None:
    """Bytes until the tightest of this process's control groups is full; None where no limit can be read.

    Pages of files that nobody uses count as free: the kernel takes them back before it kills anybody.
    """
    return min(
        (
            limit - _number(group / words.used) + _statistic(group / "memory.stat", words.idle)
            for group, words in _memory_groups()
            if (limit := _number(group / words.limit))
        ),
        default=None,
    )


def _cores() -> float:
    """The machine's cores, or the part of them that the plan or the container gives this process."""
    machine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    plan = float(os.environ.get("RENDER_CPU_COUNT") or machine)
    quota, _, period = _container_limit("cpu.max").partition(" ")
    container = int(quota) / int(period) if quota.isdigit() else machine
    return min(machine, plan, container)


def _memory_bytes() -> int:
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = [_number(group / words.limit) for group, words in _memory_groups()]
    return min([machine, *filter(None, limits)])


def _memory_groups() -> Iterator[tuple[Path, _Words]]:
    """The control groups that bind this process's memory, from its own outwards."""
    for root, words, path in _memberships():
        own = root / path.lstrip("/")
        for group in (own, *own.parents):
            yield group, words
            if group == root:
                break


def _memberships() -> Iterator[tuple[Path, _Words, str]]:
    """Where version 2 and the memory groups of version 1 have this process; in a container, at its root."""
    try:
        lines = _MEMBERSHIPS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            yield _CONTROL_GROUP, _VERSION_2, path
        elif "memory" in controllers.split(","):
            yield _CONTROL_GROUP / "memory", _VERSION_1, path


def _number(file: Path) -> int:
    """0 where the file is missing or says `max`."""
    try:
        text = file.read_text(encoding="ascii").strip()
    except OSError:
        return 0
    return int(text) if text.isdigit() else 0


def _statistic(file: Path, name: str) -> int:
    try:
        lines = file.read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name} ")), 0)


def _container_limit(name: str) -> str:
    """A limit of this process's control group; `max` where there is none."""
    try:
        return (_CONTROL_GROUP / name).read_text().strip()
    except OSError:
        return "max"
