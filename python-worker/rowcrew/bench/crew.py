"""The crew of the benchmarks: a handler that does nothing, and one that says when it ran."""

from __future__ import annotations

import time

from rowcrew import Crew

crew = Crew()


@crew.job("bench_noop")
async def noop(number: int) -> None:
    """Do nothing with a small payload."""


@crew.job("bench_when")
async def when(number: int) -> float:  # noqa: ARG001 - every payload of the benchmarks has it
    """When this handler began, by the clock of this host."""
    return time.time()
