"""One frame of the monitor, as plain text or as a document: queues, workers, the newest jobs.

In: a picture of this moment, and how wide the terminal is. Out: lines that fit it, or values by the names of
columns. Called by `rowcrew monitor --once`, which needs no Textual.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec

from rowcrew.admin import looks
from rowcrew.admin.link import looking
from rowcrew.admin.now import Now, now
from rowcrew.model.terminal_text import one_line, padded, width
from rowcrew.monitor.rows import job_table, queue_table, worker_table
from rowcrew.monitor.table import lines
from rowcrew.monitor.words import amount, count, size
from rowcrew.table.link import Link
from rowcrew.table.looks import Search
from rowcrew.table.rows import ListedJob

_NEWEST: Final = 10


class Picture(msgspec.Struct, frozen=True):
    """What one frame shows; `at` is the database's moment."""

    at: datetime
    now: Now
    jobs: list[ListedJob]


async def picture(link: Link) -> Picture:
    async with looking(link):
        page = await looks.page(link, Search(), before=None, limit=_NEWEST)
        return Picture(await looks.now(link), await now(link), list(page.jobs))


def frame(seen: Picture, room: int) -> list[str]:
    """The frame in lines of at most so many columns."""
    told = [one_line(seen.now.sentence), totals(seen.now)]
    for table in (
        queue_table(seen.now.queues, room),
        worker_table(seen.now.workers, room),
        job_table(seen.jobs, room),
    ):
        if table.rows:
            told += ["", *lines(table, room)]
    return [_cut(line, room) for line in told]


def document(seen: Picture) -> dict[str, Any]:
    """The frame for programs."""
    return {
        "at": seen.at,
        "sentence": seen.now.sentence,
        "queues": seen.now.queues,
        "workers": seen.now.workers,
        "jobs": seen.jobs,
        "cpuPercent": seen.now.cpu_percent,
        "memoryBytes": seen.now.memory_bytes,
    }


def totals(now: Now) -> str:
    """`1,604 ready · 47 at work · 7 workers, 96 slots · CPU 212 % · 3.1 GiB`."""
    ready = amount(sum(queue.ready for queue in now.queues))
    more = "+" if any(queue.more for queue in now.queues) else ""
    working = sum(queue.processing for queue in now.queues)
    slots = sum(worker.slots for worker in now.live)
    return (
        f"{ready}{more} ready · {working:,} at work"
        f" · {count(len(now.live), 'worker')}, {count(slots, 'slot')}"
        f" · CPU {now.cpu_percent:.0f} % · {size(now.memory_bytes)}"
    )


def _cut(line: str, room: int) -> str:
    return line if width(line) <= room else padded(line, room, False)
