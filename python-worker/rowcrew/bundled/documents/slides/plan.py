"""Decides what stands on which slide before any slide is made, so that their number is known.

In: a `Document` and the room on a slide, in inches. Out: plans of slides. What is too long for one slide
goes on to the next: figures, paragraphs, rows, and columns that find no room beside each other.
"""

from __future__ import annotations

import itertools
import math
import textwrap
from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

import msgspec

from rowcrew.bundled.documents.document import Chart, Document, Figure, Section, Table, paragraphs
from rowcrew.bundled.documents.number_format import NumberFormat
from rowcrew.bundled.documents.written import Written, column_groups, ems, written

POINTS: Final = 72.0
TEXT_SIZE: Final = 14.0
CELL_SIZE: Final = 11.0
CELL_SIDE: Final = 0.08
ROW_HEIGHT: Final = 0.31
CELL_LINE: Final = 0.2
FIGURES_IN_A_ROW: Final = 4
TEXT_BESIDE_CHART: Final = 0.32
GAP: Final = 0.2
CAPTION_HEIGHT: Final = 0.3
_LEAST_CHART: Final = 2.6
# Lines break between words, so they hold less than their room.
_SAFETY: Final = 1.08
_TEXT_LINE: Final = 0.27
_PARAGRAPH_GAP: Final = 0.1
_FIGURES_ON_A_SLIDE: Final = 8
_MOST_CELL_LINES: Final = 12
_LEAST_TEXT: Final = 1.1
_LEAST: Final = 0.45
_WIDEST_TEXT: Final = 5.0


class Room(msgspec.Struct, frozen=True):
    """The part of a slide below its title, in inches."""

    width: float
    height: float


class Grid(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of a table, and a slide with them; `widths` and `heights` are in inches, the header's first."""

    title: str
    caption: str
    cells: Written
    places: list[int]
    widths: list[float]
    rows: list[list[str]]
    numbers_of_rows: list[int]
    heights: list[float]

    @property
    def height(self) -> float:
        return sum(self.heights) + (CAPTION_HEIGHT if self.caption else 0.0)


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """A slide with figures on top, then text, a chart, or both beside each other, then a small table."""

    title: str
    figures: tuple[Figure, ...] = ()
    text: tuple[str, ...] = ()
    chart: Chart | None = None
    grid: Grid | None = None


Plan = Content | Grid
Item = TypeVar("Item")


def plans_of(document: Document, room: Room, numbers: NumberFormat) -> Iterator[Plan]:
    """All slides but the one with the title."""
    for section in document.sections:
        yield from _section(section, section.heading or document.title, room, numbers)


def _section(section: Section, title: str, room: Room, numbers: NumberFormat) -> Iterator[Plan]:
    contents = list(_contents(section, title, room))
    grids = [] if section.table is None else list(_grids(section.table, title, room, numbers))
    if contents and len(grids) == 1 and grids[0].height <= _free_height(contents[-1], room):
        yield from contents[:-1]
        yield msgspec.structs.replace(contents[-1], grid=grids[0])
    else:
        yield from contents
        yield from _numbered(grids)


def _free_height(content: Content, room: Room) -> float:
    """How high a table below this content may be."""
    width = room.width * TEXT_BESIDE_CHART if content.chart is not None else room.width
    used = max(texts_height(content.text, width), _LEAST_CHART if content.chart is not None else 0.0)
    return room.height - figures_height(len(content.figures)) - used - GAP


def _numbered(grids: list[Grid]) -> list[Grid]:
    """Tables that fill several slides say on which of them one is."""
    if len(grids) == 1:
        return grids
    return [
        msgspec.structs.replace(grid, title=f"{grid.title} ({place} of {len(grids)})")
        for place, grid in enumerate(grids, start=1)
    ]


def _contents(section: Section, title: str, room: Room) -> Iterator[Content]:
    texts = tuple(paragraphs(section.text))
    *earlier, figures = [tuple(part) for part in _parts(section.figures, _FIGURES_ON_A_SLIDE)] or [()]
    yield from (Content(title=title, figures=more) for more in earlier)
    left = room.height - figures_height(len(figures))
    beside = room.width * TEXT_BESIDE_CHART if section.chart is not None else room.width
    together = Content(title=title, figures=figures, text=texts, chart=section.chart)
    if texts_height(texts, beside) <= left:
        if together != Content(title=title):
            yield together
        return
    if texts_height(texts, room.width) <= left:
        yield Content(title=title, figures=figures, text=texts)
    else:
        if figures:
            yield Content(title=title, figures=figures)
        yield from (Content(title=title, text=text) for text in _pages_of_text(texts, room))
    if section.chart is not None:
        yield Content(title=title, chart=section.chart)


def texts_height(texts: Sequence[str], width: float) -> float:
    """About how much room paragraphs take."""
    return sum(_text_height(text, width) for text in texts)


def figures_height(figures: int) -> float:
    """How much room a slide's figures take, with the gap below them."""
    return math.ceil(figures / FIGURES_IN_A_ROW) * 1.15


def _pages_of_text(texts: Sequence[str], room: Room) -> Iterator[tuple[str, ...]]:
    page: list[str] = []
    left = room.height
    for text in itertools.chain.from_iterable(_split(text, room) for text in texts):
        height = _text_height(text, room.width)
        if page and height > left:
            yield tuple(page)
            page, left = [], room.height
        page.append(text)
        left -= height
    if page:
        yield tuple(page)


def _split(text: str, room: Room) -> list[str]:
    """The paragraph in parts that fit on a slide each."""
    if _text_height(text, room.width) <= room.height:
        return [text]
    lines = int((room.height - _PARAGRAPH_GAP) / _TEXT_LINE)
    wrapped = _wrapped(text, room.width * POINTS / TEXT_SIZE)
    return ["\n".join(part) for part in _parts(wrapped, lines)]


def _wrapped(text: str, room_ems: float) -> list[str]:
    """The text in lines that are about as wide as the room, and no wider."""
    lines: list[str] = []
    for line in text.split("\n"):
        characters = int(room_ems / (ems(line) * _SAFETY / len(line))) if line else 1
        lines += textwrap.wrap(line, max(1, characters)) or [""]
    return lines


def _text_height(text: str, width: float) -> float:
    return _lines(text, width, TEXT_SIZE) * _TEXT_LINE + _PARAGRAPH_GAP


def _lines(text: str, width: float, size: float) -> int:
    room = width * POINTS / size
    return sum(max(1, math.ceil(ems(line) * _SAFETY / room)) for line in text.split("\n"))


def _grids(table: Table, title: str, room: Room, numbers: NumberFormat) -> Iterator[Grid]:
    cells = written(table, numbers)
    wishes = [_wish(cells, place) for place in range(len(cells.columns))]
    least = [min(wish, _LEAST_TEXT) if cells.wraps(place) else wish for place, wish in enumerate(wishes)]
    for places, widths in column_groups(wishes, least, room.width):
        header = [cells.columns[place].label for place in places]
        header_height = _row_height(header, widths)
        rows = list(_measured_rows(cells, places, widths))
        for page in _even_pages(rows, room.height - header_height - (CAPTION_HEIGHT if table.title else 0.0)):
            yield Grid(
                title=title,
                caption=table.title,
                cells=cells,
                places=places,
                widths=widths,
                rows=[row for _, row, _ in page],
                numbers_of_rows=[number for number, _, _ in page],
                heights=[header_height, *(height for _, _, height in page)],
            )


Measured = tuple[int, list[str], float]


def _measured_rows(cells: Written, places: list[int], widths: list[float]) -> Iterator[Measured]:
    for number, row in enumerate(cells.rows):
        for part in _row_parts([row[place] for place in places], widths):
            yield number, part, _row_height(part, widths)


def _row_parts(row: list[str], widths: list[float]) -> list[list[str]]:
    """The row, in several ones if a text in it is too long for a slide."""
    if all(_cell_lines(text, width) <= _MOST_CELL_LINES for text, width in zip(row, widths, strict=True)):
        return [row]
    columns = [
        ["\n".join(part) for part in _parts(_wrapped(text, _cell_ems(width)), _MOST_CELL_LINES)]
        for text, width in zip(row, widths, strict=True)
    ]
    return [list(part) for part in itertools.zip_longest(*columns, fillvalue="")]


def _even_pages(rows: list[Measured], room: float) -> list[list[Measured]]:
    """The rows of each slide; about as many on each, rather than a few on the last."""
    pages = list(_pages_of_rows(rows, room, len(rows)))
    return list(_pages_of_rows(rows, room, math.ceil(len(rows) / len(pages))))


def _pages_of_rows(rows: list[Measured], room: float, most: int) -> Iterator[list[Measured]]:
    page: list[Measured] = []
    left = room
    for row in rows:
        if page and (row[2] > left or len(page) == most):
            yield page
            page, left = [], room
        page.append(row)
        left -= row[2]
    yield page


def _row_height(row: list[str], widths: list[float]) -> float:
    lines = max(_cell_lines(text, width) for text, width in zip(row, widths, strict=True))
    return ROW_HEIGHT + (lines - 1) * CELL_LINE


def _cell_lines(text: str, width: float) -> int:
    return _lines(text, width - 2 * CELL_SIDE, CELL_SIZE)


def _cell_ems(width: float) -> float:
    return (width - 2 * CELL_SIDE) * POINTS / CELL_SIZE


def _wish(cells: Written, place: int) -> float:
    label = cells.columns[place].label
    heads = [label] if cells.wraps(place) else label.split() or [""]
    lines = itertools.chain(heads, *(row[place].split("\n") for row in cells.rows))
    widest = max(ems(line) for line in set(lines)) * 1.1 * CELL_SIZE / POINTS + 2 * CELL_SIDE
    return max(_LEAST, min(widest, _WIDEST_TEXT))


def _parts(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
