"""Present value and internal rate of return of equally spaced cash flows.

In: a rate per period and flows, the first of them now. Out: a value, or a rate per period. Plain floats.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

_FIRST_STEP: Final = 1e-4
_STEP_GROWTH: Final = 1.1
_FARTHEST: Final = 60.0


def net_present_value(rate: float, flows: Sequence[float]) -> float:
    """The sum of the flows, each discounted by its number of periods from now; the first is now."""
    return _discounted(1 / (1 + rate), flows)


def internal_rate_of_return(flows: Sequence[float]) -> float | None:
    """The rate at which the flows are worth nothing; of several the one whose growth factor is nearest to 1.

    None if there is no such rate, as when the flows never change their sign. The search is for the logarithm
    of 1 + rate: outward from 0 in growing steps to the first change of sign, then by halving.
    """
    if not _changes_sign(flows):
        return None
    if _worth(0.0, flows) == 0:
        return 0.0
    for near, far in _brackets():
        if _worth(near, flows) * _worth(far, flows) <= 0:
            return math.expm1(_root(near, far, flows))
    return None


def _changes_sign(flows: Sequence[float]) -> bool:
    return any(flow > 0 for flow in flows) and any(flow < 0 for flow in flows)


def _brackets() -> Iterator[tuple[float, float]]:
    """Neighbouring points on both sides of 0, the nearest to it first."""
    near, far = 0.0, _FIRST_STEP
    while near < _FARTHEST:
        yield near, far
        yield -near, -far
        near, far = far, far * _STEP_GROWTH


def _worth(log_growth: float, flows: Sequence[float]) -> float:
    """A number with the sign of the flows' worth at this rate; from the far end if else it would overflow."""
    if log_growth >= 0:
        return _discounted(math.exp(-log_growth), flows)
    return _discounted(math.exp(log_growth), flows[::-1])


def _discounted(factor: float, flows: Sequence[float]) -> float:
    """The flows' sum, weighted 1, factor, factor² and so on (Horner's scheme)."""
    total = 0.0
    for flow in reversed(flows):
        total = total * factor + flow
    return total


def _root(near: float, far: float, flows: Sequence[float]) -> float:
    """Where the worth between two points of different sign is 0, to the last digit."""
    sign = math.copysign(1.0, _worth(near, flows))
    while (middle := (near + far) / 2) not in (near, far):
        if sign * _worth(middle, flows) > 0:
            near = middle
        else:
            far = middle
    return middle
