"""Short words for narrow columns: amounts, ages, rates, bars.

In: numbers. Out: text of a few columns. Called by the tables of the monitor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Final

from rowcrew.model.duration import duration
from rowcrew.model.remedy import Remedy

Worded = Callable[[Iterable[Remedy]], str]
"""Remedies in the words of the command line, which hands them in."""

_BARS: Final = "▁▂▃▄▅▆▇█"


def amount(number: int, more: bool = False) -> str:
    """`1,284`, and `10k+` where the counting stopped there."""
    if more:
        return f"{number // 1000}k+" if number >= 1000 else f"{number}+"
    return f"{number:,}" if number < 100_000 else f"{number // 1000:,}k"


def brief(seconds: float | None) -> str:
    """The largest unit alone: `41 s`, `3 min`, `2 d`."""
    if seconds is None:
        return ""
    return f"{max(0.0, seconds):.0f} s" if seconds < 9.95 else " ".join(duration(seconds).split()[:2])


def rate(per_minute: float) -> str:
    """`0.4`, `61`, `1.2k`."""
    if per_minute >= 9_999.5:
        return f"{per_minute / 1000:.0f}k"
    return f"{per_minute:.0f}" if per_minute >= 9.95 or not per_minute else f"{per_minute:.1f}"


def size(bytes: int | None) -> str:
    """`164 MiB`, `3.1 GiB`."""
    if bytes is None:
        return ""
    mebibytes = bytes / 2**20
    return f"{mebibytes:.0f} MiB" if mebibytes < 1000 else f"{mebibytes / 1024:.1f} GiB"


def percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0f} %"


def bars(values: Sequence[int], columns: int) -> str:
    """The values as a row of bars, the highest as high as a line; a blank where there was nothing."""
    sums = _merged(values, columns)
    most = max(sums, default=0)
    return "".join(_BARS[-(-8 * one // most) - 1] if one else " " for one in sums)


def count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _merged(values: Sequence[int], columns: int) -> list[int]:
    """As many sums as there are columns, each of values that stand side by side."""
    edges = [place * len(values) // columns for place in range(columns + 1)]
    return [sum(values[begin:end]) for begin, end in pairwise(edges)]
