"""Charts that share a page: as many as it holds, stretched to fill it.

In: how a chart and its heading are made for a height, and how many such charts follow. Out: flowables. Called
by `pages` for sections that are a chart and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from reportlab.platypus import Flowable

_LEAST: Final = 118.0
_USUAL: Final = 168.0
_MOST: Final = 205.0
# What rounding may cost.
_SLACK: Final = 1.0

Made = Callable[[float], list[Flowable]]


class SharedPage(Flowable):
    """A chart whose height is known only when its place on a page is; splits into heading and drawing.

    Args:
        around: how high all of it is but the plot.
        following: how many charts with the same around follow it.
    """

    def __init__(self, made: Made, around: float, following: int) -> None:
        super().__init__()
        self._made = made
        self._around = around
        self._following = following

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:
        """More than any page has, so that `split` is asked."""
        return available_width, available_height + 1

    def split(self, _available_width: float, available_height: float) -> list[Flowable]:
        """The chart in its height; nothing if it finds no room here."""
        room = int((available_height - _SLACK) // (self._around + _LEAST))
        if room < 1:
            return []
        together = min(room, self._following + 1)
        height = (available_height - _SLACK) / together - self._around
        return self._made(min(height, _MOST if self._following else _USUAL))

    def draw(self) -> None:
        """Never called: `wrap` always asks for a split."""
