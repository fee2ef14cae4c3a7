"""Tells one process of one host from every other, also from a later one with the same id.

In: a process id. Out: a key that stands in rows, and what such a key says later. Called by `control` and by
the spawner. Standard library only.
"""

from __future__ import annotations

import errno
import os
from functools import cache
from pathlib import Path
from typing import Final

NO_DESCRIPTOR: Final = frozenset({errno.EMFILE, errno.ENFILE})
"""Not to be able to look is not to have found nothing: errors that say nothing of the process looked for."""


def process_key(pid: int) -> str | None:
    """A name no other process of any host ever has: boot, pid namespace, pid and start time.

    None where the system does not tell, or when there is no such process.

    Raises:
        OSError: no descriptor is left to look with.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = Path("/proc/self/ns/pid").stat().st_ino
        started = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[19]
    except OSError as error:
        if error.errno in NO_DESCRIPTOR:
            raise
        return None
    except (IndexError, ValueError):
        return None
    return f"{boot}:{namespace}:{pid}:{started}"


def own_process_key() -> str | None:
    """The key of this process; once known it needs no descriptor.

    Raises:
        OSError: no descriptor is left to look with.
    """
    return _known(os.getpid())


_known = cache(process_key)  # an error is not kept, and a fork has another id


def is_surely_dead(key: str | None) -> bool:
    """Whether the process behind a key ran in this very pid namespace and is gone.

    Raises:
        OSError: no descriptor is left to look with.
    """
    mine = own_process_key()
    if key is None or mine is None or key.split(":")[:2] != mine.split(":")[:2]:
        return False
    return process_key(int(key.split(":")[2])) != key
