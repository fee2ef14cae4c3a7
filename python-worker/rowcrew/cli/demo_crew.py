"""The crew of `rowcrew demo shutdown`: a job that ends soon, and one that does not but keeps where it is."""

from __future__ import annotations

import asyncio

from rowcrew import Context, Crew

crew = Crew()


@crew.job("short_work")
async def short_work(context: Context, steps: int) -> int:
    """Take a second for each step."""
    for step in range(1, steps + 1):
        await asyncio.sleep(1)
        context.progress(step, steps)
    return steps


@crew.job("long_work")
async def long_work(context: Context, steps: int) -> int:
    """The same, with a checkpoint after each step: the next attempt goes on from there."""
    first = context.job.checkpoint or 0
    for step in range(first + 1, steps + 1):
        await asyncio.sleep(1)
        context.checkpoint(step)
        context.progress(step, steps)
    return steps
