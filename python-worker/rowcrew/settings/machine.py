"""How many jobs this machine should run at once, for `WORKER_CONCURRENCY=auto`.

In: nothing but what the machine, the plan and the container say. Out: a number of slots. Called by `readers`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_CONTROL_GROUP: Final = Path("/sys/fs/cgroup")  # of a container: its own, version 2


def automatic_slots() -> int:
    """Eight slots a core, as many as memory allows at 128 MiB each: 2, 4, 8 on the usual small plans."""
    return max(2, min(int(8 * _cores()), _memory_bytes() // (128 * 2**20)))


def _cores() -> float:
    """The machine's cores, or the part of them that the plan or the container gives this process."""
    machine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    plan = float(os.environ.get("RENDER_CPU_COUNT") or machine)
    quota, _, period = _container_limit("cpu.max").partition(" ")
    container = int(quota) / int(period) if quota.isdigit() else machine
    return min(machine, plan, container)


def _memory_bytes() -> int:
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    container = _container_limit("memory.max")
    return min(machine, int(container)) if container.isdigit() else machine


def _container_limit(name: str) -> str:
    """A limit of this process's control group; `max` where there is none."""
    try:
        return (_CONTROL_GROUP / name).read_text().strip()
    except OSError:
        return "max"
