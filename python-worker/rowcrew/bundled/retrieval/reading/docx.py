"""The text of a .docx, in the order in which it is read: paragraphs, tables, then footnotes.

In: the file. Out: its text: a blank line after a paragraph, a tab between the cells of a row. A .docx is XML
in an archive, and the few elements that hold text are simpler than the libraries that also write them: those
give paragraphs and tables apart, and leave out text boxes. Deleted text of tracked changes is left out.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from typing import Final
from xml.etree import ElementTree

from rowcrew.context import PermanentError

MOST_BYTES: Final = 200 * 10**6
_PARTS: Final = ("word/document.xml", "word/footnotes.xml", "word/endnotes.xml")
_SIGNS: Final = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "\u2011"}
# A drawing stands twice, as newer and as older Word reads it.
_PASSED_OVER: Final = {"Fallback", "del", "moveFrom", "instrText", "delText", "pPr", "rPr", "tblPr", "sectPr"}


def text_of_docx(content: bytes) -> str:
    """The text of the document.

    Raises:
        PermanentError: it is damaged, or unpacks to too much.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            there = set(archive.namelist())
            parts = [_part(archive, name) for name in _PARTS if name in there]
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise PermanentError(f"the .docx is damaged: {error}") from error
    if not parts:
        raise PermanentError("the archive has no word/document.xml, so it is no .docx")
    return "".join(part for root in parts for part in _texts(root))


def _part(archive: zipfile.ZipFile, name: str) -> ElementTree.Element:
    with archive.open(name) as file:
        xml = file.read(MOST_BYTES + 1)
    if len(xml) > MOST_BYTES:
        raise PermanentError(f"{name} of the .docx unpacks to more than {MOST_BYTES:,} bytes")
    if b"<!DOCTYPE" in xml:
        raise PermanentError(f"{name} of the .docx declares a document type, which no .docx does")
    try:
        return ElementTree.fromstring(xml)  # noqa: S314 - without a document type there are no entities
    except ElementTree.ParseError as error:
        raise PermanentError(f"{name} of the .docx is damaged: {error}") from error


def _texts(element: ElementTree.Element) -> Iterator[str]:
    name = element.tag.rpartition("}")[2]
    if name in _PASSED_OVER:
        return
    if name == "t":
        yield element.text or ""
    elif name in _SIGNS:
        yield _SIGNS[name]
    elif name == "tr":
        yield "\t".join(" ".join("".join(_texts(cell)).split()) for cell in element) + "\n"
    else:
        for child in element:
            yield from _texts(child)
        if name in ("p", "tbl"):
            yield "\n\n" if name == "p" else "\n"
