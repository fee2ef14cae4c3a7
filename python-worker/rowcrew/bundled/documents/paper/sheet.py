"""The sheet around a document's parts: paper, margins, cover, header, footer and bookmarks.

In: a `Document` and how it is printed. Out: the canvas and the page templates that reportlab draws with.
`on_page` hears of every page twice: laid out, then, the number of pages known, drawn. Called by `pages`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal

import msgspec
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4, LETTER
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Frame, PageTemplate

from rowcrew.bundled.documents.document import Document
from rowcrew.bundled.documents.lines import fitted
from rowcrew.bundled.documents.look import Look
from rowcrew.bundled.documents.number_format import NumberFormat
from rowcrew.bundled.documents.paper import fonts

PageSize = Literal["A4", "Letter"]
OnPage = Callable[[int, int | None], None]

MARGIN: Final = 56.0
_TOP: Final = 64.0
_BOTTOM: Final = 60.0
_SIZES: Final[dict[PageSize, tuple[float, float]]] = {"A4": A4, "Letter": LETTER}


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


def page_templates(paper: Paper) -> list[PageTemplate]:
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


def one_line(text: str) -> str:
    return " ".join("".join(part for _, part in fonts.runs(text, fonts.REGULAR)).split())


def _fitted(text: str, width: float) -> str:
    """The text in one line of this width, cut with an ellipsis if need be."""
    return fitted(one_line(text), width, lambda line: fonts.width(line, fonts.REGULAR, 8))
