"""The text of a file: one module for each type that needs more than decoding.

In: the content of a file and its type. Out: its text, with the ends of lines as Unix writes them and without
what no table stores. Markdown and code stay as they are written, so that what is quoted from them stands in
the file. Called by the handler of `file_processing`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from rowcrew.bundled.retrieval.file_types import FileType
from rowcrew.context import PermanentError

MOST_CHARACTERS: Final = 50 * 10**6


def text_of_file(content: bytes, type: FileType, stop: Callable[[], None]) -> str:
    """The text of a file. `stop` is called now and then, and raises when the run must end.

    Raises:
        PermanentError: the file is damaged, encrypted or a scan, or unpacks to too much.
    """
    return _clean(_text(content, type, stop))


def _text(content: bytes, type: FileType, stop: Callable[[], None]) -> str:
    match type:
        case "pdf":
            from rowcrew.bundled.retrieval.reading.pdf import text_of_pdf

            return text_of_pdf(content, MOST_CHARACTERS, stop)
        case "docx":
            from rowcrew.bundled.retrieval.reading.docx import text_of_docx

            return text_of_docx(content)
        case "html":
            from rowcrew.bundled.retrieval.reading.html import declared_encoding, text_of_html

            return text_of_html(decoded(content, declared_encoding(content)), stop)
        case "markdown" | "code" | "text":
            return decoded(content)


def decoded(content: bytes, encoding: str | None = None) -> str:
    """Bytes as text: by their byte order mark, as `encoding`, as UTF-8, and if they are neither, as Latin.

    Raises:
        PermanentError: they are no text.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _strictly(content, "utf-16")
    if b"\0" in content:
        raise PermanentError("the file is no text: it has zero bytes; give its fileType if it is pdf or docx")
    for candidate in (encoding, "utf-8-sig", "cp1252"):
        try:
            if candidate:
                return content.decode(candidate)
        except (UnicodeDecodeError, LookupError):
            continue
    return content.decode("latin-1")


def _strictly(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise PermanentError(f"the file begins as {encoding} and is not: {error.reason}") from error


def _clean(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    return text.encode("utf-8", "replace").decode()  # half a pair of UTF-16, out of a damaged file
