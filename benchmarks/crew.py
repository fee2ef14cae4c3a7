"""The crew that the benchmarks run: the shipped handlers, one that says where it ran, and some that sleep."""

from __future__ import annotations

import asyncio
import os
import time

from rowcrew import Crew
from rowcrew.bench import crew as shipped

crew = Crew()
crew.include(shipped.crew)


@crew.job("bench_where")
async def where(number: int) -> int:  # noqa: ARG001 - every payload of the benchmarks has it
    """The process that this handler ran in."""
    return os.getpid()


@crew.job("bench_sleep")
async def sleep(seconds: float) -> None:
    """Take a known time and no processor."""
    await asyncio.sleep(seconds)


@crew.job("bench_sleep_thread")
def sleep_in_thread(seconds: float) -> None:
    """The same in a thread of the runner."""
    time.sleep(seconds)


@crew.job("bench_sleep_process", executor="process")
def sleep_in_process(seconds: float) -> None:
    """The same in a runner of its own."""
    time.sleep(seconds)


@crew.job("bench_compute")
def compute(number: int = 0) -> int:
    """Hold the GIL of the process for about a third of a second at a time, three times."""
    return number + sum(sum(range(20_000_000)) for _ in range(3))


@crew.job("bench_says")
async def says(number: int) -> None:
    """Print a line."""
    print(f"job {number} has something to say, as long as a line of a log")
