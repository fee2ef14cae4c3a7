"""The address of a list of jobs: what is asked, and the tabs and pages made of it.

In: a search, the columns that were chosen, and where a page begins. Out: links. Called by the list of jobs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlencode

import msgspec

from rowcrew.admin.now import Now
from rowcrew.admin.search import spelled
from rowcrew.model.status import STATUSES, Status
from rowcrew.table.looks import Search


class Tab(NamedTuple):
    """A status as a link that keeps the rest of the search."""

    title: str
    asked: str
    is_current: bool
    number: str


def asked(search: Search, columns: Sequence[str], before: int | None = None) -> str:
    """The part of the address behind the path."""
    said: dict[str, str | list[str]] = {"q": text} if (text := spelled(search)) else {}
    if columns:
        said["column"] = list(columns)
    if before is not None:
        said["before"] = str(before)
    return f"?{urlencode(said, doseq=True)}" if said else ""


def tabs(search: Search, columns: Sequence[str], now: Now | None) -> list[Tab]:
    everything = msgspec.structs.replace(search, statuses=None)
    shown = [Tab("All", asked(everything, columns), not search.statuses, "")]
    for status in STATUSES:
        narrowed = asked(msgspec.structs.replace(search, statuses=(status,)), columns)
        is_current = search.statuses == (status,)
        shown.append(Tab(status.capitalize(), narrowed, is_current, _number(status, search, now)))
    return shown


def _number(status: Status, search: Search, now: Now | None) -> str:
    """How many live jobs the last look at all queues saw; ended ones are never counted."""
    if now is None or search.types or search.keys or status not in ("queued", "processing"):
        return ""
    queues = [queue for queue in now.queues if not search.queues or queue.queue in search.queues]
    if status == "processing":
        return f"{sum(queue.processing for queue in queues):,}"
    number = sum(queue.ready + queue.delayed + queue.waiting for queue in queues)
    return f"{number:,}{'+' if any(queue.more for queue in queues) else ''}"
