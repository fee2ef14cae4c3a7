"""What an anomaly consists of: the share of each usage type, asked of Cost Explorer for anomalies alone.

In: the finding and the account's Cost Explorer. Out: shares, the largest first. Called by `collecting`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from rowcrew.bundled.costs.cost_explorer import Cost, CostExplorer
from rowcrew.bundled.costs.kept import UsageShare, text

_WEEK: Final = 7
_MOST_SHARES: Final = 20
_CENTS_OF_CENTS: Final = Decimal("0.0001")


def usage_shares(explorer: CostExplorer, service: str, day: date) -> list[UsageShare]:
    """The usage types of a service on a day, with what each cost in the week before.

    Raises:
        AccountFailed: Cost Explorer refuses or is not to be had.
        RunStopped: the run was cancelled.
    """
    return shares_of(explorer.by_usage_type(service, day - timedelta(days=_WEEK), day), day)


def shares_of(costs: Iterable[Cost], day: date) -> list[UsageShare]:
    """The shares in a day's costs; the other costs are those of the week before."""
    on_the_day: dict[str, Decimal] = defaultdict(Decimal)
    before: dict[str, Decimal] = defaultdict(Decimal)
    for cost in costs:
        (on_the_day if cost.day == day else before)[cost.name] += cost.amount
    spent = sum((amount for amount in on_the_day.values() if amount > 0), Decimal())
    names = sorted({*on_the_day, *before}, key=lambda name: (-abs(on_the_day[name]), name))
    return [
        UsageShare(
            name,
            text(on_the_day[name]),
            round(float(max(on_the_day[name], Decimal()) / spent), 4) if spent else 0.0,
            text((before[name] / _WEEK).quantize(_CENTS_OF_CENTS)),
        )
        for name in names[:_MOST_SHARES]
    ]
