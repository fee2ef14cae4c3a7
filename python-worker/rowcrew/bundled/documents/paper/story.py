"""The story of a document: its parts, in the order in which they flow over the sheets.

In: a `Document` and how it is printed. Out: reportlab's flowables. Called by `pages`.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Final

from reportlab.lib.colors import HexColor, white
from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import (
    Flowable,
    KeepTogether,
    NextPageTemplate,
    PageBreak,
    Paragraph,
    Spacer,
    TableStyle,
)
from reportlab.platypus import Table as Grid

from rowcrew.bundled.documents.document import Chart, Document, Figure, Section, Table, paragraphs
from rowcrew.bundled.documents.look import Look
from rowcrew.bundled.documents.paper import charts, fonts, tables
from rowcrew.bundled.documents.paper.flow import SharedPage
from rowcrew.bundled.documents.paper.sheet import CountedCanvas, Paper, one_line
from rowcrew.bundled.documents.tiles import Tile, TileStyle, tile_rows
from rowcrew.bundled.documents.written import chart_title

_TILES: Final = TileStyle(label=8, values=(18, 16, 14, 12, 10), note=7.5, gap=10, padding=16)
# The caption of a table with the space around it.
_CAPTION_ROOM: Final = 26.0


class _Heading(Paragraph):
    """A section's heading, which also stands in the outline."""

    def __init__(self, text: str, style: ParagraphStyle) -> None:
        super().__init__(fonts.markup(text, fonts.BOLD), style)
        self._outline = one_line(text)

    def draw(self) -> None:
        y = self.canv.absolutePosition(0, self.height)[1]
        assert isinstance(self.canv, CountedCanvas), "the document is built with it"
        self.canv.bookmark(self._outline, y + 12)
        super().draw()


def story_of(document: Document, paper: Paper) -> list[Flowable]:
    story = _cover(document) if paper.look.has_cover else _title_block(document, paper)
    for number, section in enumerate(document.sections):
        if section.new_page and number:
            _drop_gap(story)
            story.append(PageBreak())
        if _is_chart_alone(section):
            story.append(_shared_page(section, _charts_alone(document.sections[number + 1 :]), paper))
        else:
            story += _section(section, paper)
    _drop_gap(story)
    return story


def _drop_gap(story: list[Flowable]) -> None:
    """A gap that finds no room at the end of a page would take a page of its own."""
    while story and isinstance(story[-1], Spacer):
        story.pop()


def _is_chart_alone(section: Section) -> bool:
    return section.chart is not None and not (section.figures or section.text or section.table)


def _charts_alone(sections: Sequence[Section]) -> int:
    """How many sections in a row, from the first on, are a chart and nothing else."""
    alone = itertools.takewhile(lambda each: _is_chart_alone(each) and not each.new_page, sections)
    return sum(1 for _ in alone)


def _shared_page(section: Section, following: int, paper: Paper) -> SharedPage:
    def made(height: float) -> list[Flowable]:
        return _section(section, paper, height)

    around = sum(
        flowable.wrap(paper.inner_width, 1e6)[1] + flowable.getSpaceBefore() + flowable.getSpaceAfter()
        for flowable in made(0.0)
    )
    return SharedPage(made, around, following)


def _cover(document: Document) -> list[Flowable]:
    size = 34.0 if len(document.title) <= 60 else 24.0
    title = _style(font=fonts.BOLD, size=size, color="#FFFFFF", after=16)
    subtitle = _style(size=14, color="#FFFFFF", after=30)
    footer = _style(size=9, color="#FFFFFF")
    lines = [(document.title, title), (document.subtitle, subtitle), (document.footer, footer)]
    words: list[Flowable] = [_paragraph(text, style) for text, style in lines if text]
    return [*words, NextPageTemplate("later"), PageBreak()]


def _title_block(document: Document, paper: Paper) -> list[Flowable]:
    look = paper.look
    title = _style(font=fonts.BOLD, size=22, color=look.strong, after=3)
    subtitle = _style(size=11, color=look.quiet)
    block: list[Flowable] = [_paragraph(document.title, title)]
    if document.subtitle:
        block.append(_paragraph(document.subtitle, subtitle))
    return [*block, Spacer(1, 10)]


def _section(section: Section, paper: Paper, chart_height: float = charts.HEIGHT) -> list[Flowable]:
    """The section's parts; the heading stays with whatever comes first under it."""
    parts: list[Flowable] = []
    if section.figures:
        parts += _figures(section.figures, paper)
    parts += [_text(text, paper) for text in paragraphs(section.text)]
    if section.chart is not None:
        parts += _chart(section.chart, chart_title(section), chart_height, paper)
    before_table = bool(section.table) and not parts
    heading_room = 0.0
    if section.heading:
        style = _style(font=fonts.BOLD, size=14, color=paper.look.strong, before=12, after=7)
        style.keepWithNext = not before_table
        heading = _Heading(section.heading, style)
        parts.insert(0, heading)
        heading_room = heading.wrap(paper.inner_width, 1e6)[1] + style.spaceBefore + style.spaceAfter
    if section.table is not None:
        first, *table = _table(section.table, heading_room if before_table else 0.0, paper)
        parts = [first, *parts, *table] if before_table else [*parts, first, *table]
    return [*parts, Spacer(1, 10)]


def _text(text: str, paper: Paper) -> Paragraph:
    style = _style(size=9.5, color=paper.look.ink, after=6)
    if not text.startswith("- "):
        return _paragraph(text, style)
    item = ParagraphStyle(
        "item", parent=style, leftIndent=12, bulletIndent=2, spaceAfter=4, bulletFontName=fonts.REGULAR
    )
    return Paragraph(fonts.markup(text[2:], fonts.REGULAR), item, bulletText="•")


def _chart(chart: Chart, title: str, height: float, paper: Paper) -> list[Flowable]:
    drawn = charts.drawing(chart, paper.inner_width, paper.look, paper.numbers, height)
    if not title:
        return [drawn, Spacer(1, 8)]
    caption = _caption(title, paper)
    caption.style.keepWithNext = True
    return [caption, drawn, Spacer(1, 8)]


def _table(table: Table, heading_room: float, paper: Paper) -> list[Flowable]:
    """The table; first a break of the page, unless there is room for its heading and enough of its rows."""
    least, *rows = tables.flowables(
        table, paper.inner_width, paper.look, paper.numbers, paper.inner_height, heading_room + _CAPTION_ROOM
    )
    if not table.title:
        return [least, *rows]
    return [least, _caption(table.title, paper), *rows]


def _caption(title: str, paper: Paper) -> Paragraph:
    return _paragraph(title, _style(font=fonts.BOLD, size=9.5, color=paper.look.ink, before=6, after=5))


def _figures(figures: tuple[Figure, ...], paper: Paper) -> list[Flowable]:
    """Tiles as wide as the page together; all rows of them stay on one page."""
    rows = tile_rows(figures, paper.numbers, paper.inner_width, _TILES, _bold_width)
    grids: list[Flowable] = []
    for row in rows:
        cells: list[Any] = []
        for tile in row.tiles:
            cells += [_tile(tile, paper), ""]
        widths = ([row.width, _TILES.gap] * len(row.tiles))[:-1]
        grid = Grid([cells[:-1]], colWidths=widths, hAlign="LEFT")
        grid.setStyle(_tile_style(len(row.tiles), paper.look))
        grids += [grid, Spacer(1, 9)]
    return [KeepTogether(grids)] if len(rows) > 1 else grids


def _tile_style(tiles: int, look: Look) -> TableStyle:
    style: list[Any] = [
        ("FONT", (0, 0), (-1, -1), fonts.REGULAR, 8),
        ("LEFTPADDING", (0, 0), (-1, -1), 11),
        ("RIGHTPADDING", (0, 0), (-1, -1), 4),
        ("TOPPADDING", (0, 0), (-1, -1), 8),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 9),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ]
    for place in range(0, 2 * tiles, 2):
        style.append(("BACKGROUND", (place, 0), (place, 0), HexColor(look.wash)))
        style.append(("LINEBEFORE", (place, 0), (place, 0), 2.2, HexColor(look.accent), "butt"))
    return TableStyle(style)


def _tile(tile: Tile, paper: Paper) -> list[Flowable]:
    look = paper.look
    color = look.negative if tile.is_negative else look.strong
    texts = [
        (tile.label, _style(size=_TILES.label, color=look.quiet, after=2)),
        (tile.value, _style(font=fonts.BOLD, size=tile.size, color=color, after=1)),
        (tile.note, _style(size=_TILES.note, color=look.quiet)),
    ]
    return [_paragraph("\n".join(lines), style) for lines, style in texts if lines]


def _bold_width(text: str, size: float) -> float:
    return fonts.width(text, fonts.BOLD, size)


def _paragraph(text: str, style: ParagraphStyle) -> Paragraph:
    if fonts.is_mostly_han(text):
        style = ParagraphStyle(style.name, parent=style, wordWrap="CJK")
    return Paragraph(fonts.markup(text, style.fontName), style)


def _style(
    *,
    size: float,
    color: str,
    font: str = fonts.REGULAR,
    before: float = 0,
    after: float = 0,
) -> ParagraphStyle:
    return ParagraphStyle(
        "text",
        fontName=font,
        fontSize=size,
        leading=size * (1.42 if size < 12 else 1.22),
        textColor=white if color == "#FFFFFF" else HexColor(color),
        spaceBefore=before,
        spaceAfter=after,
    )
