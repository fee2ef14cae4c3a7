"""Tables that never overflow: texts wrap, further columns go on below, further rows on the next page.

In: a `Table`, the width of the page's frame, look and number format. Out: flowables. Rows are measured
page by page, so a long table costs each page the same, and a cancelled job stops between two pages.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from reportlab.lib.colors import HexColor
from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import CondPageBreak, Flowable, Paragraph, Spacer, TableStyle
from reportlab.platypus import Table as Grid

from rowcrew.bundled.documents.document import Table
from rowcrew.bundled.documents.lines import two_lines
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
# Tables of so few rows stay on one page; of larger ones at least three rows stand on either side of a break.
_TOGETHER: Final = 10
_FEWEST_ROWS: Final = 3

_GAP: Final = 12.0

Cells = list[Any]


def flowables(
    table: Table, width: float, look: Look, numbers: NumberFormat, page_height: float, room_above: float
) -> list[Flowable]:
    """The table, in as many parts beside each other as its columns need, one below the other.

    Each comes after a break of the page, which happens where it finds too little room.

    Args:
        page_height: what a page has for a table.
        room_above: what its heading and caption take.
    """
    cells = written(table, numbers)
    wishes = [_wish(cells, place) for place in range(len(cells.columns))]
    least = [_least(cells, place, wish) for place, wish in enumerate(wishes)]
    parts: list[Flowable] = []
    for places, widths in column_groups(wishes, least, width):
        rows = Rows(cells, places, widths, look, page_height)
        above = _GAP if parts else room_above
        # On a page of its own, what is too high for one begins at the top too.
        parts.append(CondPageBreak(min(above + rows.least_height(), page_height)))
        parts += [Spacer(1, _GAP), rows] if len(parts) > 1 else [rows]
    return parts


def _wish(cells: Written, place: int) -> float:
    """The width at which nothing in the column wraps; a header of numbers may take two lines."""
    header = cells.columns[place].label
    heads = [header] if cells.wraps(place) else two_lines(header)
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
        self,
        cells: Written,
        places: list[int],
        widths: list[float],
        look: Look,
        page_height: float,
        start: int = 0,
        *,
        goes_on: bool = False,
    ) -> None:
        super().__init__()
        self._page_height = page_height
        self._goes_on = goes_on
        self._cells = cells
        self._places = places
        self._widths = widths
        self._look = look
        self._start = start

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:
        """More than any page has, so that `split` is asked."""
        return available_width, available_height + 1

    def least_height(self) -> float:
        """How much room the beginning needs: all of a small table, else the header and three rows."""
        count = len(self._cells.rows)
        shown = range(count if count <= _TOGETHER else _FEWEST_ROWS)
        heights = [self._measured(self._row(row))[1] for row in shown]
        if heights and max(heights) >= _HIGHEST_ROW:
            heights = [_HIGHEST_ROW / 2]
        return self._measured(self._header())[1] + sum(heights)

    def split(self, available_width: float, available_height: float) -> list[Flowable]:
        """What fits here, and the rest; nothing if not even the header and a row fit."""
        # After a row that was split, the rows go on below it, under the header that is on the page already.
        headed = not self._goes_on or available_height > self._page_height - _GAP
        header, header_height = self._measured(self._header()) if headed else ([], 0.0)
        rows: list[Cells] = []
        heights = [header_height] if headed else []
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
        tall = max(heights, default=0.0) >= _HIGHEST_ROW
        left = len(self._cells.rows) - start
        moved = _FEWEST_ROWS - left if 0 < left < _FEWEST_ROWS and not tall else 0
        if len(rows) - moved < _FEWEST_ROWS:
            moved = 0
        if moved:
            start -= moved
            del rows[-moved:], heights[-moved:]
        rest: list[Flowable] = []
        if start < len(self._cells.rows):
            # The room of rows that were moved is no room for the rest.
            rest = [CondPageBreak(available_height - sum(heights) + 1)] if moved else []
            rest.append(self._from(start, goes_on=tall))
        grid = self._grid([header, *rows] if headed else rows, heights, headed=headed)
        if sum(heights) <= available_height:
            return [grid, *rest]
        parts = grid.split(available_width, available_height)
        return [*parts, *rest] if parts else []

    def _from(self, row: int, *, goes_on: bool) -> Rows:
        return Rows(
            self._cells, self._places, self._widths, self._look, self._page_height, row, goes_on=goes_on
        )

    def draw(self) -> None:
        """Never called: `wrap` always asks for a split."""

    def _grid(self, rows: list[Cells], heights: list[float], *, headed: bool) -> Grid:
        tall = max(heights) >= _HIGHEST_ROW
        grid = Grid(
            rows,
            colWidths=self._widths,
            rowHeights=None if tall else heights,
            repeatRows=int(headed),
            splitInRow=1 if tall else 0,
            hAlign="LEFT",
        )
        grid.setStyle(self._style(len(rows), headed=headed))
        return grid

    def _style(self, rows: int, *, headed: bool) -> TableStyle:
        look, first = self._look, int(headed)
        commands: list[tuple[Any, ...]] = [
            ("FONT", (0, 0), (-1, -1), fonts.REGULAR, _SIZE, _LEADING),
            ("TEXTCOLOR", (0, 0), (-1, -1), HexColor(look.ink)),
            ("TOPPADDING", (0, 0), (-1, -1), _PADDING - 1),
            ("BOTTOMPADDING", (0, 0), (-1, -1), _PADDING),
            ("LEFTPADDING", (0, 0), (-1, -1), _SIDE),
            ("RIGHTPADDING", (0, 0), (-1, -1), _SIDE),
            ("VALIGN", (0, first), (-1, -1), "TOP"),
            ("LINEBELOW", (0, first), (-1, -1), 0.35, HexColor(look.hairline)),
        ]
        if headed:
            commands.append(("VALIGN", (0, 0), (-1, 0), "BOTTOM"))
            commands.append(("LINEBELOW", (0, 0), (-1, 0), 0.9, HexColor(look.strong)))
        for column, place in enumerate(self._places):
            if not self._cells.wraps(place):
                commands.append(("ALIGN", (column, 0), (column, -1), "RIGHT"))
        for shown in range(first, rows):
            commands += self._row_style(shown, self._start + shown - first)
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
