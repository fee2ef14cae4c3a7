"""The few numbers that stand for many."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def spread(values: Sequence[float], *, digits: int | None = 2) -> dict[str, float]:
    """Median, tails and extremes, as columns of a table; without digits as whole numbers."""
    return {
        "p50": round(statistics.median(values), digits),
        "p95": round(percentile(values, 0.95), digits),
        "p99": round(percentile(values, 0.99), digits),
        "lowest": round(min(values), digits),
        "highest": round(max(values), digits),
        "samples": len(values),
    }
