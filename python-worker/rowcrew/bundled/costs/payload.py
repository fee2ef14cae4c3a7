"""The payload of `cost_collection`: which day, which accounts, how many days again.

In: JSON. Out: frozen values, checked. Called by the handler.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta


class CostCollection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """What is collected.

    Attributes:
        date: the day; default: the day before the tick, in UTC.
        tick: what a schedule writes, so that a job that runs late, or is made up for, collects its own day;
            default: when the job first runs.
        accounts: only these, by id; default: all that are active.
        recollect_days: how many days before it are collected again, because AWS still corrects them.
    """

    date: date | None = None
    tick: Annotated[datetime, Meta(tz=True)] | None = None
    accounts: Annotated[tuple[str, ...], Meta(min_length=1, max_length=10_000)] | None = None
    recollect_days: Annotated[int, Meta(ge=0, le=400)] = 3


def day_of(payload: CostCollection, yesterday: date) -> date:
    """The day to collect, which the payload may leave open."""
    if payload.date is not None:
        return payload.date
    return yesterday if payload.tick is None else payload.tick.astimezone(UTC).date() - timedelta(days=1)
