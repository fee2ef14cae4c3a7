"""Announcements that were read, newest first, for whoever lists them.

In: a function that sends a statement. Out: rows. Called by the web.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from rowcrew.bundled.announcements.statements import SQL

Fetch = Callable[[str, Mapping[str, Any]], Awaitable[Sequence[Sequence[Any]]]]


class ListedAnnouncement(msgspec.Struct, frozen=True, rename="camel"):
    """One announcement; `processed` is all that was found in it."""

    id: int
    corp_id: str
    exchange: str
    company_name: str
    security_id: str
    isin: str
    subject: str
    category: str
    headline: str
    summary: str
    sentiment: str
    announced_at: datetime | None
    processed: msgspec.Raw
    created_at: datetime
    updated_at: datetime


async def list_announcements(
    fetch: Fetch, *, symbol: str | None, before: int | None, limit: int
) -> list[ListedAnnouncement]:
    """The newest below an id, of one security or of all (None)."""
    rows = await fetch(SQL["list_announcements"], {"symbol": symbol, "before": before, "limit": limit})
    return [_listed(row) for row in rows]


def _listed(row: Sequence[Any]) -> ListedAnnouncement:
    values = list(row)
    values[12] = msgspec.Raw(values[12])
    return ListedAnnouncement(*values)
