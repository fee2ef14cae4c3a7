"""Which type of file this is: told by its first bytes, else by its name.

In: the content, and the name it came by. Out: a type that `reading` can read. Called by the handler of
`file_processing`.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Final, Literal

from rowcrew.context import PermanentError

FileType = Literal["pdf", "docx", "html", "markdown", "code", "text"]

_CODE: Final = (
    ".bash .c .cc .clj .cpp .cs .css .dart .ex .exs .fs .go .h .hpp .hs .java .jl .js .json .jsx .kt "
    ".lua .m .php .pl .py .r .rb .rs .scala .sh .sql .swift .toml .ts .tsx .vue .xml .yaml .yml .zig"
)
_BY_SUFFIX: Final[dict[str, FileType]] = {
    ".pdf": "pdf",
    ".docx": "docx",
    **dict.fromkeys((".html", ".htm", ".xhtml"), "html"),
    **dict.fromkeys((".md", ".markdown", ".mdx"), "markdown"),
    **dict.fromkeys(_CODE.split(" "), "code"),
}
_UNREADABLE: Final = {
    b"\xd0\xcf\x11\xe0": "an Office file of the old form, or an encrypted one; save it as an open .docx",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"\x1f\x8b": "compressed; unpack it first",
    b"\x7fELF": "a program",
    b"{\\rtf": "rich text; save it as .docx",
    b"%!PS": "PostScript; save it as PDF",
}
_PAGE: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html)\b", re.IGNORECASE)
_DOCUMENT: Final = re.compile(rb"word[/\\]document\d*\.xml")  # an archive lists its names as they are
_WIDE: Final = (b"\xff\xfe", b"\xfe\xff")  # UTF-16 has zero bytes, and is text


def file_type_of(content: bytes, name: str) -> FileType:
    """The type of a file.

    Raises:
        PermanentError: no text can be read from it; says what it is instead.
    """
    if b"%PDF-" in content[:1024]:
        return "pdf"
    if content.startswith(b"PK\x03\x04"):
        if _DOCUMENT.search(content):
            return "docx"
        raise PermanentError(f"{shown(name)} is an archive and no .docx; unpack or convert it first")
    for start, told in _UNREADABLE.items():
        if content.startswith(start):
            raise PermanentError(f"{shown(name)} is {told}")
    if b"\0" in content and not content.startswith(_WIDE):
        raise PermanentError(f"{shown(name)} is no text; readable are pdf, docx, html, and all that is text")
    by_name = _BY_SUFFIX.get(PurePosixPath(name.lower()).suffix)
    if by_name in ("pdf", "docx"):
        raise PermanentError(f"{shown(name)} is called {by_name} and is none")
    if by_name is not None:
        return by_name
    return "html" if _PAGE.match(content[:512]) else "text"


def shown(name: str) -> str:
    return f"the file {name!r}" if name else "the file"
