"""What somebody who watches asks again and again: a function for each statement in `sql/looks/`, by its name.

In: a link. Out: rows with names. None reads history without a bound, and none counts it: each is asked every
few seconds while a screen is open. Called by `admin/looks.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from rowcrew.model.standing import QueueLook
from rowcrew.model.status import Status
from rowcrew.table.link import Link
from rowcrew.table.rows import ListedJob, ReasonCount
from rowcrew.table.statements import SQL

LOOK_SECONDS: Final = 5.0
"""The deadline of a call; the server's own is shorter."""


class PagedJob(ListedJob, frozen=True):
    """One job of a page; its keys are what it may be searched by."""

    unique_key: str | None
    concurrency_key: str | None


async def newest_id(link: Link, *, top: int) -> int | None:
    ((id,),) = await _fetch(link, "newest_id", {"top": top})
    return None if id is None else int(id)


async def list_page(
    link: Link,
    *,
    top: int,
    bottom: int,
    statuses: Sequence[Status] | None,
    types: Sequence[str] | None,
    queues: Sequence[str] | None,
    keys: Sequence[str] | None,
    limit: int,
) -> list[PagedJob]:
    """The newest jobs from `top` down to `bottom`; None = any. A key is a unique or a concurrency key."""
    parameters = {
        "top": top,
        "bottom": bottom,
        "statuses": _array(statuses),
        "types": _array(types),
        "queues": _array(queues),
        "keys": _array(keys),
        "limit": limit,
    }
    return [_paged(row) for row in await _fetch(link, "list_page", parameters)]


async def look_at_queues(link: Link) -> list[QueueLook]:
    return [QueueLook(*row) for row in await _fetch(link, "look_at_queues", {})]


async def look_at_reasons(link: Link) -> list[ReasonCount]:
    return [ReasonCount(*row) for row in await _fetch(link, "look_at_reasons", {})]


async def _fetch(link: Link, name: str, parameters: dict[str, Any]) -> list[Any]:
    return await link.fetch(SQL[f"looks/{name}"], parameters, LOOK_SECONDS)


def _array(values: Sequence[str] | None) -> list[str] | None:
    return list(values) if values else None


def _paged(row: Sequence[Any]) -> PagedJob:
    values = list(row)
    if values[7] is not None:
        values[7] = msgspec.Raw(values[7])
    return PagedJob(*values)
