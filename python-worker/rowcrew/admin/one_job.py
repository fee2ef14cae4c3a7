"""One job with all that is known of it, for somebody who keeps looking at it.

In: a link and an id. Out: the job, its attempts, why it is where it is, what it said. Called by the monitor.
"""

from __future__ import annotations

from typing import NamedTuple

from rowcrew.admin import jobs
from rowcrew.admin.jobs import Explained, ShownJob
from rowcrew.table import operator
from rowcrew.table.link import Link
from rowcrew.table.rows import Said


class OneJob(NamedTuple):
    """What is known of a job; `said` is what is kept of its lines."""

    shown: ShownJob
    explained: Explained
    said: list[Said]


async def one_job(link: Link, id: int) -> OneJob | None:
    """None when there is no such job."""
    shown, explained = await jobs.show_job(link, id), await jobs.why(link, id)
    if shown is None or explained is None:
        return None
    return OneJob(shown, explained, await operator.job_lines(link, id, 0))
