"""What runs have said: a function for each statement in `sql/job_lines/`, by its name.

In: a link, and what was said as JSON. Out: rows beside the jobs. Called by the road, and by the chore that
deletes what has no job.
"""

from __future__ import annotations

from rowcrew.table.link import CHORE_SECONDS, Link
from rowcrew.table.retention import Walked
from rowcrew.table.statements import SQL


async def keep_lines(link: Link, *, pieces: str, most_bytes: int, most_lines: int) -> list[int]:
    """Keep a JSON array of what runs have said; the jobs that have more by now than these bounds."""
    parameters = {"pieces": pieces, "most_bytes": most_bytes, "most_lines": most_lines}
    return [id for (id,) in await link.fetch(SQL["job_lines/keep_lines"], parameters, CHORE_SECONDS)]


async def trim_lines(link: Link, *, jobs: list[int], most_bytes: int, most_lines: int) -> None:
    parameters = {"jobs": jobs, "most_bytes": most_bytes, "most_lines": most_lines}
    await link.fetch(SQL["job_lines/trim_lines"], parameters, CHORE_SECONDS)


async def sweep_lines(link: Link, *, after: int, batch: int) -> Walked:
    """Look at the next `batch` rows of jobs after this id."""
    (row,) = await link.fetch(SQL["job_lines/sweep_lines"], {"after": after, "batch": batch}, CHORE_SECONDS)
    return Walked(*row)
