"""The text of a PDF, page by page.

In: an open file out of anybody's hands. Out: the texts of its pages. A file that no later attempt will read
either is a permanent error that says why. Called by `ai_processing`, in a process of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Final

from rowcrew.context import PermanentError

if TYPE_CHECKING:
    from pypdf import PdfReader

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
        PermanentError: it is no PDF, encrypted, broken, or too long.
    """
    _require_mark(file)
    with _explained():
        reader = _opened(file)
        count = len(reader.pages)
        if count > MOST_PAGES:
            raise PermanentError(f"the PDF has {count:,} pages, more than the {MOST_PAGES:,} allowed")
        return list(_texts(reader, count, told))


def _texts(reader: PdfReader, count: int, told: Callable[[int, int], None]) -> Iterator[str]:
    characters = 0
    for number, page in enumerate(reader.pages, start=1):
        told(number, count)
        text = page.extract_text()
        if _is_torn(text):
            text = page.extract_text(extraction_mode="layout")
        text = text.replace("\x00", "")
        characters += len(text)
        if characters > MOST_CHARACTERS:
            raise PermanentError(f"the PDF has more than {MOST_CHARACTERS:,} characters of text")
        yield text


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


def _opened(file: IO[bytes]) -> PdfReader:
    import logging

    from pypdf import PasswordType, PdfReader

    logging.getLogger("pypdf").setLevel(logging.ERROR)  # it warns of every slip of a file it can read
    reader = PdfReader(file)
    # Many filings forbid copying with an owner's password, and open without any.
    if reader.is_encrypted and reader.decrypt("") == PasswordType.NOT_DECRYPTED:
        raise PermanentError("the PDF is encrypted: it opens only with a password")
    return reader


@contextmanager
def _explained() -> Iterator[None]:
    """What pypdf raises about a broken file, which may be nearly anything, as the end of the job."""
    from pypdf.errors import PyPdfError

    try:
        yield
    except PyPdfError as error:
        raise PermanentError(f"the PDF cannot be read: {error}") from error
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        raise PermanentError(f"the PDF is broken: {type(error).__name__}") from error
