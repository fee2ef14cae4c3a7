"""Pages: paper, margins, cover, header, footer and bookmarks around the flow of a document's parts.

In: a `Document` and how it should look. Out: the PDF's bytes and how many pages it has. The same document
gives the same bytes. `on_page` hears of every page twice: laid out, then, the number of pages known, drawn.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

import msgspec
from reportlab import rl_config
from reportlab.lib.colors import HexColor, white
from reportlab.lib.pagesizes import A4, LETTER
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    KeepTogether,
    NextPageTemplate,
    PageBreak,
    PageTemplate,
    Paragraph,
    Spacer,
    TableStyle,
)
from reportlab.platypus import Table as Grid

from rowcrew.bundled.documents.document import Chart, Document, Figure, Section, Table, paragraphs
from rowcrew.bundled.documents.lines import fitted
from rowcrew.bundled.documents.look import Look
from rowcrew.bundled.documents.number_format import NumberFormat
from rowcrew.bundled.documents.paper import charts, fonts, tables
from rowcrew.bundled.documents.paper.flow import SharedPage
from rowcrew.bundled.documents.tiles import Tile, TileStyle, tile_rows
from rowcrew.bundled.documents.written import chart_title

PageSize = Literal["A4", "Letter"]
OnPage = Callable[[int, int | None], None]

MARGIN: Final = 56.0
_TOP: Final = 64.0
_BOTTOM: Final = 60.0
_SIZES: Final[dict[PageSize, tuple[float, float]]] = {"A4": A4, "Letter": LETTER}
_TILES: Final = TileStyle(label=8, values=(18, 16, 14, 12, 10), note=7.5, gap=10, padding=16)
# The caption of a table with the space around it.
_CAPTION_ROOM: Final = 26.0


class Paper(msgspec.Struct, frozen=True, kw_only=True):
    """How a document is printed."""

    look: Look
    numbers: NumberFormat
    page_size: PageSize

    @property
    def width(self) -> float:
        return _SIZES[self.page_size][0]

    @property
    def height(self) -> float:
        return _SIZES[self.page_size][1]

    @property
    def inner_width(self) -> float:
        return self.width - 2 * MARGIN

    @property
    def inner_height(self) -> float:
        return self.height - _TOP - _BOTTOM


def printed(document: Document, paper: Paper, on_page: OnPage) -> tuple[bytes, int]:
    """The document as PDF, and its number of pages."""
    fonts.register()
    rl_config.useA85 = 0  # text armour, a quarter more bytes, for mail systems of the last century
    file = io.BytesIO()
    canvases: list[CountedCanvas] = []

    def canvas_maker(*positional: Any, **options: Any) -> CountedCanvas:
        canvases.append(
            CountedCanvas(*positional, document=document, paper=paper, on_page=on_page, **options)
        )
        return canvases[-1]

    template = BaseDocTemplate(
        file,
        pagesize=(paper.width, paper.height),
        title=_one_line(document.title),
        subject=_one_line(document.subtitle),
        creator="Rowcrew",
        author="",
        lang=paper.numbers.locale,
        displayDocTitle=1,
        invariant=1,
        initialFontName=fonts.REGULAR,
    )
    template.addPageTemplates(_page_templates(paper))
    template.build(_story(document, paper), canvasmaker=canvas_maker)
    return file.getvalue(), canvases[-1].pages


class CountedCanvas(Canvas):
    """A canvas that keeps its pages until the last is laid out: only then can a footer say "Page 3 of 9"."""

    def __init__(
        self, *positional: Any, document: Document, paper: Paper, on_page: OnPage, **options: Any
    ) -> None:
        super().__init__(*positional, **options)
        self._document = document
        self._paper = paper
        self._on_page = on_page
        self._laid_out: list[dict[str, Any]] = []
        self._bookmarks: list[tuple[int, str, float]] = []

    @property
    def pages(self) -> int:
        return len(self._laid_out)

    def bookmark(self, title: str, y: float) -> None:
        """Let the outline lead to this place of the page that is being laid out."""
        self._bookmarks.append((self.pages, title, y))

    def showPage(self) -> None:  # noqa: N802 - the name that reportlab calls
        self._on_page(self.pages + 1, None)
        self._laid_out.append(dict(self.__dict__))
        self._startPage()  # type: ignore[attr-defined]

    def save(self) -> None:
        pages = self._laid_out
        for number, state in enumerate(pages, start=1):
            self.__dict__.update(state)
            self._on_page(number, len(pages))
            self._add_outline(number)
            if number > 1 or not self._paper.look.has_cover:
                self._draw_footer(number, len(pages))
            if number > 1:
                self._draw_header()
            super().showPage()
        super().save()

    def _add_outline(self, number: int) -> None:
        for place, (page, title, y) in enumerate(self._bookmarks):
            if page == number - 1:
                self.bookmarkPage(str(place), fit="XYZ", top=y)
                self.addOutlineEntry(title, str(place), level=0)

    def _draw_header(self) -> None:
        paper = self._paper
        y = paper.height - 38
        title = _fitted(self._document.title, paper.inner_width)
        self._draw_line(MARGIN, y, title, paper.look.quiet)
        self.setStrokeColor(HexColor(paper.look.hairline))
        self.setLineWidth(0.4)
        self.line(MARGIN, y - 7, paper.width - MARGIN, y - 7)

    def _draw_footer(self, number: int, pages: int) -> None:
        paper = self._paper
        where = f"Page {number} of {pages}"
        width = fonts.width(where, fonts.REGULAR, 8)
        self._draw_line(paper.width - MARGIN - width, 34, where, paper.look.quiet)
        self._draw_line(
            MARGIN, 34, _fitted(self._document.footer, paper.inner_width - width - 24), paper.look.quiet
        )

    def _draw_line(self, x: float, y: float, text: str, color: str) -> None:
        self.setFillColor(HexColor(color))
        for font, part in fonts.runs(text, fonts.REGULAR):
            self.setFont(font, 8)
            self.drawString(x, y, part)
            x += fonts.width(part, font, 8)


class _Heading(Paragraph):
    """A section's heading, which also stands in the outline."""

    def __init__(self, text: str, style: ParagraphStyle) -> None:
        super().__init__(fonts.markup(text, fonts.BOLD), style)
        self._outline = _one_line(text)

    def draw(self) -> None:
        y = self.canv.absolutePosition(0, self.height)[1]
        assert isinstance(self.canv, CountedCanvas), "the document is built with it"
        self.canv.bookmark(self._outline, y + 12)
        super().draw()


def _page_templates(paper: Paper) -> list[PageTemplate]:
    body = Frame(
        MARGIN, _BOTTOM, paper.inner_width, paper.inner_height,
        leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0,
    )  # fmt: skip
    later = PageTemplate("later", [body])
    if paper.look.has_cover:
        cover = Frame(MARGIN, paper.height * 0.3, paper.inner_width, paper.height * 0.45, 0, 0, 0, 0)
        return [PageTemplate("cover", [cover], onPage=lambda canvas, _: _draw_cover(canvas, paper)), later]
    first = PageTemplate("first", [body], onPage=lambda canvas, _: _draw_band(canvas, paper))
    first.autoNextPageTemplate = "later"
    return [first, later]


def _draw_cover(canvas: Canvas, paper: Paper) -> None:
    canvas.setFillColor(HexColor(paper.look.strong))
    canvas.rect(0, 0, paper.width, paper.height, stroke=0, fill=1)
    canvas.setFillColor(HexColor(paper.look.accent))
    canvas.rect(MARGIN, paper.height * 0.75 + 14, 44, 4, stroke=0, fill=1)


def _draw_band(canvas: Canvas, paper: Paper) -> None:
    canvas.setFillColor(HexColor(paper.look.strong))
    canvas.rect(0, paper.height - 14, paper.width, 14, stroke=0, fill=1)


def _story(document: Document, paper: Paper) -> list[Flowable]:
    story = _cover(document) if paper.look.has_cover else _title_block(document, paper)
    for number, section in enumerate(document.sections):
        if section.new_page and number:
            story.append(PageBreak())
        if _is_chart_alone(section):
            story.append(_shared_page(section, _charts_alone(document.sections[number + 1 :]), paper))
        else:
            story += _section(section, paper)
    return story


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


def _one_line(text: str) -> str:
    return " ".join("".join(part for _, part in fonts.runs(text, fonts.REGULAR)).split())


def _fitted(text: str, width: float) -> str:
    """The text in one line of this width, cut with an ellipsis if need be."""
    return fitted(_one_line(text), width, lambda line: fonts.width(line, fonts.REGULAR, 8))
