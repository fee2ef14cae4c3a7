"""Reads a CSV file as bytes: which encoding, where its records end, which delimiter.

In: an open binary file. Out: its facts, and its records as blocks of UTF-8, ready for COPY. Cells are left to
PostgreSQL. A quote always counts: records end at line ends outside quotes, exactly as COPY sees them. Called
by `csv_import`.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
from collections.abc import Collection, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Final, Literal, TypeVar

import msgspec

from rowcrew.context import PermanentError

Encoding = Literal["auto", "utf-8", "utf-16", "latin-1", "windows-1252"]
Delimiter = Literal["auto", ",", ";", "\t", "|"]
T = TypeVar("T")

MOST_RECORD_BYTES: Final = 8 * 2**20
_DELIMITERS: Final = (",", ";", "\t", "|")
_CHUNK_BYTES: Final = 2**20
_NO_MARKS: Final = bytes(set(range(256)) - set(b'"\r\n'))
_UTF16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Facts(msgspec.Struct, frozen=True):
    """A file's SHA-256 in hexadecimal, its encoding and what ends its lines."""

    sha256: str
    encoding: str
    line_end: bytes


def sniff(file: IO[bytes], encoding: Encoding) -> Facts:
    """Read the file once and tell its facts. `auto`: by the byte order mark, else UTF-8, else Latin-1.

    Raises:
        PermanentError: the file is not in the encoding given.
    """
    sha256 = hashlib.sha256()
    for part in _parts(file):
        sha256.update(part)
    file.seek(0)
    start = file.read(4)
    if encoding == "auto":
        encoding = (
            "utf-16" if start.startswith(_UTF16_MARKS) else "utf-8" if _is(file, "utf-8") else "latin-1"
        )
    elif not _is(file, encoding):
        raise PermanentError(f"the file is not in the encoding {encoding}; give another encoding, or auto")
    codec = "utf-8-sig" if encoding == "utf-8" else encoding
    first = next(_transcoded(file, codec), b"")
    return Facts(sha256.hexdigest(), codec, b"\r" if b"\r" in first and b"\n" not in first else b"\n")


class Block(msgspec.Struct, frozen=True):
    """Some whole records in UTF-8, line ends included. Rows count from 1, the header."""

    first_row: int
    rows: int
    data: bytes
    line_end: bytes

    def records(self) -> Iterator[tuple[int, bytes]]:
        """The records with their row numbers, without their line ends."""
        row, unfinished = self.first_row, b""
        for line in self.data.removesuffix(self.line_end).split(self.line_end):
            record = unfinished + line
            if record.count(b'"') % 2:
                unfinished = record + self.line_end
                continue
            yield row, record.removesuffix(b"\r")
            row, unfinished = row + 1, b""

    def without_header(self) -> tuple[bytes, Block]:
        """The first record, and the block of all others."""
        _, header = next(self.records())
        end = self.data.find(self.line_end, len(header)) + 1 or len(self.data)
        return header, Block(self.first_row + 1, self.rows - 1, self.data[end:], self.line_end)


def blocks(file: IO[bytes], facts: Facts) -> Iterator[Block]:
    """The file's records in blocks of about 1 MB.

    Raises:
        PermanentError: a record is longer than 8 MB, or a quote is still open at the end of the file.
    """
    row, rest = 1, b""
    for chunk in _transcoded(file, facts.encoding):
        data = rest + chunk
        end = _end_of_records(data, facts.line_end)
        rest = data[end:]
        if len(rest) > MOST_RECORD_BYTES:
            raise PermanentError(
                f'row {row}: longer than {MOST_RECORD_BYTES:,} bytes; is a quote (") left open there?'
            )
        if end:
            rows = _count_records(data[:end], facts.line_end)
            yield Block(row, rows, data[:end], facts.line_end)
            row += rows
    if rest.count(b'"') % 2:
        raise PermanentError(f'row {row}: a quote (") is opened and never closed')
    if rest:
        yield Block(row, 1, rest, facts.line_end)


def one_ahead(items: Iterator[T]) -> Generator[T, None, None]:
    """The same items; each is made, in a thread, while the caller still works on the one before.

    Close it before what the items are made from.
    """
    with ThreadPoolExecutor(1) as thread:
        upcoming = thread.submit(next, items, None)
        while (item := upcoming.result()) is not None:
            upcoming = thread.submit(next, items, None)
            yield item


def split_header(header: bytes, delimiter: Delimiter, wanted: Collection[str]) -> tuple[str, list[str]]:
    """The delimiter and the names in the header. `auto`: the delimiter that shows most of the wanted names.

    Raises:
        PermanentError: a wanted name is not there, or more than once.
    """
    candidates = _DELIMITERS if delimiter == "auto" else (delimiter,)
    text = header.decode("utf-8", "replace")
    splits = [(candidate, _names(text, candidate)) for candidate in candidates]
    delimiter_found, names = max(splits, key=lambda split: (len(set(wanted) & set(split[1])), len(split[1])))
    for name in wanted:
        if (occurrences := names.count(name)) != 1:
            problem = "has no column" if occurrences == 0 else f"has {occurrences} columns"
            raise PermanentError(
                f"the file's first row {problem} {name!r}; its columns are {', '.join(names)}"
            )
    return delimiter_found, names


def _names(header: str, delimiter: str) -> list[str]:
    try:
        return [name.strip() for name in next(csv.reader([header], delimiter=delimiter), [])]
    except csv.Error as error:
        raise PermanentError(f"the file's first row is no list of columns: {error}") from error


def _end_of_records(data: bytes, line_end: bytes) -> int:
    """Where the last whole record ends: after the last line end with an even number of quotes before it."""
    end, quotes = len(data), data.count(b'"')
    while (place := data.rfind(line_end, 0, end)) >= 0:
        quotes -= data.count(b'"', place, end)
        if quotes % 2 == 0:
            return place + 1
        end = place
    return 0


def _count_records(data: bytes, line_end: bytes) -> int:
    """How many line ends are outside quotes, in data that ends with one."""
    marks = data.translate(None, _NO_MARKS).replace(b'""', b"")  # neighbours hold no line end between them
    return b"".join(marks.split(b'"')[::2]).count(line_end)


def _parts(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    return iter(lambda: file.read(_CHUNK_BYTES), b"")


def _is(file: IO[bytes], encoding: str) -> bool:
    try:
        for _ in codecs.iterdecode(_parts(file), encoding):
            pass
    except UnicodeError:
        return False
    return True


def _transcoded(file: IO[bytes], encoding: str) -> Iterator[bytes]:
    """The file in UTF-8 without byte order mark, chunk by chunk."""
    if encoding != "utf-8-sig":
        return (text.encode() for text in codecs.iterdecode(_parts(file), encoding))
    return _without_mark(_parts(file))


def _without_mark(parts: Iterable[bytes]) -> Iterator[bytes]:
    for place, part in enumerate(parts):
        yield part.removeprefix(codecs.BOM_UTF8) if place == 0 else part
