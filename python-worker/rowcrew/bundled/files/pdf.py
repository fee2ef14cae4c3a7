"""A PDF, opened for whoever reads its pages.

In: an open file. Out: pypdf's reader, and a block for its use. Whatever pypdf stumbles over in a damaged file
is told as such: another attempt would meet the same file. Called by the families that read PDFs; each names
pypdf as an extra of its own.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from rowcrew.context import PermanentError

if TYPE_CHECKING:
    from pypdf import PdfReader


def opened_pdf(file: IO[bytes]) -> PdfReader:
    """The reader of a PDF.

    Raises:
        PermanentError: it is damaged, or needs a password.
    """
    from pypdf import PasswordType, PdfReader
    from pypdf.errors import DependencyError

    logging.getLogger("pypdf").setLevel(logging.ERROR)  # it warns of every slip of a file it can read
    with faults_explained():
        reader = PdfReader(file)
        try:
            # Many PDFs only restrict copying or printing: an empty password opens these, as in any viewer.
            is_shut = reader.is_encrypted and reader.decrypt("") == PasswordType.NOT_DECRYPTED
        except DependencyError as error:
            raise PermanentError("the PDF is encrypted with AES; save it without that first") from error
    if is_shut:
        raise PermanentError("the PDF is encrypted and needs a password; save it without one first")
    return reader


@contextmanager
def faults_explained() -> Iterator[None]:
    """Around what pypdf does with a file, and nothing else: it raises whatever a damaged file leads it to."""
    from pypdf.errors import LimitReachedError

    try:
        yield
    except (PermanentError, MemoryError, ImportError):
        raise
    except LimitReachedError as error:
        raise PermanentError("the PDF unpacks to too much, or is nested too deep") from error
    except Exception as error:
        raise PermanentError(f"the PDF is damaged: {type(error).__name__}") from error
