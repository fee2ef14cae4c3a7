"""How long runs took and jobs waited, as counts in buckets that each end a tenth above the one before.

In: seconds. Out: the number of a bucket, and percentiles of many. Buckets add up, over workers, minutes and
types, which no list of percentiles does. Counted by `model/tally.py`, read by `model/pace.py`.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Final

GROWTH: Final = 1.1
FIRST_SECONDS: Final = 0.001
"""Bucket 0 holds everything up to here, bucket n up to this times GROWTH to the power of n."""

# In the last bucket is whatever lasts longer than a thousand years.
_ENDS: Final = [*(FIRST_SECONDS * GROWTH**bucket for bucket in range(328)), math.inf]


def bucket_of(seconds: float) -> int:
    """The bucket that counts so many seconds."""
    return bisect_left(_ENDS, seconds)


def count_in(counts: MutableMapping[int, int], times: Iterable[float]) -> None:
    """Count each of these in its bucket.

    Every job comes by here twice. Times of one batch are much alike: sorted, they need a search for each
    bucket and none for each job.
    """
    ordered = sorted(times)
    begin = 0
    while begin < len(ordered):
        bucket = bucket_of(ordered[begin])
        end = bisect_right(ordered, _ENDS[bucket], begin)
        counts[bucket] = counts.get(bucket, 0) + end - begin
        begin = end


def seconds_of(bucket: int) -> float:
    """The seconds that stand for a bucket: of bucket 0 its end, else at most 4.8 % from all it holds."""
    if bucket == 0:
        return FIRST_SECONDS
    return FIRST_SECONDS * 2 / (1 + GROWTH) * GROWTH**bucket


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
