"""Slides: the title's, then one for each plan, with a title that outlines know and the slide's number.

In: a `Document` and how it should look. Out: the PPTX's bytes and how many slides it has. The same document
gives the same bytes. `on_slide` hears of every slide before it is made.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from typing import Any, Final, Literal

import msgspec
from pptx import Presentation
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.oxml.ns import qn
from pptx.slide import Slide, SlideLayout
from pptx.table import _Cell as Cell
from pptx.text.text import TextFrame
from pptx.util import Inches, Pt

from rowcrew.bundled.documents.document import Document
from rowcrew.bundled.documents.lines import fitted
from rowcrew.bundled.documents.look import Look
from rowcrew.bundled.documents.number_format import NumberFormat
from rowcrew.bundled.documents.slides.charts import add_chart, rgb
from rowcrew.bundled.documents.slides.plan import (
    CAPTION_HEIGHT,
    CELL_LINE,
    CELL_SIDE,
    CELL_SIZE,
    GAP,
    ROW_HEIGHT,
    TEXT_BESIDE_CHART,
    TILE_EDGE,
    Content,
    Divider,
    Grid,
    Plan,
    Room,
    figures_height,
    plans_of,
    row_height,
)
from rowcrew.bundled.documents.slides.repack import repacked
from rowcrew.bundled.documents.slides.texts import texts_height, width_of
from rowcrew.bundled.documents.slides.words import (
    add_block,
    add_text_box,
    write,
    write_paragraph,
    write_title,
)
from rowcrew.bundled.documents.tiles import Tile, TileStyle
from rowcrew.bundled.documents.written import POINTS, cleaned, ems

SlideSize = Literal["16:9", "4:3", "A4", "Letter"]
OnSlide = Callable[[int, int], None]

MARGIN: Final = 0.6
_TOP: Final = 1.35
_BOTTOM: Final = 0.65
_SIZES: Final[dict[SlideSize, tuple[float, float]]] = {
    "16:9": (13.333, 7.5),
    "4:3": (10.0, 7.5),
    "A4": (11.693, 8.268),
    "Letter": (11.0, 8.5),
}
_TITLE_ONLY: Final = 5
# The library refuses more; titles on slides stay whole.
_LONGEST_PROPERTY: Final = 255
_MANY_LINES: Final = 2
_FOOTER_SIZE: Final = 10
# The style of tables that brings neither lines nor colours of its own.
_NO_STYLE: Final = "{2D5ABB26-0587-4C30-8999-92F81FD0307C}"


class Deck(msgspec.Struct, frozen=True, kw_only=True):
    """How a document is shown."""

    look: Look
    numbers: NumberFormat
    slide_size: SlideSize

    @property
    def width(self) -> float:
        return _SIZES[self.slide_size][0]

    @property
    def height(self) -> float:
        return _SIZES[self.slide_size][1]

    @property
    def room(self) -> Room:
        return Room(self.width - 2 * MARGIN, self.height - _TOP - _BOTTOM)


def shown(document: Document, deck: Deck, on_slide: OnSlide) -> tuple[bytes, int]:
    """The document as PPTX, and its number of slides."""
    plans = list(plans_of(document, deck.room, deck.numbers))
    total = len(plans) + 1
    presentation: Any = Presentation()
    presentation.slide_width, presentation.slide_height = Inches(deck.width), Inches(deck.height)
    layout = presentation.slide_layouts[_TITLE_ONLY]
    _prepare(layout, deck)
    properties = presentation.core_properties
    properties.title, properties.author = cleaned(document.title)[:_LONGEST_PROPERTY], ""
    properties.subject = cleaned(document.subtitle)[:_LONGEST_PROPERTY]
    properties.last_modified_by = "Rowcrew"
    on_slide(1, total)
    _add_title_slide(presentation.slides.add_slide(layout), document, deck)
    for number, plan in enumerate(plans, start=2):
        on_slide(number, total)
        _add_slide(presentation.slides.add_slide(layout), plan, document, deck)
    file = io.BytesIO()
    presentation.save(file)
    return repacked(file.getvalue()), total


def _prepare(layout: SlideLayout, deck: Deck) -> None:
    """Keep the layout's title, in our place; its date, footer and number would be empty boxes."""
    for placeholder in list(layout.placeholders):
        if placeholder.placeholder_format.idx == 0:
            placeholder.left, placeholder.top = Inches(MARGIN), Inches(0.42)
            placeholder.width, placeholder.height = Inches(deck.room.width), Inches(0.75)
        else:
            placeholder._element.getparent().remove(placeholder._element)


def _add_title_slide(slide: Slide, document: Document, deck: Deck) -> None:
    look = deck.look
    words = "#FFFFFF" if look.has_cover else look.strong
    if look.has_cover:
        slide.background.fill.solid()
        slide.background.fill.fore_color.rgb = rgb(look.strong)
    else:
        add_block(slide, 0, 0, 0.3, deck.height, look.strong)
    add_block(slide, MARGIN + 0.1, deck.height * 0.33, 0.7, 0.06, look.accent)
    title = slide.shapes.title
    assert title is not None, "the layout has a title"
    size = 40 if ems(document.title) <= 16 else 28 if ems(document.title) <= 40 else 20
    lines = math.ceil(ems(document.title) * size / POINTS / deck.room.width)
    title_height = lines * size * 1.25 / POINTS + 0.15
    title.left, title.top = Inches(MARGIN), Inches(deck.height * 0.36)
    title.width, title.height = Inches(deck.room.width), Inches(title_height)
    write_title(title.text_frame, document.title, words, size)
    title.text_frame.vertical_anchor = MSO_ANCHOR.TOP
    below = add_text_box(slide, MARGIN, deck.height * 0.37 + title_height, deck.room.width, 1.2)
    quiet = "#FFFFFF" if look.has_cover else look.quiet
    write(below, document.subtitle, size=18, color=quiet)
    if document.footer:
        write(below, document.footer, size=12, color=quiet, new_paragraph=True)


def _add_slide(slide: Slide, plan: Plan, document: Document, deck: Deck) -> None:
    title = slide.shapes.title
    assert title is not None, "the layout has a title"
    size = 26 if ems(plan.title) <= 60 else 18
    write_title(title.text_frame, plan.title, deck.look.strong, size)
    add_block(slide, 0, 0, deck.width, 0.14, deck.look.strong)
    _add_footer(slide, document, deck)
    match plan:
        case Divider():
            _set_apart(title, deck)
            add_block(slide, MARGIN, deck.height * 0.36, 0.7, 0.06, deck.look.accent)
        case Content():
            _add_content(slide, plan, deck)
        case Grid():
            _add_grid(slide, plan, _TOP - 0.1, deck)


def _set_apart(title: Any, deck: Deck) -> None:
    """The title of a part alone on its slide."""
    title.left, title.top = Inches(MARGIN), Inches(deck.height * 0.38)
    title.width, title.height = Inches(deck.room.width), Inches(deck.height * 0.3)
    title.text_frame.vertical_anchor = MSO_ANCHOR.TOP
    for run in title.text_frame.paragraphs[0].runs:
        run.font.size = Pt(36 if ems(title.text) <= 30 else 24)


def _add_footer(slide: Slide, document: Document, deck: Deck) -> None:
    top = deck.height - 0.48
    if document.footer:
        width = deck.room.width - 1.2
        words = add_text_box(slide, MARGIN, top, width, 0.3)
        line = fitted(" ".join(document.footer.split()), width, lambda text: width_of(text, _FOOTER_SIZE))
        write(words, line, size=_FOOTER_SIZE, color=deck.look.quiet)
    number = add_text_box(slide, deck.width - MARGIN - 1, top, 1, 0.3)
    paragraph: Any = number.paragraphs[0]
    paragraph.alignment = PP_ALIGN.RIGHT
    run = paragraph.add_run()
    run.font.size, run.font.color.rgb = Pt(10), rgb(deck.look.quiet)
    # A field, not the number as it is now: people move slides.
    element = run._r
    field = element.makeelement(
        qn("a:fld"), {"id": "{B6F15528-21DE-4FAA-801E-634DDDAF4B2B}", "type": "slidenum"}
    )
    for child in list(element):
        field.append(child)
    element.getparent().replace(element, field)


def _add_content(slide: Slide, plan: Content, deck: Deck) -> None:
    room = deck.room
    used = _add_tiles(slide, plan, deck)
    top, height = _TOP + used, room.height - used
    if plan.grid is not None:
        height = height - plan.grid.height - GAP if plan.chart else texts_height(plan.text, room.width)
        _add_grid(slide, plan.grid, top + height + GAP / 2, deck)
    text_width = room.width
    if plan.chart is not None:
        text_width = room.width * TEXT_BESIDE_CHART if plan.text else 0.0
        left = text_width + (GAP if plan.text else 0.0)
        box = (Inches(MARGIN + left), Inches(top), Inches(room.width - left), Inches(height))
        add_chart(slide, plan.chart, box, deck.look, deck.numbers, title=plan.chart_title)
    if plan.text:
        frame = add_text_box(slide, MARGIN, top, text_width, height)
        size = plan.text_size(room, deck.numbers)
        for place, text in enumerate(plan.text):
            write_paragraph(frame, text, size, deck.look.ink, first=place == 0)


def _add_tiles(slide: Slide, plan: Content, deck: Deck) -> float:
    """The plan's figures; how much room they take."""
    rows, style, top = plan.rows(deck.room, deck.numbers), plan.tile_style, _TOP
    for row in rows:
        height = row_height(row, style)
        for place, tile in enumerate(row.tiles):
            left = MARGIN + place * (row.width + style.gap)
            add_block(slide, left, top, row.width, height, deck.look.wash)
            add_block(slide, left, top, 0.05, height, deck.look.accent)
            width = row.width - style.padding / 2
            frame = add_text_box(slide, left + style.padding / 2, top + TILE_EDGE, width, height - TILE_EDGE)
            _write_tile(frame, tile, style, deck.look)
        top += height + style.gap
    return figures_height(rows, style)


def _write_tile(frame: TextFrame, tile: Tile, style: TileStyle, look: Look) -> None:
    write(frame, " ".join(tile.label), size=style.label, color=look.quiet)
    color = look.negative if tile.is_negative else look.strong
    write(frame, " ".join(tile.value), size=tile.size, color=color, bold=True, new_paragraph=True)
    if tile.note:
        write(frame, " ".join(tile.note), size=style.note, color=look.quiet, new_paragraph=True)


def _add_grid(slide: Slide, plan: Grid, top: float, deck: Deck) -> None:
    if plan.caption:
        caption = add_text_box(slide, MARGIN, top, deck.room.width, 0.3)
        write(caption, plan.caption, size=12, color=deck.look.quiet, bold=True)
        top += CAPTION_HEIGHT
    shape = slide.shapes.add_table(
        len(plan.rows) + 1, len(plan.places), Inches(MARGIN), Inches(top), Inches(deck.room.width), Inches(1)
    )
    shape.name = cleaned(plan.caption) or "Table"
    table = shape.table
    table.horz_banding = False
    for style in shape._element.iter(qn("a:tableStyleId")):
        style.text = _NO_STYLE
    for place, width in enumerate(plan.widths):
        table.columns[place].width = Inches(width)
    for row, height in enumerate(plan.heights):
        table.rows[row].height = Inches(height)
    for column, place in enumerate(plan.places):
        align = PP_ALIGN.LEFT if plan.cells.wraps(place) else PP_ALIGN.RIGHT
        head = table.cell(0, column)
        _write_cell(head, plan.cells.columns[place].label, deck.look.strong, align, bold=True)
        _underline(head, deck.look.strong, 1.25)
        for row, number in enumerate(plan.numbers_of_rows):
            tall = plan.heights[row + 1] > ROW_HEIGHT + (_MANY_LINES - 0.5) * CELL_LINE
            anchor = MSO_ANCHOR.TOP if tall else MSO_ANCHOR.MIDDLE
            color = deck.look.negative if place in plan.cells.negative[number] else deck.look.ink
            cell = table.cell(row + 1, column)
            _write_cell(cell, plan.rows[row][column], color, align, bold=number in plan.cells.bold)
            cell.vertical_anchor = anchor
            _underline(cell, deck.look.hairline, 0.5)


def _write_cell(cell: Cell, text: str, color: str, align: PP_ALIGN, *, bold: bool) -> None:
    cell.margin_left = cell.margin_right = Inches(CELL_SIDE)
    cell.margin_top = cell.margin_bottom = Inches(0.03)
    cell.vertical_anchor = MSO_ANCHOR.MIDDLE
    write(cell.text_frame, text, size=CELL_SIZE, color=color, bold=bold, align=align)


def _underline(cell: Cell, color: str, points: float) -> None:
    """A line below the cell; the library has no word for it."""
    properties: Any = cell._tc.get_or_add_tcPr()
    line = properties.makeelement(qn("a:lnB"), {"w": str(Pt(points)), "cap": "flat"})
    fill = line.makeelement(qn("a:solidFill"), {})
    fill.append(line.makeelement(qn("a:srgbClr"), {"val": color[1:]}))
    line.append(fill)
    properties.insert(0, line)
