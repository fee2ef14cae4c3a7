"""Tells one process of one host from every other, also from a later one with the same id.

In: a process id. Out: a key that stands in rows, and what such a key says later. Called by `control` and by
the spawner. Standard library only.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def process_key(pid: int) -> str | None:
    """A name no other process of any host ever has: boot, pid namespace, pid and start time.

    None where the system does not tell, or when there is no such process.
    """
    with suppress(OSError, IndexError, ValueError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = Path("/proc/self/ns/pid").stat().st_ino
        started = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[19]
        return f"{boot}:{namespace}:{pid}:{started}"
    return None


def is_surely_dead(key: str | None) -> bool:
    """Whether the process behind a key ran in this very pid namespace and is gone."""
    mine = process_key(os.getpid())
    if key is None or mine is None or key.split(":")[:2] != mine.split(":")[:2]:
        return False
    return process_key(int(key.split(":")[2])) != key
