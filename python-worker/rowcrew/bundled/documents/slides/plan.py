"""Decides what stands on which slide before any slide is made, so that their number is known.

In: a `Document` and the room on a slide, in inches. Out: plans of slides. What is too long for one slide
goes on to the next: figures, paragraphs, rows, and columns that find no room beside each other.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Final, TypeVar

import msgspec

from rowcrew.bundled.documents.document import Chart, Document, Figure, Section, Table, paragraphs
from rowcrew.bundled.documents.lines import two_lines
from rowcrew.bundled.documents.number_format import NumberFormat
from rowcrew.bundled.documents.slides.texts import (
    LARGE_TEXT_SIZE,
    TEXT_SIZE,
    chunks,
    lines_of,
    pages_of_text,
    texts_height,
    width_of,
)
from rowcrew.bundled.documents.tiles import TileRow, TileStyle, tile_rows
from rowcrew.bundled.documents.written import (
    POINTS,
    Written,
    chart_title,
    column_groups,
    ems,
    written,
)

CELL_SIZE: Final = 11.0
CELL_SIDE: Final = 0.08
ROW_HEIGHT: Final = 0.31
CELL_LINE: Final = 0.2
TEXT_BESIDE_CHART: Final = 0.32
GAP: Final = 0.2
CAPTION_HEIGHT: Final = 0.3
_LEAST_CHART: Final = 2.6
_FEW_TILES: Final = 8
# Bold digits of DejaVu, which LibreOffice takes where the theme's font is missing, are as wide as that.
_BOLD: Final = 1.3
_TILES: Final = TileStyle(label=11, values=(24, 20, 18, 16, 14), note=10, gap=GAP, padding=0.3, spare=_BOLD)
# Tiles that have a slide for themselves.
_LARGE_TILES: Final = TileStyle(
    label=14, values=(36, 30, 24, 20, 16), note=12, gap=GAP, padding=0.3, spare=_BOLD
)
TILE_EDGE: Final = 0.1
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
    """A slide with figures on top, then text, a chart, or both beside each other, then a small table.

    Attributes:
        chart_title: nothing where the slide's title says the same.
        numbered: one of several with paragraphs that go on.
    """

    title: str
    figures: tuple[Figure, ...] = ()
    text: tuple[str, ...] = ()
    chart: Chart | None = None
    chart_title: str = ""
    grid: Grid | None = None
    numbered: bool = False

    @property
    def tile_style(self) -> TileStyle:
        alone = not self.text and self.chart is None and self.grid is None
        return _LARGE_TILES if alone and len(self.figures) <= _FEW_TILES else _TILES

    def text_size(self, room: Room, numbers: NumberFormat) -> float:
        """Larger where the text has the slide for itself."""
        alone = self.chart is None and self.grid is None and not self.numbered
        left = room.height - figures_height(self.rows(room, numbers), self.tile_style)
        fits = texts_height(self.text, room.width, LARGE_TEXT_SIZE) <= left
        return LARGE_TEXT_SIZE if alone and fits else TEXT_SIZE

    def rows(self, room: Room, numbers: NumberFormat) -> list[TileRow]:
        """The figures as they stand beside and below each other."""
        return tile_rows(self.figures, numbers, room.width, self.tile_style, width_of)


class Divider(msgspec.Struct, frozen=True, kw_only=True):
    """A slide with nothing but a title: a new part begins."""

    title: str


Plan = Content | Grid | Divider


def plans_of(document: Document, room: Room, numbers: NumberFormat) -> Iterator[Plan]:
    """All slides but the one with the title."""
    for section in document.sections:
        yield from _section(section, section.heading or document.title, room, numbers)


def _section(section: Section, title: str, room: Room, numbers: NumberFormat) -> Iterator[Plan]:
    contents = list(_contents(section, title, room, numbers))
    grids = [] if section.table is None else list(_grids(section.table, title, room, numbers))
    if not contents and not grids:
        if section.heading:
            yield Divider(title=title)
    elif contents and len(grids) == 1 and grids[0].height <= _free_height(contents[-1], room, numbers):
        yield from contents[:-1]
        yield msgspec.structs.replace(contents[-1], grid=grids[0])
    else:
        yield from contents
        yield from _numbered(grids)


def _free_height(content: Content, room: Room, numbers: NumberFormat) -> float:
    """How high a table below this content may be."""
    width = room.width * TEXT_BESIDE_CHART if content.chart is not None else room.width
    used = max(texts_height(content.text, width), _LEAST_CHART if content.chart is not None else 0.0)
    return room.height - _figures_height(content.figures, room, numbers) - used - GAP


P = TypeVar("P", Content, Grid)


def _numbered(plans: list[P]) -> list[P]:
    """What fills several slides says on which of them one is."""
    if len(plans) == 1:
        return plans
    return [
        msgspec.structs.replace(plan, title=f"{plan.title} ({place} of {len(plans)})")
        for place, plan in enumerate(plans, start=1)
    ]


def _contents(section: Section, title: str, room: Room, numbers: NumberFormat) -> Iterator[Content]:
    texts, figures = tuple(paragraphs(section.text)), section.figures
    left = room.height - _figures_height(figures, room, numbers)
    chart = Content(title=title, chart=section.chart, chart_title=chart_title(section))
    beside = room.width * TEXT_BESIDE_CHART if section.chart is not None else room.width
    has_room = section.chart is None or left >= _LEAST_CHART
    if has_room and texts_height(texts, beside) <= left:
        if figures or texts or section.chart is not None:
            yield msgspec.structs.replace(chart, figures=figures, text=texts)
        return
    if texts_height(texts, room.width) <= left:
        yield Content(title=title, figures=figures, text=texts)
    else:
        if figures:
            yield Content(title=title, figures=figures)
        pages = pages_of_text(texts, room.width, room.height)
        yield from _numbered([Content(title=title, text=text, numbered=True) for text in pages])
    if section.chart is not None:
        yield chart


def figures_height(rows: list[TileRow], style: TileStyle) -> float:
    """How much room tiles take, with the gap below them."""
    return sum(row_height(row, style) + GAP for row in rows)


def row_height(row: TileRow, style: TileStyle) -> float:
    """How high tiles beside each other are: as high as the texts of the one that has most."""
    return (
        max(
            len(tile.label) * style.label * 1.25 / POINTS
            + len(tile.value) * tile.size * 1.25 / POINTS
            + len(tile.note) * style.note * 1.25 / POINTS
            for tile in row.tiles
        )
        + 2 * TILE_EDGE
    )


def _figures_height(figures: tuple[Figure, ...], room: Room, numbers: NumberFormat) -> float:
    return figures_height(tile_rows(figures, numbers, room.width, _TILES, width_of), _TILES)


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
        chunks(text, width - 2 * CELL_SIDE, CELL_SIZE, _MOST_CELL_LINES)
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
    return lines_of(text, width - 2 * CELL_SIDE, CELL_SIZE)


def _wish(cells: Written, place: int) -> float:
    label = cells.columns[place].label
    heads = [label] if cells.wraps(place) else two_lines(label)
    lines = itertools.chain(*(row[place].split("\n") for row in cells.rows))
    head = max(map(ems, heads)) * _BOLD
    widest = max(head, *(ems(line) * 1.1 for line in set(lines)), 0.0) * CELL_SIZE / POINTS + 2 * CELL_SIDE
    return max(_LEAST, min(widest, _WIDEST_TEXT))
