"""What somebody who watches asks again and again: a function for each statement in `sql/looks/`, by its name.

In: a link. Out: rows with names. None reads history without a bound, and none counts it: each is asked every
few seconds while a screen is open. Called by `admin/looks.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from rowcrew.model.database import IndexLook, ReceiverLook, ServerLook, SettingLook, TableLook
from rowcrew.model.standing import QueueLook
from rowcrew.model.status import Status
from rowcrew.model.tally import RunOutcome
from rowcrew.table.link import Link
from rowcrew.table.rows import ListedJob, ReasonCount, Row
from rowcrew.table.statements import SQL

LOOK_SECONDS: Final = 5.0
"""The deadline of a call; the server's own is shorter."""


class Search(msgspec.Struct, frozen=True):
    """Which jobs a page is of; None = any. A key is a unique key or a concurrency key.

    Attributes:
        since: created after this moment, or within so long.
        texts: what the payload contains, all of them, whatever the case of their letters.
    """

    statuses: tuple[Status, ...] | None = None
    types: tuple[str, ...] | None = None
    queues: tuple[str, ...] | None = None
    keys: tuple[str, ...] | None = None
    since: datetime | timedelta | None = None
    texts: tuple[str, ...] | None = None


class PagedJob(ListedJob, frozen=True):
    """One job of a page; its keys are what it may be searched by."""

    unique_key: str | None
    concurrency_key: str | None


class EndedRuns(Row, frozen=True):
    """What one worker counted in one minute: runs of a queue and type with one outcome."""

    ends_at: datetime
    worker_id: int
    queue: str
    type: str
    outcome: RunOutcome
    count: int
    run_seconds: float
    run_buckets: list[int]
    run_counts: list[int]
    wait_seconds: float
    wait_buckets: list[int]
    wait_counts: list[int]


class Departure(Row, frozen=True):
    """A worker that left or was lost; no queue named = it served all."""

    id: int
    queues: list[str]
    reason: str
    left_at: datetime


class HeldJob(Row, frozen=True):
    """A job at work, and for how long it has been."""

    id: int
    queue: str
    type: str
    worker: str | None
    run_seconds: float | None


class SeenError(Row, frozen=True):
    """Jobs of one type that met the same error, whatever figures stand in its message.

    Attributes:
        message: of the newest of them.
        jobs, failed: how many met it, and how many of these failed for good.
        first_seconds, last_seconds: since the first and the last of them.
    """

    type: str
    message: str
    jobs: int
    failed: int
    last_job_id: int
    first_seconds: float
    last_seconds: float


class Launch(Row, frozen=True):
    """A worker that a spawner has started; no queue named = it serves all."""

    id: int
    queues: list[str]
    launched_at: datetime


class Act(Row, frozen=True):
    """What somebody did over HTTP, to whom."""

    id: int
    created_at: datetime
    kind: str
    subject: str
    actor: str
    role: str


class WatchedJob(Row, frozen=True):
    """How a job stands that somebody watches, and what it has said: a JSON array of `Said`.

    Attributes:
        after: the row of `job_logs` after which was asked.
    """

    id: int
    after: int
    type: str
    queue: str
    status: Status
    attempts: int
    max_attempts: int
    progress: msgspec.Raw | None
    error_message: str | None
    run_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    updated_at: datetime
    lines: msgspec.Raw


async def newest_id(link: Link, *, top: int) -> int | None:
    ((id,),) = await _fetch(link, "newest_id", {"top": top})
    return None if id is None else int(id)


async def list_page(link: Link, search: Search, *, top: int, bottom: int, limit: int) -> list[PagedJob]:
    """The newest jobs from `top` down to `bottom`."""
    return [_paged(row) for row in await _fetch(link, "list_page", _between(search, top, bottom, limit))]


async def list_ids(link: Link, search: Search, *, top: int, bottom: int, limit: int) -> list[int]:
    """The ids of the jobs that `list_page` would list."""
    return [id for (id,) in await _fetch(link, "list_ids", _between(search, top, bottom, limit))]


async def look_at_queues(link: Link) -> list[QueueLook]:
    return [QueueLook(*row) for row in await _fetch(link, "look_at_queues", {})]


async def look_at_reasons(link: Link) -> list[ReasonCount]:
    return [ReasonCount(*row) for row in await _fetch(link, "look_at_reasons", {})]


async def launches(link: Link, *, since: datetime) -> list[Launch]:
    return [Launch(*row) for row in await _fetch(link, "launches", {"since": since})]


async def watch_jobs(link: Link, *, jobs: Sequence[int], afters: Sequence[int]) -> list[WatchedJob]:
    """Those of the jobs that are there; `afters` has a row of `job_logs` for each."""
    rows = await _fetch(link, "watch_jobs", {"jobs": list(jobs), "afters": list(afters)})
    return [_watched(row) for row in rows]


async def ended_runs(link: Link, *, since: datetime) -> list[EndedRuns]:
    return [EndedRuns(*row) for row in await _fetch(link, "ended_runs", {"since": since})]


async def departures(link: Link, *, since: datetime) -> list[Departure]:
    return [Departure(*row) for row in await _fetch(link, "departures", {"since": since})]


async def held_jobs(link: Link) -> list[HeldJob]:
    return [HeldJob(*row) for row in await _fetch(link, "held_jobs", {})]


async def look_at_errors(link: Link) -> list[SeenError]:
    return [SeenError(*row) for row in await _fetch(link, "look_at_errors", {})]


async def look_at_tables(link: Link, *, tables: Sequence[str]) -> list[TableLook]:
    return [TableLook(*row) for row in await _fetch(link, "look_at_tables", {"tables": list(tables)})]


async def look_at_indexes(link: Link, *, tables: Sequence[str]) -> list[IndexLook]:
    return [IndexLook(*row) for row in await _fetch(link, "look_at_indexes", {"tables": list(tables)})]


async def look_at_server(link: Link) -> ServerLook:
    (row,) = await _fetch(link, "look_at_server", {})
    return ServerLook(*row)


async def look_at_receivers(link: Link) -> list[ReceiverLook]:
    return [ReceiverLook(*row) for row in await _fetch(link, "look_at_receivers", {})]


async def look_at_settings(link: Link, *, names: Sequence[str]) -> list[SettingLook]:
    return [SettingLook(*row) for row in await _fetch(link, "look_at_settings", {"names": list(names)})]


async def list_acts(link: Link, *, limit: int) -> list[Act]:
    """What people did, newest first."""
    return [Act(*row) for row in await _fetch(link, "list_acts", {"limit": limit})]


async def _fetch(link: Link, name: str, parameters: dict[str, Any]) -> list[Any]:
    return await link.fetch(SQL[f"looks/{name}"], parameters, LOOK_SECONDS)


def _between(search: Search, top: int, bottom: int, limit: int) -> dict[str, Any]:
    return {
        "top": top,
        "bottom": bottom,
        "statuses": _array(search.statuses),
        "types": _array(search.types),
        "queues": _array(search.queues),
        "keys": _array(search.keys),
        "since": search.since if isinstance(search.since, datetime) else None,
        "withinSeconds": search.since.total_seconds() if isinstance(search.since, timedelta) else None,
        "patterns": _array([_pattern(text) for text in search.texts or ()]),
        "limit": limit,
    }


def _pattern(text: str) -> str:
    """The text as it stands in JSON, wherever it stands there."""
    there = json.dumps(text, ensure_ascii=False)[1:-1]
    return "%{}%".format(re.sub(r"([\\%_])", r"\\\1", there))


def _array(values: Sequence[str] | None) -> list[str] | None:
    return list(values) if values else None


def _paged(row: Sequence[Any]) -> PagedJob:
    values = list(row)
    if values[7] is not None:
        values[7] = msgspec.Raw(values[7])
    return PagedJob(*values)


def _watched(row: Sequence[Any]) -> WatchedJob:
    values = list(row)
    for place in (7, 13):
        if values[place] is not None:
            values[place] = msgspec.Raw(values[place])
    return WatchedJob(*values)
