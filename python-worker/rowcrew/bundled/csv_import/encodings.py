"""Which encoding a file is in, and whether it is a CSV file at all: told by its bytes.

In: an open binary file, and the encoding a payload names. Out: a codec, the file's text chunk by chunk, or
the sentence that says what the file is. Called by `csv_file`.
"""

from __future__ import annotations

import codecs
import itertools
from collections.abc import Callable, Iterator
from typing import IO, Final, Literal, Protocol

from rowcrew.context import PermanentError

Encoding = Literal[
    "auto", "utf-8", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "iso-8859-2", "iso-8859-15",
    "windows-1250", "windows-1251", "windows-1252", "windows-1253", "windows-1254", "windows-1255",
    "windows-1256", "windows-1257", "windows-1258", "mac-roman", "ibm437", "ibm850", "koi8-r",
    "shift_jis", "gb18030", "big5", "euc-kr",
]  # fmt: skip
Decode = Callable[[bytes, bool], str]

CHUNK_BYTES: Final = 2**20
_UTF16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CODECS: Final = {"utf-8": "utf-8-sig", "mac-roman": "mac_roman"}
# In windows-1252 five bytes mean nothing; as control characters they at least arrive.
_WINDOWS_1252: Final = "".join(
    bytes([byte]).decode("latin-1" if byte in b"\x81\x8d\x8f\x90\x9d" else "cp1252") for byte in range(256)
)
_NO_CSV: Final = (
    (codecs.BOM_UTF32_LE, "UTF-32 text: save the file as UTF-8"),
    (codecs.BOM_UTF32_BE, "UTF-32 text: save the file as UTF-8"),
    (b"PK\x03\x04", "an Excel workbook or another zip file (PK…): export the sheet as CSV"),
    (b"PK\x05\x06", "an empty zip file (PK…)"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls): export the sheet as CSV"),
    (b"\x1f\x8b", "compressed by gzip: decompress it first"),
    (b"BZh", "compressed by bzip2: decompress it first"),
    (b"\xfd7zXZ", "compressed by xz: decompress it first"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd: decompress it first"),
    (b"7z\xbc\xaf", "a 7z archive: unpack it first"),
    (b"Rar!", "a rar archive: unpack it first"),
    (b"%PDF-", "a PDF"),
    (b"{\\rtf", "an RTF document"),
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"ORC\x08", "an ORC file"),
    (b"Obj\x01", "an Avro file"),
    (b"\x04\x22\x4d\x18", "compressed by lz4: decompress it first"),
    (b"GIF8", "a GIF picture"),
    (b"%!PS", "PostScript"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90\0", "a program"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
)
_NO_CSV_TEXT: Final = (
    (b"<!doctype html", "an HTML page: often the login page of the site it came from"),
    (b"<html", "an HTML page: often the login page of the site it came from"),
    (b"<table", "an HTML page: often what a site calls an Excel export"),
    (b"<svg", "an SVG picture"),
    (b"<?xml", "an XML document"),
    (b'{"', "JSON"),
    (b'[{"', "JSON"),
)


class Readable(Protocol):
    """A file that is read from its start."""

    def seek(self, place: Literal[0], /) -> int: ...

    def read(self, size: int, /) -> bytes: ...


def require_text(start: bytes) -> None:
    """Tell by its first bytes what is no CSV file.

    Raises:
        PermanentError: the file is something else.
    """
    text = start.removeprefix(codecs.BOM_UTF8).lstrip().lower()
    for mark, what in _NO_CSV:
        if start.startswith(mark):
            raise PermanentError(f"the file is no CSV file but {what}")
    if start[257:262] == b"ustar":
        raise PermanentError("the file is no CSV file but a tar archive: unpack it first")
    if start[1:4] == b"\0\0\0" or (start[:3] == b"\0\0\0" and start[3:4].strip(b"\0")):
        raise PermanentError("the file is no CSV file but UTF-32 text: save the file as UTF-8")
    for mark, what in _NO_CSV_TEXT:
        if text.startswith(mark) or b"".join(text[:100].split()).startswith(mark):
            raise PermanentError(f"the file is no CSV file but {what}")


def found_encoding(file: IO[bytes], encoding: Encoding) -> tuple[str, str | None]:
    """The encoding, and a warning if it is a guess.

    `auto`: by the byte order mark, or the zero bytes of UTF-16, else UTF-8, else windows-1252. A file that is
    UTF-8 but for a few bytes stays UTF-8, and its rows with such bytes are bad rows.

    Raises:
        PermanentError: the file is not in the encoding given, or not in the one that its first bytes tell.
    """
    file.seek(0)
    start = file.read(4096)
    if encoding == "auto":
        return _guessed(file, start)
    if encoding == "utf-16" and not start.startswith(_UTF16_MARKS):
        encoding = _without_mark(start) or encoding
    if not _is(file, encoding):
        raise PermanentError(f"the file is not in the encoding {encoding}; give another encoding, or auto")
    return encoding, None


def transcoded(file: Readable, encoding: str) -> Iterator[bytes]:
    """The file in UTF-8 without byte order mark, chunk by chunk."""
    if encoding == "utf-8":
        return _without_bom(parts(file))
    if encoding == "windows-1252":
        return (codecs.charmap_decode(part, "strict", _WINDOWS_1252)[0].encode() for part in parts(file))
    texts = codecs.iterdecode(parts(file), _CODECS.get(encoding, encoding))
    return _without_bom(text.encode() for text in texts)


def parts(file: Readable) -> Iterator[bytes]:
    """The file from its start, megabyte by megabyte."""
    file.seek(0)
    return iter(lambda: file.read(CHUNK_BYTES), b"")


def _guessed(file: IO[bytes], start: bytes) -> tuple[str, str | None]:
    wide = "utf-16" if start.startswith(_UTF16_MARKS) else _without_mark(start)
    if wide is not None:
        if not _is(file, wide):
            raise PermanentError(f"the file looks like {wide}, and is none: it is cut off or damaged")
        return wide, None
    if _is(file, "utf-8"):
        return "utf-8", None
    good, bad = _utf8_share(file)
    if good >= bad > 0:  # text of other encodings hardly ever is good UTF-8 by accident
        return "utf-8", f"the file is UTF-8 but for a few bytes ({bad:,} in all), whose rows are bad rows"
    return (
        "windows-1252",
        "the file is not UTF-8; it was read as windows-1252 (give encoding if that is wrong)",
    )


def _without_mark(start: bytes) -> Encoding | None:
    """UTF-16 without a byte order mark: every second byte of Western text is zero; of other scripts, those of
    digits, delimiters and line ends.
    """
    if start[1::2].count(0) and not start[::2].count(0) and _is_wide(start, 1, "utf-16-le"):
        return "utf-16-le"
    if start[::2].count(0) and not start[1::2].count(0) and _is_wide(start, 0, "utf-16-be"):
        return "utf-16-be"
    return None


def _is_wide(start: bytes, place: int, encoding: str) -> bool:
    """Whether most characters have a zero byte there, or there are lines without control characters.

    A file in UTF-8 with a zero byte in it has neither, read like this.
    """
    if start[place::2].count(0) > 0.7 * (len(start) // 2):
        return True
    text = start[: len(start) // 2 * 2].decode(encoding, "replace")
    ends = text.count("\n") + text.count("\r")
    return ends > 0 and not any(sign < " " and sign not in "\t\r\n" for sign in text)


def _utf8_share(file: IO[bytes]) -> tuple[int, int]:
    """How many characters beyond ASCII are good UTF-8, and how many bytes are not."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    good = bad = 0
    for part in itertools.chain(parts(file), (b"",)):
        text = decoder.decode(part, final=not part)
        broken = text.count("\ufffd")
        bad += broken
        good += len(text) - broken - len(text.encode("ascii", "ignore"))
    return good, bad


def _is(file: IO[bytes], encoding: str) -> bool:
    if encoding == "windows-1252":
        return True
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for part in parts(file):
            # ASCII, told three times as fast, is good UTF-8 unless the part before left a character open.
            if encoding != "utf-8" or not part.isascii() or decoder.getstate()[0]:
                decoder.decode(part)
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True


def _without_bom(parts: Iterator[bytes]) -> Iterator[bytes]:
    for place, part in enumerate(parts):
        yield part.removeprefix(codecs.BOM_UTF8) if place == 0 else part
