"""A table before anybody draws it: columns, and rows of cells that have a tone.

In: what `rows` makes of answers. Out: widths that fit a room, and lines of plain text. Called by the frame,
and by the widget that shows tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from rowcrew.model.terminal_text import fitted, padded, width

Tone = Literal["ink", "dim", "good", "work", "warn", "bad", "strong"]

GAP: Final = 2


class Cell(NamedTuple):
    """A text of one line, and what its colour means."""

    text: str
    tone: Tone = "ink"


class Column(NamedTuple):
    """A column: its name, and what happens to it where room is scarce."""

    name: str
    right: bool = False
    gives_way: bool = False


class Row(NamedTuple):
    """A row; `key` tells it from others whenever it is drawn."""

    key: str
    cells: Sequence[Cell]


class Table(NamedTuple):
    """Columns and rows, in the order in which they are shown."""

    columns: Sequence[Column]
    rows: Sequence[Row]

    def needs(self) -> list[int]:
        """How wide each column would like to be."""
        texts = [[column.name] for column in self.columns]
        for row in self.rows:
            for column, cell in zip(texts, row.cells, strict=True):
                column.append(cell.text)
        return [max(map(width, column)) for column in texts]


def widths(table: Table, room: int) -> list[int]:
    """How wide each column is in so many columns of a terminal, gaps between them left out."""
    gaps = GAP * (len(table.columns) - 1)
    return fitted(table.needs(), [column.gives_way for column in table.columns], room - gaps)


def lines(table: Table, room: int) -> list[str]:
    """The table as plain text, its names on top."""
    fit = widths(table, room)
    rights = [column.right for column in table.columns]
    texts = [[column.name for column in table.columns]]
    texts += [[cell.text for cell in row.cells] for row in table.rows]
    return [(" " * GAP).join(map(padded, line, fit, rights)).rstrip() for line in texts]
