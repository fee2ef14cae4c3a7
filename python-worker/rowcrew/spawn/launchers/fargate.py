"""The sizes that Fargate has, for ECS and AWS Batch alike.

In: what a worker needs, in cores and bytes. Out: the smallest size that holds it. Called by the launchers of
AWS.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from rowcrew.spawn.launcher import Launch, LaunchFailed

_MIB: Final = 2**20
_MEMORY: Final = {
    256: (512, 1024, 2048),
    512: range(1024, 4096 + 1, 1024),
    1024: range(2048, 8192 + 1, 1024),
    2048: range(4096, 16_384 + 1, 1024),
    4096: range(8192, 30_720 + 1, 1024),
    8192: range(16_384, 61_440 + 1, 4096),
    16_384: range(32_768, 122_880 + 1, 8192),
}


class Size(NamedTuple):
    """A size in AWS's units: 1024ths of a core, and MiB."""

    cpu: int
    mebibytes: int


def wanted_size(launch: Launch) -> Size | None:
    """What the worker asks for, a zero for what it leaves to the place; None = it asks for nothing."""
    if launch.cpu is None and launch.memory is None:
        return None
    return Size(_rounded_up((launch.cpu or 0) * 1024), _rounded_up((launch.memory or 0) / _MIB))


def fargate_size(wanted: Size) -> Size:
    """The smallest size of Fargate that has as much. Raises LaunchFailed when none has."""
    fitting = (size for size in _sizes() if size.cpu >= wanted.cpu and size.mebibytes >= wanted.mebibytes)
    if (found := next(fitting, None)) is None:
        cores, most = wanted.cpu / 1024, max(_sizes())
        raise LaunchFailed(
            f"no size of Fargate has {cores:g} cores and {wanted.mebibytes} MiB: "
            f"the largest has {most.cpu // 1024} cores and {most.mebibytes} MiB"
        )
    return found


def _sizes() -> Iterator[Size]:
    return (Size(cpu, memory) for cpu, memories in _MEMORY.items() for memory in memories)


def _rounded_up(number: float) -> int:
    return -int(-number // 1)
