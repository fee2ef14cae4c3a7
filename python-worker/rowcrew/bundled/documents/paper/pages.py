"""Prints a document: its story, on as many sheets as it needs.

In: a `Document` and how it should look. Out: the PDF's bytes and how many pages it has. The same document
gives the same bytes. Called by `pdf_export`.
"""

from __future__ import annotations

import io
from typing import Any

from reportlab import rl_config
from reportlab.platypus import BaseDocTemplate

from rowcrew.bundled.documents.document import Document
from rowcrew.bundled.documents.paper import fonts
from rowcrew.bundled.documents.paper.sheet import CountedCanvas, OnPage, Paper, one_line, page_templates
from rowcrew.bundled.documents.paper.story import story_of


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
        title=one_line(document.title),
        subject=one_line(document.subtitle),
        creator="Rowcrew",
        author="",
        lang=paper.numbers.locale,
        displayDocTitle=1,
        invariant=1,
        initialFontName=fonts.REGULAR,
    )
    template.addPageTemplates(page_templates(paper))
    template.build(story_of(document, paper), canvasmaker=canvas_maker)
    return file.getvalue(), canvases[-1].pages
