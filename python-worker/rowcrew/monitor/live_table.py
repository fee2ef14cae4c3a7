"""A table on the screen whose rows never move under the hand.

In: tables. Out: the widget, and how many new rows it holds back. While its cursor is at the first row and
nothing is picked, it shows what comes, as it comes. Else its rows stay where they are: their cells change,
new rows wait for Esc. Called by the screens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.coordinate import Coordinate
from textual.widgets import DataTable

from rowcrew.model.terminal_text import padded
from rowcrew.monitor.table import Cell, Column, Table, Tone, widths

STYLES: Final[Mapping[Tone, str]] = {
    "ink": "",
    "strong": "bold",
    "dim": "#8b949e",
    "good": "#63b37f",
    "work": "#58b0b8",
    "warn": "#d9a441",
    "bad": "#f0716b",
}


def styled(cell: Cell) -> Text:
    return Text(cell.text, STYLES[cell.tone], no_wrap=True)


class LiveTable(DataTable[Text]):
    """Rows that somebody may point at, pick and open; see the module.

    Args:
        picks: whether rows can be picked with `x`.

    Attributes:
        unseen: how many new rows wait to be shown.
        picked: the keys of the picked rows, in the order of picking.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "down", show=False),
        Binding("k", "cursor_up", "up", show=False),
        Binding("x", "pick", "pick", show=False),
        Binding("escape", "let_go", "newest", show=False),
    ]

    def __init__(self, *, id: str, picks: bool = False) -> None:
        super().__init__(id=id, cursor_type="row", cursor_foreground_priority="renderable")
        self.unseen = 0
        self.picked: list[str] = []
        self._picks = picks
        self._latest = Table([], [])
        self._columns: Sequence[Column] = []
        self._shown: dict[str, Sequence[Cell]] = {}
        self._widths: list[int] = []

    @property
    def is_held(self) -> bool:
        """Whether a hand is on the table."""
        return bool(self.picked) or self.cursor_row > 0 or self.scroll_offset.y > 0

    @property
    def key(self) -> str | None:
        """The key of the row under the cursor."""
        return list(self._shown)[self.cursor_row] if self._shown else None

    @property
    def room(self) -> int:
        """The columns that rows may fill: without padding, and without the bar for scrolling."""
        return self.size.width - 3

    @property
    def cells(self) -> Sequence[Cell]:
        """Those of the row under the cursor; empty when there is no row."""
        return () if self.key is None else self._shown[self.key]

    def show(self, table: Table) -> None:
        self._latest = table
        if self._shown and (self.is_held or self._looks_alike()):
            self._change_in_place()
        else:
            self._lay()

    def action_pick(self) -> None:
        if not self._picks or self.key is None:
            return
        if self.key in self.picked:
            self.picked.remove(self.key)
        else:
            self.picked.append(self.key)
        self._change_in_place()
        self.action_cursor_down()

    def action_let_go(self) -> None:
        self.picked.clear()
        self.scroll_home(animate=False)
        self._lay()

    def on_resize(self) -> None:
        if not self.is_held:
            self._lay()

    def _looks_alike(self) -> bool:
        """Whether the same rows stand in the same order, in the same columns."""
        same_rows = list(self._shown) == [row.key for row in self._latest.rows]
        return same_rows and self._columns == self._latest.columns and self._widths == self._fit()

    def _fit(self) -> list[int]:
        """The widths of the columns, the first with room for the mark of a row that is picked."""
        first, *others = widths(self._latest, self.room - self._picks) or [0]
        return [first + self._picks, *others]

    def _lay(self) -> None:
        """Draw all of it anew."""
        self.unseen = 0
        self._columns = self._latest.columns
        self._shown = {row.key: row.cells for row in self._latest.rows}
        self._widths = self._fit() if self._latest.columns else []
        self.clear(columns=True)
        for column, columns in zip(self._columns, self._widths, strict=True):
            self.add_column(padded(column.name, columns, column.right), width=columns)
        for key in self._shown:
            self.add_row(*self._texts(key), key=key)

    def _change_in_place(self) -> None:
        latest = {row.key: self._in_columns(row.cells) for row in self._latest.rows}
        self.unseen = len(latest.keys() - self._shown.keys())
        self._shown |= {key: latest[key] for key in self._shown if key in latest}
        for place, key in enumerate(self._shown):
            for column, text in enumerate(self._texts(key)):
                at = Coordinate(place, column)
                if self.get_cell_at(at) != text:
                    self.update_cell_at(at, text)

    def _in_columns(self, cells: Sequence[Cell]) -> list[Cell]:
        """The cells of a latest row in the columns that are shown, which may be others by now."""
        by_name = {column.name: cell for column, cell in zip(self._latest.columns, cells, strict=True)}
        return [by_name.get(column.name, Cell("")) for column in self._columns]

    def _texts(self, key: str) -> list[Text]:
        return [self._text(cell, place, key) for place, cell in enumerate(self._shown[key])]

    def _text(self, cell: Cell, place: int, key: str) -> Text:
        is_mark = place == 0 and key in self.picked
        column = self._columns[place]
        text = padded(f"▸{cell.text}" if is_mark else cell.text, self._widths[place], column.right)
        return Text(text, "reverse" if is_mark else STYLES[cell.tone], no_wrap=True)
