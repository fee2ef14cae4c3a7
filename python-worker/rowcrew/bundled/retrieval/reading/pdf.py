"""The text of a PDF, page after page, by pypdf.

In: the file. Out: its text. Called by `reading`.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

from rowcrew.bundled.files.pdf import faults_explained, opened_pdf
from rowcrew.context import PermanentError


def text_of_pdf(content: bytes, most_characters: int, stop: Callable[[], None]) -> str:
    """The text of all pages.

    Raises:
        PermanentError: it is damaged, needs a password, has no text at all, or too much of it.
    """
    pages: list[str] = []
    length = 0
    for number, page in enumerate(_pages(content), start=1):
        stop()
        pages.append(page)
        length += len(page)
        if length > most_characters:
            raise PermanentError(f"the PDF has more than {most_characters:,} characters up to page {number}")
    if not any(page.strip() for page in pages):
        raise PermanentError(
            f"none of the PDF's {len(pages)} pages has text: they are pictures, or empty;"
            " have text recognised in them first (OCR)"
        )
    return "\n\n".join(pages)


def _pages(content: bytes) -> Iterator[str]:
    reader = opened_pdf(io.BytesIO(content))
    with faults_explained():
        for page in reader.pages:
            yield page.extract_text().strip("\n")
