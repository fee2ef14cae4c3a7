"""Shapes as the strings of SVG: a line of an hour, the seats of a limit, bars on a time axis.

In: numbers. Out: path data and percentages, for the templates. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

SPARK_WIDTH: Final = 118
SPARK_HEIGHT: Final = 26

SEATS_WIDTH: Final = 56
_MOST_SEATS: Final = 8
_GAP: Final = 2.0
_SEAT: Final = 8.0


class Seats(NamedTuple):
    """Path data of places that are taken and free; `track` instead of free ones where there are too many."""

    taken: str
    free: str
    track: str


class Mark(NamedTuple):
    """A round instant, so many per cent from the left."""

    x: float
    text: str


_SHORT: Final = (0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 43_200)
_STEPS: Final = [timedelta(seconds=seconds) for seconds in (*_SHORT, 86_400, 604_800)]


def spark(values: Sequence[float]) -> str:
    """A line through these values, from the left edge to the right one; zero is the bottom."""
    most = max(values, default=0) or 1
    step = SPARK_WIDTH / max(1, len(values) - 1)
    points = [
        f"{place * step:.1f} {SPARK_HEIGHT - 1 - (SPARK_HEIGHT - 3) * value / most:.1f}"
        for place, value in enumerate(values)
    ]
    return "M" + "L".join(points)


def seats(taken: int, places: int) -> Seats:
    """Places at the right end: single ones up to eight, one bar beyond."""
    filled = min(taken, places)
    if places > _MOST_SEATS:
        width = SEATS_WIDTH * filled / places
        return Seats(f"M0 0h{width:.1f}v10H0z" if filled else "", "", f"M0 0h{SEATS_WIDTH}v10H0z")
    size = min(_SEAT, (SEATS_WIDTH - (places - 1) * _GAP) / places) if places else _SEAT
    begin = SEATS_WIDTH - places * size - (places - 1) * _GAP
    lefts = [begin + place * (size + _GAP) for place in range(places)]
    return Seats(
        "".join(f"M{left:.2f} 0h{size:.2f}v10h-{size:.2f}z" for left in lefts[:filled]),
        "".join(f"M{left + 0.5:.2f} .5h{size - 1:.2f}v9h-{size - 1:.2f}z" for left in lefts[filled:]),
        "",
    )


class Axis:
    """A stretch of time as wide as the page allows: instants become per cent of it.

    Args:
        begin, end: its ends; the right one gets some room.
    """

    def __init__(self, begin: datetime, end: datetime) -> None:
        self.begin = begin
        self.length = max(timedelta(milliseconds=100), end - begin) * 1.04

    def at(self, moment: datetime) -> float:
        return round(min(100.0, max(0.0, 100 * ((moment - self.begin) / self.length))), 2)

    def width(self, begin: datetime, end: datetime) -> float:
        """How wide the bar from one to the other is: never so narrow that nobody sees it."""
        return max(0.6, round(self.at(end) - self.at(begin), 2))

    def ticks(self) -> list[datetime]:
        """From four to eight round instants."""
        step = next((step for step in _STEPS if self.length / step <= 7), None) or self.length / 6
        first = self.begin.replace(microsecond=0)
        start = first - (first - first.replace(hour=0, minute=0, second=0)) % step
        marks = (start + count * step for count in range(1, 16))
        last = self.begin + self.length * 0.97
        return [mark for mark in marks if self.begin <= mark <= last]


def marks(axis: Axis) -> list[Mark]:
    """Its round instants, as clocks show them."""
    return [Mark(axis.at(tick), _clock(tick, axis.length)) for tick in axis.ticks()]


def _clock(at: datetime, length: timedelta) -> str:
    if length < timedelta(seconds=4):
        return f"{at:%M:%S}.{at.microsecond // 100_000}"
    if length < timedelta(minutes=10):
        return f"{at:%H:%M:%S}"
    return f"{at:%H:%M}" if length < timedelta(days=1) else f"{at:%d %b}"
