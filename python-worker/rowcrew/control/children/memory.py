"""Whether memory is left for one runner more, by what those cost that are there."""

from __future__ import annotations

from collections.abc import Iterable

from rowcrew.control.children.meter import machine_memory_left, reading
from rowcrew.settings.machine import container_memory_left


def has_memory_for_another(loaded: Iterable[int]) -> bool:
    """Whether a runner as large as the largest of these processes would find room now."""
    return max(map(_resident_bytes, loaded), default=0) <= _memory_left()


def _memory_left() -> int:
    machine = machine_memory_left()
    container = container_memory_left()
    return machine if container is None else min(machine, container)


def _resident_bytes(pid: int) -> int:
    try:
        return reading(pid).memory
    except OSError:
        return 0
