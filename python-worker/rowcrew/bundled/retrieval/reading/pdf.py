"""The text of a PDF, page after page, by pypdf.

In: the file. Out: its text. Whatever pypdf stumbles over in a damaged file is told as such: another attempt
would meet the same file.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from rowcrew.context import PermanentError

if TYPE_CHECKING:
    from pypdf import PdfReader


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
    from pypdf.errors import LimitReachedError

    try:
        reader = _opened(content)
        for page in reader.pages:
            yield page.extract_text().strip("\n")
    except (PermanentError, MemoryError, ImportError):
        raise
    except LimitReachedError as error:
        raise PermanentError("the PDF unpacks to too much, or is nested too deep") from error
    except Exception as error:  # pypdf raises whatever a damaged file leads it to
        raise PermanentError(f"the PDF is damaged: {type(error).__name__}") from error


def _opened(content: bytes) -> PdfReader:
    from pypdf import PasswordType, PdfReader
    from pypdf.errors import DependencyError

    reader = PdfReader(io.BytesIO(content))
    try:
        # Many PDFs restrict printing only: these open with an empty password, as in every viewer.
        is_shut = reader.is_encrypted and reader.decrypt("") == PasswordType.NOT_DECRYPTED
    except DependencyError as error:
        raise PermanentError("the PDF is encrypted with AES; save it without that first") from error
    if is_shut:
        raise PermanentError("the PDF needs a password; save it without one first")
    return reader
