"""Parts of a document as text: what pages and slides print alike.

In: tables and figures with their numbers. Out: cells, which columns stand beside each other, and text
without what no renderer can draw.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from rowcrew.bundled.documents.document import Column, Figure, Section, Table, columns_of
from rowcrew.bundled.documents.number_format import (
    MINUS,
    NOT_APPLICABLE,
    NumberFormat,
    natural_decimals,
    percent_decimals,
)

# Of a series in a legend; longer names are cut.
LONGEST_NAME: Final = 40
# Points in an inch.
POINTS: Final = 72.0
_WIDE: Final = ("W", "F")


class Written(msgspec.Struct, frozen=True):
    """A table whose numbers are text.

    Attributes:
        negative: of each row, the columns whose number is below zero.
        bold: the rows that are totals.
    """

    columns: tuple[Column, ...]
    rows: list[list[str]]
    negative: list[set[int]]
    bold: frozenset[int]

    def wraps(self, place: int) -> bool:
        """Whether a column holds texts, which stand left and may take several lines."""
        return self.columns[place].format == "text"


def written(table: Table, numbers: NumberFormat) -> Written:
    """The table's cells as they are printed; a column of numbers has the same decimals throughout."""
    columns = columns_of(table)
    decimals = [_decimals(table, column, place) for place, column in enumerate(columns)]
    rows = [
        [
            _text(cell, column, places, numbers)
            for cell, column, places in zip(row, columns, decimals, strict=True)
        ]
        for row in table.rows
    ]
    numeric = [place for place, column in enumerate(columns) if column.format != "text"]
    negative = [{place for place in numeric if row[place].startswith(MINUS)} for row in rows]
    return Written(columns, rows, negative, frozenset(table.bold_rows))


def figure_text(figure: Figure, numbers: NumberFormat) -> str:
    """A figure's value as it is printed."""
    if figure.value is None:
        return NOT_APPLICABLE
    if isinstance(figure.value, str):
        return figure.value
    return numbers.value(figure.value, figure.format, figure.decimals)


def is_negative(figure: Figure, numbers: NumberFormat) -> bool:
    """Whether the figure is printed with a minus: -0.004 as money is not."""
    return not isinstance(figure.value, str) and figure_text(figure, numbers).startswith(MINUS)


def column_groups(
    wishes: Sequence[float], least: Sequence[float], width: float
) -> list[tuple[list[int], list[float]]]:
    """Which columns stand beside each other, and how wide each is; the first column begins every group.

    Args:
        wishes: for each column the width at which nothing in it wraps.
        least: the width it needs at least, not more than the wish.
        width: what the columns of a group have together.
    """
    groups: list[list[int]] = [[0]]
    for place in range(1, len(wishes)):
        if sum(least[other] for other in groups[-1]) + least[place] > width and len(groups[-1]) > 1:
            groups.append([0])
        groups[-1].append(place)
    even = _even_groups(len(wishes), len(groups))
    if all(sum(least[place] for place in group) <= width for group in even):
        groups = even
    return [(places, _widths(places, wishes, least, width)) for places in groups]


def _even_groups(columns: int, groups: int) -> list[list[int]]:
    """As many columns in every group, so that no last column stands alone."""
    size = max(1, -(-(columns - 1) // groups))
    starts = range(1, columns, size) if columns > 1 else range(1, 2)
    return [[0, *range(start, min(start + size, columns))] for start in starts]


def _widths(places: list[int], wishes: Sequence[float], least: Sequence[float], width: float) -> list[float]:
    """Every column gets the least it needs; texts share the rest, up to what they wish.

    A further rest makes all columns wider alike.
    """
    given = {place: least[place] for place in places}
    spare = width - sum(given.values())
    wanting = {place: wishes[place] - least[place] for place in places if wishes[place] > least[place]}
    wanted = sum(wanting.values())
    for place, more in wanting.items():
        given[place] += more * min(1.0, max(spare, 0.0) / wanted)
    stretch = width / sum(given.values())
    return [given[place] * stretch for place in places]


def chart_title(section: Section) -> str:
    """The title of the section's chart; nothing where the heading says the same."""
    chart = section.chart
    if chart is None or " ".join(chart.title.split()) == " ".join(section.heading.split()):
        return ""
    return chart.title


def cleaned(text: str) -> str:
    """The text without control characters, which XML cannot hold."""
    return "".join(
        character
        for character in text
        if character == "\n" or unicodedata.category(character) not in ("Cc", "Cs", "Cn")
    )


def is_right_to_left(text: str) -> bool:
    """Whether a paragraph begins at the right: its first letter is Hebrew, Arabic or alike."""
    directions = (unicodedata.bidirectional(character) for character in text)
    return next((each for each in directions if each in ("L", "R", "AL")), "L") != "L"


def ems(text: str) -> float:
    """About how wide a line of text is, in units of its font's size; rather too wide than too narrow."""
    return sum(1.0 if unicodedata.east_asian_width(character) in _WIDE else 0.54 for character in text)


def _decimals(table: Table, column: Column, place: int) -> int | None:
    if column.decimals is not None or column.format not in ("number", "percent"):
        return column.decimals
    cells = (row[place] for row in table.rows)
    numbers = [cell for cell in cells if isinstance(cell, int | float)]
    return natural_decimals(numbers) if column.format == "number" else percent_decimals(numbers)


def _text(cell: Any, column: Column, decimals: int | None, numbers: NumberFormat) -> str:
    if cell is None:
        return NOT_APPLICABLE if column.format != "text" else ""
    if isinstance(cell, str):
        return cell
    return numbers.value(cell, column.format or "number", decimals)
