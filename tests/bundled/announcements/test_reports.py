"""What people reported of other readers of PDFs, tried on ours; the table in README.md names the reports."""

from __future__ import annotations

import io
import zlib
from collections.abc import Sequence

import pytest
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from rowcrew.bundled.announcements.pdf_text import page_texts
from rowcrew.bundled.announcements.rules.figures import figures_of
from rowcrew.bundled.announcements.rules.sentences import sentences_of
from rowcrew.context import PermanentError

LETTER = "The Company has received an order worth Rs. 72.62 crore from Falcon Rail Corporation."


def texts(content: bytes) -> list[str]:
    return page_texts(io.BytesIO(content), lambda number, count: None)


def pdf_of_objects(objects: Sequence[bytes]) -> bytes:
    """A PDF of these objects, the first of which is its root."""
    content, places = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, start=1):
        places.append(len(content))
        content += b"%d 0 obj\n%b\nendobj\n" % (number, one)
    rows = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(objects) + 1
    tail = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (count, len(content))
    return content + b"xref\n0 %d\n0000000000 65535 f \n" % count + rows + tail


def test_words_that_were_placed_one_by_one_are_a_sentence_again() -> None:
    content = io.BytesIO()
    canvas, place = Canvas(content), 40.0
    for word in LETTER.split():
        canvas.drawString(place, 700, word)
        place += stringWidth(word, "Helvetica", 12) + 3
    canvas.save()
    pages = texts(content.getvalue())
    (figure,) = figures_of(sentences_of(pages[0]), pages)
    assert (figure.value, figure.quote) == ("726200000", LETTER)


@pytest.mark.parametrize(
    "content",
    [
        b"%PDF-1.4\n1 0 obj\n<< /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [3 0 R",
        b"%PDF-1.4\n1 0 obj\n<< /Pages << /Kids [ << \nendobj\ntrailer\n<< /Root 1 0 R \nstartxref\n9\n%%EOF",
        pdf_of_objects([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [2 0 R] /Count 1 >>"]),
    ],
    ids=["an array breaks off", "brackets do not match", "a page tree in a circle"],
)
def test_a_file_that_is_no_whole_ends_the_job_and_not_the_reader(content: bytes) -> None:
    with pytest.raises(PermanentError, match="the PDF"):
        texts(content)


def test_a_small_file_that_unpacks_to_a_quarter_of_a_gigabyte_has_no_text() -> None:
    packer = zlib.compressobj(9)
    once = b"".join(packer.compress(bytes(2**20)) for _ in range(256)) + packer.flush()
    packed = zlib.compress(once, 9)
    filters = b"<< /Length %d /Filter [/FlateDecode /FlateDecode] >>" % len(packed)
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R /Resources << >> >>"
    pages = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
    content = b"%b\nstream\n%b\nendstream" % (filters, packed)
    file = pdf_of_objects([b"<< /Type /Catalog /Pages 2 0 R >>", pages, page, content])
    assert len(file) < 2_000
    assert texts(file) == [""]
