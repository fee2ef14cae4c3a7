"""Figures as tiles: how many stand beside each other, how large their values are, and what is cut.

In: figures, how numbers are written, the width of all tiles of a row, and sizes. Out: rows of tiles, the same
on pages and slides. Called by what draws documents.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from rowcrew.bundled.documents.document import Figure
from rowcrew.bundled.documents.lines import lines_within
from rowcrew.bundled.documents.number_format import NumberFormat
from rowcrew.bundled.documents.written import figure_text, is_negative

_BESIDE: Final = 4
_MOST_LINES: Final = 2
_LEAST_NUMBER: Final = 5.0

Measure = Callable[[str, float], float]


class TileStyle(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes of the texts in points; gaps and padding in the unit of the width.

    Attributes:
        values: from the largest; a value in more than one line has the least, or less if it is a number.
        padding: what a tile's texts leave of its width.
        spare: how much wider than measured a value may turn out.
    """

    label: float
    values: tuple[float, ...]
    note: float
    gap: float
    padding: float
    spare: float = 1.0


class Tile(msgspec.Struct, frozen=True, kw_only=True):
    """A figure's texts, each in its lines."""

    label: list[str]
    value: list[str]
    note: list[str]
    size: float
    is_negative: bool


class TileRow(msgspec.Struct, frozen=True):
    """Tiles beside each other, and how wide each is."""

    tiles: list[Tile]
    width: float


def tile_rows(
    figures: Sequence[Figure], numbers: NumberFormat, width: float, style: TileStyle, measure: Measure
) -> list[TileRow]:
    """The figures in rows of about as many each: nine are three times three."""
    if not figures:
        return []
    beside = beside_each_other(len(figures))
    tile_width = (width - style.gap * (beside - 1)) / beside
    tiles = [_tile(figure, numbers, tile_width - style.padding, style, measure) for figure in figures]
    return [TileRow(tiles[start : start + beside], tile_width) for start in range(0, len(tiles), beside)]


def beside_each_other(figures: int) -> int:
    """How many tiles a row has, in as few rows as they need."""
    return -(-figures // -(-figures // _BESIDE))


def _tile(figure: Figure, numbers: NumberFormat, room: float, style: TileStyle, measure: Measure) -> Tile:
    def lines(text: str, size: float) -> list[str]:
        return lines_within(text, room, _MOST_LINES, lambda line: measure(line, size))

    text = " ".join(figure_text(figure, numbers).split()) or " "
    fitting = (size for size in style.values if measure(text, size) * style.spare <= room)
    size = next(fitting, style.values[-1])
    if not isinstance(figure.value, str):  # half a number is another number: it shrinks, and is never cut
        while size > _LEAST_NUMBER and " ".join(lines(text, size * style.spare)) != text:
            size -= 0.5
    return Tile(
        label=lines(figure.label, style.label),
        value=lines(text, size) or [text],
        note=lines(figure.note, style.note),
        size=size,
        is_negative=is_negative(figure, numbers),
    )
