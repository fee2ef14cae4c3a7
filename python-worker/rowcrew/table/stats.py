"""What workers have counted: a function for each statement in `sql/stats/`, by its name.

In: a link, and counts as JSON. Out: rows of `job_stats`. Called by the chores that write and merge them.
"""

from __future__ import annotations

from datetime import datetime

from rowcrew.table.link import CHORE_SECONDS, Link
from rowcrew.table.statements import SQL


async def moment(link: Link) -> datetime:
    ((moment,),) = await link.fetch(SQL["stats/moment"], {}, CHORE_SECONDS)
    assert isinstance(moment, datetime)
    return moment


async def write_stats(link: Link, *, moment: datetime, worker: int, counts: str) -> None:
    """`counts` is a JSON array with one object for each row of `job_stats`, by column name."""
    parameters = {"moment": moment, "worker": worker, "counts": counts}
    await link.fetch(SQL["stats/write_stats"], parameters, CHORE_SECONDS, size=len(counts))


async def merge_stats(link: Link, *, short: int, long: int, unit: str, keep: int) -> int:
    """How many rows there are instead.

    Args:
        short, long: the spans in seconds; `unit` is the longer one as `date_trunc` calls it.
        keep: for how many seconds short spans stay.
    """
    parameters = {"short": short, "long": long, "unit": unit, "keep": keep}
    return len(await link.fetch(SQL["stats/merge_stats"], parameters, CHORE_SECONDS))


async def prune_stats(link: Link) -> None:
    await link.fetch(SQL["stats/prune_stats"], {}, CHORE_SECONDS)
