"""How long runs took and jobs waited, as counts in buckets that each end a tenth above the one before.

In: seconds. Out: the number of a bucket, and percentiles of many. Buckets add up, over workers, minutes and
types, which no list of percentiles does. Counted by `model/tally.py`, read by `model/pace.py`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

GROWTH: Final = 1.1
FIRST_SECONDS: Final = 0.001
"""Bucket 0 holds everything up to here, bucket n up to this times GROWTH to the power of n."""

_PER_LOG: Final = 1 / math.log(GROWTH)
_FIRST: Final = math.log(FIRST_SECONDS) * _PER_LOG


def bucket_of(seconds: float) -> int:
    """The bucket that counts so many seconds."""
    if seconds <= FIRST_SECONDS:
        return 0
    return math.ceil(math.log(seconds) * _PER_LOG - _FIRST)


def seconds_of(bucket: int) -> float:
    """The seconds that stand for a bucket: of bucket 0 its end, else at most 4.8 % from all it holds."""
    if bucket == 0:
        return FIRST_SECONDS
    return FIRST_SECONDS * 2 / (1 + GROWTH) * math.exp(bucket / _PER_LOG)


def percentile(counts: Mapping[int, int], share: float) -> float | None:
    """The least value that this share of all values does not exceed; None where nothing was counted.

    Args:
        counts: how many values each bucket holds.
        share: 0.95 for the 95th percentile.
    """
    left = math.ceil(share * sum(counts.values()))
    for bucket in sorted(counts):
        left -= counts[bucket]
        if left <= 0 and counts[bucket]:
            return seconds_of(bucket)
    return None
