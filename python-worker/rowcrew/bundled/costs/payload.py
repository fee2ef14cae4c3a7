"""The payload of `cost_collection`: which day, which accounts, how many days again.

In: JSON. Out: frozen values, checked. Called by the handler.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta


class CostCollection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """What is collected.

    Attributes:
        date: the day; default: yesterday in UTC, when the job first runs.
        accounts: only these, by id; default: all that are active.
        recollect_days: how many days before it are collected again, because AWS still corrects them.
    """

    date: date | None = None
    accounts: Annotated[tuple[str, ...], Meta(min_length=1, max_length=10_000)] | None = None
    recollect_days: Annotated[int, Meta(ge=0, le=400)] = 3
