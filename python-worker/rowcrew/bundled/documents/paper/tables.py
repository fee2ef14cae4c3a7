"""Tables that never overflow: texts wrap, further columns go on below, further rows on the next page.

In: a `Table`, the width of the page's frame, look and number format. Out: flowables. Rows are measured
page by page, so a long table costs each page the same, and a cancelled job stops between two pages.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from reportlab.lib.colors import HexColor
from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import Flowable, Paragraph, Spacer, TableStyle
from reportlab.platypus import Table as Grid

from rowcrew.bundled.documents.document import Table
from rowcrew.bundled.documents.look import Look
from rowcrew.bundled.documents.number_format import NumberFormat
from rowcrew.bundled.documents.paper import fonts
from rowcrew.bundled.documents.written import Written, column_groups, written

_LEFT: Final = 0
_RIGHT: Final = 2
_SIZE: Final = 8.0
_LEADING: Final = 10.5
_PADDING: Final = 4.0
_SIDE: Final = 5.0
# Of a column, the longest texts tell its width; measuring all of a long table takes seconds.
_MEASURED: Final = 200
_LEAST_TEXT: Final = 70.0
_LEAST: Final = 26.0
# A row higher than this is split within the row: no page could hold it.
_HIGHEST_ROW: Final = 300.0

Cells = list[Any]


def flowables(table: Table, width: float, look: Look, numbers: NumberFormat) -> list[Flowable]:
    """The table, in as many parts beside each other as its columns need, one below the other."""
    cells = written(table, numbers)
    wishes = [_wish(cells, place) for place in range(len(cells.columns))]
    least = [_least(cells, place, wish) for place, wish in enumerate(wishes)]
    parts: list[Flowable] = []
    for places, widths in column_groups(wishes, least, width):
        if parts:
            parts.append(Spacer(1, 12))
        parts.append(Rows(cells, places, widths, look))
    return parts


def _wish(cells: Written, place: int) -> float:
    """The width at which nothing in the column wraps; a header of numbers may wrap between words."""
    header = cells.columns[place].label
    heads = [header] if cells.wraps(place) else header.split() or [""]
    widest = max(fonts.width(part, fonts.BOLD, _SIZE) for part in heads)
    texts = sorted({row[place] for row in cells.rows}, key=len, reverse=True)
    for text in texts[:_MEASURED]:
        widest = max(widest, *(fonts.width(line, fonts.BOLD, _SIZE) for line in text.split("\n")))
    return max(_LEAST, widest + 2 * _SIDE + 1)


def _least(cells: Written, place: int, wish: float) -> float:
    if cells.wraps(place):
        return min(wish, _LEAST_TEXT)
    return min(wish, 200.0)


class Rows(Flowable):
    """Rows of a table from `start` on, under a repeated header; splits itself between rows."""

    def __init__(
        self, cells: Written, places: list[int], widths: list[float], look: Look, start: int = 0
    ) -> None:
        super().__init__()
        self._cells = cells
        self._places = places
        self._widths = widths
        self._look = look
        self._start = start

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:
        """More than any page has, so that `split` is asked."""
        return available_width, available_height + 1

    def split(self, available_width: float, available_height: float) -> list[Flowable]:
        """What fits here, and the rest; nothing if not even the header and a row fit."""
        header, header_height = self._measured(self._header())
        rows: list[Cells] = []
        heights = [header_height]
        start = self._start
        while start < len(self._cells.rows):
            row, height = self._measured(self._row(start))
            if sum(heights) + height > available_height and (rows or height < _HIGHEST_ROW):
                break
            rows.append(row)
            heights.append(height)
            start += 1
            if height >= _HIGHEST_ROW:
                break
        if not rows and start < len(self._cells.rows):
            return []
        rest = [self._from(start)] if start < len(self._cells.rows) else []
        grid = self._grid([header, *rows], heights)
        if sum(heights) <= available_height:
            return [grid, *rest]
        parts = grid.split(available_width, available_height)
        return [*parts, *rest] if parts else []

    def _from(self, row: int) -> Rows:
        return Rows(self._cells, self._places, self._widths, self._look, row)

    def draw(self) -> None:
        """Never called: `wrap` always asks for a split."""

    def _grid(self, rows: list[Cells], heights: list[float]) -> Grid:
        tall = max(heights) >= _HIGHEST_ROW
        grid = Grid(
            rows,
            colWidths=self._widths,
            rowHeights=None if tall else heights,
            repeatRows=1,
            splitInRow=1 if tall else 0,
            hAlign="LEFT",
        )
        grid.setStyle(self._style(len(rows)))
        return grid

    def _style(self, rows: int) -> TableStyle:
        look = self._look
        commands: list[tuple[Any, ...]] = [
            ("FONT", (0, 0), (-1, -1), fonts.REGULAR, _SIZE, _LEADING),
            ("TEXTCOLOR", (0, 0), (-1, -1), HexColor(look.ink)),
            ("TOPPADDING", (0, 0), (-1, -1), _PADDING - 1),
            ("BOTTOMPADDING", (0, 0), (-1, -1), _PADDING),
            ("LEFTPADDING", (0, 0), (-1, -1), _SIDE),
            ("RIGHTPADDING", (0, 0), (-1, -1), _SIDE),
            ("VALIGN", (0, 0), (-1, 0), "BOTTOM"),
            ("VALIGN", (0, 1), (-1, -1), "TOP"),
            ("LINEBELOW", (0, 0), (-1, 0), 0.9, HexColor(look.strong)),
            ("LINEBELOW", (0, 1), (-1, -1), 0.35, HexColor(look.hairline)),
        ]
        for column, place in enumerate(self._places):
            if not self._cells.wraps(place):
                commands.append(("ALIGN", (column, 0), (column, -1), "RIGHT"))
        for shown in range(1, rows):
            commands += self._row_style(shown, self._start + shown - 1)
        return TableStyle(commands)

    def _row_style(self, shown: int, row: int) -> list[tuple[Any, ...]]:
        commands: list[tuple[Any, ...]] = []
        if row in self._cells.bold:
            commands.append(("FONT", (0, shown), (-1, shown), fonts.BOLD, _SIZE, _LEADING))
            commands.append(("BACKGROUND", (0, shown), (-1, shown), HexColor(self._look.wash)))
        red = HexColor(self._look.negative)
        for column, place in enumerate(self._places):
            if place in self._cells.negative[row]:
                commands.append(("TEXTCOLOR", (column, shown), (column, shown), red))
        return commands

    def _header(self) -> Cells:
        return [
            self._paragraph(
                self._cells.columns[place].label,
                fonts.BOLD,
                _LEFT if self._cells.wraps(place) else _RIGHT,
                self._look.strong,
            )
            for place in self._places
        ]

    def _row(self, row: int) -> Cells:
        font = fonts.BOLD if row in self._cells.bold else fonts.REGULAR
        return [self._cell(row, place, font) for place in self._places]

    def _cell(self, row: int, place: int, font: str) -> Any:
        """Text that stands in one line is a string, which costs a tenth of a paragraph."""
        text = self._cells.rows[row][place]
        room = self._widths[self._places.index(place)] - 2 * _SIDE
        fits = "\n" not in text and fonts.width(text, font, _SIZE) <= room
        if fits and fonts.is_plain(text, font):
            return text
        return self._paragraph(text, font, _LEFT if self._cells.wraps(place) else _RIGHT, self._look.ink)

    def _paragraph(self, text: str, font: str, alignment: Literal[0, 2], color: str) -> Paragraph:
        style = ParagraphStyle(
            "cell",
            fontName=font,
            fontSize=_SIZE,
            leading=_LEADING,
            alignment=alignment,
            textColor=HexColor(color),
            wordWrap="CJK" if fonts.is_mostly_han(text) else None,
        )
        return Paragraph(fonts.markup(text, font), style)

    def _measured(self, cells: Cells) -> tuple[Cells, float]:
        """The cells and how high their row is."""
        highest = _LEADING
        for cell, width in zip(cells, self._widths, strict=True):
            if isinstance(cell, Paragraph):
                highest = max(highest, cell.wrap(width - 2 * _SIDE, 1e6)[1])
        return cells, highest + 2 * _PADDING - 1
