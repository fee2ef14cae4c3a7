"""The PDF of a sample: a letter as companies send it to an exchange.

In: a `Sample`. Out: the bytes of a PDF; the same sample gives the same. Needs reportlab. Called by `jobs` and
tests.
"""

from __future__ import annotations

import io
from typing import Final

from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer

from rowcrew.bundled.announcements.sample.filings import Sample
from rowcrew.bundled.documents.paper.fonts import REGULAR, markup, register

_HEAD: Final = (
    "To\nThe Corporate Relations Department\nBSE Limited, Dalal Street, Mumbai 400 001",
    "Dear Sir/Madam,",
)
_FOOT: Final = (
    "Kindly take the above on your record.",
    "Thanking you,\nYours faithfully,\nFor {company}",
    "Asha Nair\nCompany Secretary and Compliance Officer\nMembership No. A99999",
)


def pdf_of(sample: Sample) -> bytes:
    """The letter, on as many pages as it takes."""
    register()
    style = ParagraphStyle("letter", fontName=REGULAR, fontSize=10.5, leading=14, spaceAfter=8)
    content = io.BytesIO()
    letter = SimpleDocTemplate(content, pagesize=A4, invariant=1, title=sample.company)
    foot = (paragraph.format(company=sample.company) for paragraph in _FOOT)
    story = [Paragraph(markup(text, REGULAR), style) for text in (*_HEAD, *sample.paragraphs, *foot)]
    letter.build([Spacer(1, 20), *story])
    return content.getvalue()
