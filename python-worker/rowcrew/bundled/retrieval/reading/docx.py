"""The text of a .docx, in the order in which it is read: paragraphs, tables, then footnotes.

In: the file. Out: its text: a blank line after a paragraph, a tab between the cells of a row. A .docx is XML
in an archive, and the few elements that hold text are simpler than the libraries that also write them: those
give paragraphs and tables apart, and leave out text boxes. Deleted text of tracked changes is left out.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from typing import Final
from xml.etree import ElementTree

from rowcrew.context import PermanentError

MOST_BYTES: Final = 50 * 10**6
_NOTES: Final = ("footnotes", "endnotes")
_SIGNS: Final = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "\u2011"}
# A drawing stands twice, as newer and as older Word reads it.
_PASSED_OVER: Final = {"Fallback", "del", "moveFrom", "instrText", "delText", "pPr", "rPr", "tblPr", "sectPr"}


def text_of_docx(content: bytes) -> str:
    """The text of the document.

    Raises:
        PermanentError: it is damaged, or unpacks to too much.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            archive = _Archive(file)
            # Word calls it document.xml; Word in a browser may number it.
            [main] = archive.related("", ("officeDocument",)) or ["word/document.xml"]
            parts = [archive.part(name) for name in (main, *archive.related(main, _NOTES))]
        return "".join(part for root in parts for part in _texts(root))
    except KeyError as error:
        raise PermanentError("the archive has no document of Word, so it is no .docx") from error
    except RecursionError as error:
        raise PermanentError("the .docx is damaged: its elements are nested too deep") from error
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise PermanentError(f"the .docx is damaged: {error}") from error


class _Archive:
    """The parts of a .docx, which together may unpack to so much and no more."""

    def __init__(self, file: zipfile.ZipFile) -> None:
        self._file = file
        # Some programs of Windows write its slashes.
        self._names = {name.replace("\\", "/"): name for name in file.namelist()}
        self._bytes_left = MOST_BYTES

    def part(self, name: str) -> ElementTree.Element:
        with self._file.open(self._names[name]) as file:
            xml = file.read(self._bytes_left + 1)
        self._bytes_left -= len(xml)
        if self._bytes_left < 0:
            raise PermanentError(f"the .docx unpacks to more than {MOST_BYTES:,} bytes of text and markup")
        if b"<!DOCTYPE" in xml:
            raise PermanentError(f"{name} of the .docx declares a document type, which no .docx does")
        try:
            return ElementTree.fromstring(xml)  # noqa: S314 - expat ends an expansion of entities
        except ElementTree.ParseError as error:
            raise PermanentError(f"{name} of the .docx is damaged: {error}") from error

    def related(self, name: str, kinds: Sequence[str]) -> list[str]:
        """The parts that a part, or the whole archive, relates to in these ways, and that are there."""
        folder, _, last = name.rpartition("/")
        listing = posixpath.join(folder, "_rels", f"{last}.rels")
        if listing not in self._names:
            return []
        targets = {
            each.get("Type", "").rpartition("/")[2]: each.get("Target", "") for each in self.part(listing)
        }
        paths = (posixpath.join("/", folder, targets[kind]) for kind in kinds if kind in targets)
        return [path for path in (posixpath.normpath(path)[1:] for path in paths) if path in self._names]


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
