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
from pptx.enum.text import MSO_ANCHOR, MSO_AUTO_SIZE, PP_ALIGN
from pptx.oxml.ns import qn
from pptx.slide import Slide, SlideLayout
from pptx.table import _Cell as Cell
from pptx.text.text import TextFrame
from pptx.util import Emu, Inches, Pt

from rowcrew.bundled.documents.document import Document, Figure
from rowcrew.bundled.documents.look import Look
from rowcrew.bundled.documents.number_format import NumberFormat
from rowcrew.bundled.documents.slides.charts import add_chart, rgb
from rowcrew.bundled.documents.slides.plan import (
    CAPTION_HEIGHT,
    CELL_SIDE,
    CELL_SIZE,
    FIGURES_IN_A_ROW,
    GAP,
    POINTS,
    TEXT_BESIDE_CHART,
    TEXT_SIZE,
    Content,
    Grid,
    Plan,
    Room,
    figures_height,
    plans_of,
    texts_height,
)
from rowcrew.bundled.documents.slides.repack import repacked
from rowcrew.bundled.documents.written import cleaned, ems, figure_text, is_negative

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
    properties.title, properties.author = cleaned(document.title), ""
    properties.subject, properties.last_modified_by = cleaned(document.subtitle), "Rowcrew"
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
        _add_block(slide, 0, 0, 0.3, deck.height, look.strong)
    _add_block(slide, MARGIN + 0.1, deck.height * 0.33, 0.7, 0.06, look.accent)
    title = slide.shapes.title
    assert title is not None, "the layout has a title"
    size = 40 if ems(document.title) <= 16 else 28 if ems(document.title) <= 40 else 20
    lines = math.ceil(ems(document.title) * size / POINTS / deck.room.width)
    title_height = lines * size * 1.25 / POINTS + 0.15
    title.left, title.top = Inches(MARGIN), Inches(deck.height * 0.36)
    title.width, title.height = Inches(deck.room.width), Inches(title_height)
    _write_title(title.text_frame, document.title, words, size)
    title.text_frame.vertical_anchor = MSO_ANCHOR.TOP
    below = _add_text_box(slide, MARGIN, deck.height * 0.37 + title_height, deck.room.width, 1.2)
    quiet = "#FFFFFF" if look.has_cover else look.quiet
    _write(below, document.subtitle, size=18, color=quiet)
    if document.footer:
        _write(below, document.footer, size=12, color=quiet, new_paragraph=True)


def _add_slide(slide: Slide, plan: Plan, document: Document, deck: Deck) -> None:
    title = slide.shapes.title
    assert title is not None, "the layout has a title"
    size = 26 if ems(plan.title) <= 60 else 18
    _write_title(title.text_frame, plan.title, deck.look.strong, size)
    _add_block(slide, 0, 0, deck.width, 0.14, deck.look.strong)
    _add_footer(slide, document, deck)
    match plan:
        case Content():
            _add_content(slide, plan, deck)
        case Grid():
            _add_grid(slide, plan, _TOP - 0.1, deck)


def _add_footer(slide: Slide, document: Document, deck: Deck) -> None:
    top = deck.height - 0.48
    if document.footer:
        words = _add_text_box(slide, MARGIN, top, deck.room.width - 1.2, 0.3)
        _write(words, document.footer, size=10, color=deck.look.quiet)
    number = _add_text_box(slide, deck.width - MARGIN - 1, top, 1, 0.3)
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
    _add_figures(slide, plan.figures, deck)
    used = figures_height(len(plan.figures))
    top, height = _TOP + used, room.height - used
    if plan.grid is not None:
        height = height - plan.grid.height - GAP if plan.chart else texts_height(plan.text, room.width)
        _add_grid(slide, plan.grid, top + height + GAP / 2, deck)
    text_width = room.width
    if plan.chart is not None:
        text_width = room.width * TEXT_BESIDE_CHART if plan.text else 0.0
        left = text_width + (GAP if plan.text else 0.0)
        box = (Inches(MARGIN + left), Inches(top), Inches(room.width - left), Inches(height))
        add_chart(slide, plan.chart, box, deck.look, deck.numbers)
    if plan.text:
        frame = _add_text_box(slide, MARGIN, top, text_width, height)
        for place, text in enumerate(plan.text):
            _write_paragraph(frame, text, deck.look, first=place == 0)


def _add_figures(slide: Slide, figures: tuple[Figure, ...], deck: Deck) -> None:
    rows = -(-len(figures) // FIGURES_IN_A_ROW)
    beside = -(-len(figures) // rows) if rows else 1
    width = (deck.room.width - GAP * (beside - 1)) / beside
    sizes = [_figure_size(figure_text(figure, deck.numbers), width) for figure in figures]
    for place, figure in enumerate(figures):
        row, column = divmod(place, beside)
        left, top = MARGIN + column * (width + GAP), _TOP + row * 1.15
        _add_block(slide, left, top, width, 1.0, deck.look.wash)
        _add_block(slide, left, top, 0.05, 1.0, deck.look.accent)
        frame = _add_text_box(slide, left + 0.15, top + 0.06, width - 0.2, 0.9)
        color = deck.look.negative if is_negative(figure) else deck.look.strong
        _write(frame, figure.label, size=11, color=deck.look.quiet)
        text = figure_text(figure, deck.numbers)
        _write(frame, text, size=min(sizes), color=color, bold=True, new_paragraph=True)
        if figure.note:
            _write(frame, figure.note, size=10, color=deck.look.quiet, new_paragraph=True)


def _figure_size(text: str, width: float) -> int:
    return next((size for size in (24, 20, 16, 12) if ems(text) * size / 72 <= width - 0.25), 9)


def _add_grid(slide: Slide, plan: Grid, top: float, deck: Deck) -> None:
    if plan.caption:
        caption = _add_text_box(slide, MARGIN, top, deck.room.width, 0.3)
        _write(caption, plan.caption, size=12, color=deck.look.quiet, bold=True)
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
            color = deck.look.negative if place in plan.cells.negative[number] else deck.look.ink
            cell = table.cell(row + 1, column)
            _write_cell(cell, plan.rows[row][column], color, align, bold=number in plan.cells.bold)
            _underline(cell, deck.look.hairline, 0.5)


def _write_cell(cell: Cell, text: str, color: str, align: PP_ALIGN, *, bold: bool) -> None:
    cell.margin_left = cell.margin_right = Inches(CELL_SIDE)
    cell.margin_top = cell.margin_bottom = Inches(0.03)
    cell.vertical_anchor = MSO_ANCHOR.MIDDLE
    _write(cell.text_frame, text, size=CELL_SIZE, color=color, bold=bold)
    for paragraph in cell.text_frame.paragraphs:
        paragraph.alignment = align


def _underline(cell: Cell, color: str, points: float) -> None:
    """A line below the cell; the library has no word for it."""
    properties: Any = cell._tc.get_or_add_tcPr()
    line = properties.makeelement(qn("a:lnB"), {"w": str(Pt(points)), "cap": "flat"})
    fill = line.makeelement(qn("a:solidFill"), {})
    fill.append(line.makeelement(qn("a:srgbClr"), {"val": color[1:]}))
    line.append(fill)
    properties.insert(0, line)


def _add_block(slide: Slide, left: float, top: float, width: float, height: float, color: str) -> None:
    # A box for text has no outline and no shadow, whatever the theme gives to shapes.
    box = slide.shapes.add_textbox(Inches(left), Inches(top), Inches(width), Inches(height))
    box.fill.solid()
    box.fill.fore_color.rgb = rgb(color)


def _add_text_box(slide: Slide, left: float, top: float, width: float, height: float) -> TextFrame:
    box = slide.shapes.add_textbox(Inches(left), Inches(top), Inches(width), Inches(height))
    frame: TextFrame = box.text_frame
    frame.word_wrap = True
    frame.auto_size = MSO_AUTO_SIZE.NONE
    frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = Emu(0)
    return frame


def _write_title(frame: TextFrame, text: str, color: str, size: float) -> None:
    frame.word_wrap = True
    frame.auto_size = MSO_AUTO_SIZE.NONE
    frame.vertical_anchor = MSO_ANCHOR.MIDDLE
    frame.margin_left = frame.margin_right = Emu(0)
    _write(frame, " ".join(text.split()), size=size, color=color, bold=True)
    for paragraph in frame.paragraphs:
        paragraph.alignment = PP_ALIGN.LEFT


def _write_paragraph(frame: TextFrame, text: str, look: Look, *, first: bool) -> None:
    words = f"•  {text[2:]}" if text.startswith("- ") else text
    _write(frame, words, size=TEXT_SIZE, color=look.ink, new_paragraph=not first)
    frame.paragraphs[-1].space_after = Pt(6)


def _write(
    frame: TextFrame, text: str, *, size: float, color: str, bold: bool = False, new_paragraph: bool = False
) -> None:
    paragraph = frame.add_paragraph() if new_paragraph else frame.paragraphs[0]
    for place, line in enumerate(cleaned(text).split("\n")):
        if place:
            paragraph.add_line_break()
        run = paragraph.add_run()
        run.text = line
        run.font.size, run.font.bold = Pt(size), bold
        run.font.color.rgb = rgb(color)
