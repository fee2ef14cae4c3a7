"""The crew that the benchmarks run: handlers that say when or where they ran."""

from __future__ import annotations

import asyncio
import os
import time

from rowcrew import Crew
from rowcrew.bench import crew as shipped

crew = Crew()
crew.include(shipped.crew)


@crew.job("bench_when")
async def when(number: int) -> float:  # noqa: ARG001 - every payload of the benchmarks has it
    """When this handler began, by the clock of this host."""
    return time.time()


@crew.job("bench_where")
async def where(number: int) -> int:  # noqa: ARG001
    """The process that this handler ran in."""
    return os.getpid()


@crew.job("bench_sleep")
async def sleep(seconds: float) -> None:
    """Take a known time and no processor."""
    await asyncio.sleep(seconds)
