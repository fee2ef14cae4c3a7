"""The crew of `rowcrew demo shutdown` and `rowcrew demo ephemeral`: jobs that end when they are told to.

One ends soon, one does not but keeps where it is, one ends when the demonstration has seen it at work.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from rowcrew import Context, Crew
from rowcrew.bundled.files.settings import FileSettings

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


@crew.job("work_until")
def work_until(seen: str) -> None:
    """Work until the demonstration has left a file that says what it has seen."""
    file = (FileSettings.read().data_directory or Path()) / seen
    while not file.exists():
        time.sleep(0.1)
