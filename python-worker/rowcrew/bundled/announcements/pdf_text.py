"""The text of a PDF, page by page.

In: an open file out of anybody's hands. Out: the texts of its pages. A file that no later attempt will read
either is a permanent error that says why. Called by `ai_processing`, in a process of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO, TYPE_CHECKING, Final

from rowcrew.bundled.files.pdf import faults_explained, opened_pdf
from rowcrew.context import PermanentError

if TYPE_CHECKING:
    from pypdf import PageObject, PdfReader

MOST_PAGES: Final = 300
MOST_CHARACTERS: Final = 2_000_000
# Readers take a file whose mark comes later than at its very beginning.
_MARK: Final = b"%PDF-"
_MARK_WITHIN: Final = 1_024
_MANY_LINES: Final = 8
_WORDS_OF_TORN_LINES: Final = 1.5


def page_texts(file: IO[bytes], told: Callable[[int, int], None]) -> list[str]:
    """The texts of the pages; empty ones for pages that are only pictures.

    Args:
        told: is called with the number of each page, and how many there are.

    Raises:
        PermanentError: it is no PDF, encrypted, damaged, or too long.
    """
    _require_mark(file)
    reader = opened_pdf(file)
    with faults_explained():
        count = len(reader.pages)
    if count > MOST_PAGES:
        raise PermanentError(f"the PDF has {count:,} pages, more than the {MOST_PAGES:,} allowed")
    return list(_texts(reader, count, told))


def _texts(reader: PdfReader, count: int, told: Callable[[int, int], None]) -> Iterator[str]:
    characters = 0
    for number in range(count):
        told(number + 1, count)
        with faults_explained():
            text = _text(reader.pages[number])
        characters += len(text)
        if characters > MOST_CHARACTERS:
            raise PermanentError(f"the PDF has more than {MOST_CHARACTERS:,} characters of text")
        yield text


def _text(page: PageObject) -> str:
    text = page.extract_text()
    if _is_torn(text):
        text = page.extract_text(extraction_mode="layout")
    return text.replace("\x00", "")


def _is_torn(text: str) -> bool:
    """Whether nearly every word stands in a line of its own: who made the file placed words, not lines."""
    lines = [line for line in text.splitlines() if line.strip()]
    return len(lines) >= _MANY_LINES and len(text.split()) < _WORDS_OF_TORN_LINES * len(lines)


def _require_mark(file: IO[bytes]) -> None:
    start = file.read(_MARK_WITHIN)
    file.seek(0)
    if _MARK not in start:
        kind = "a web page" if b"<html" in start.lower() or b"<!doctype" in start.lower() else "no PDF"
        raise PermanentError(f"the file is {kind}, whatever it is called; give the address of the PDF itself")
