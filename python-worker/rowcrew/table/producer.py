"""What producers ask of the table: one function for each statement in `sql/producer/`, of the same name."""

from __future__ import annotations

from typing import NamedTuple

from rowcrew.table.link import Link
from rowcrew.table.statements import SQL


class EnqueuedJob(NamedTuple):
    """A job that was inserted: its id, type and unique key."""

    id: int
    type: str
    unique_key: str | None


async def enqueue(link: Link, jobs: str) -> list[EnqueuedJob]:
    """Insert jobs, a JSON array; those whose unique key is taken are left out."""
    return [EnqueuedJob(*row) for row in await link.fetch(SQL["producer/enqueue"], {"jobs": jobs})]
