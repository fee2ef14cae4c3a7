"""Reads a CSV file as bytes: which encoding, where its records end, whether its quotes are in order.

In: an open binary file. Out: its facts, and its records as blocks of UTF-8, ready for COPY. Cells are left to
PostgreSQL. A quote always counts here: records end at line ends outside quotes, exactly as COPY sees them; a
file where that is not so goes through `mending`. Called by `reading`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Final, Literal, TypeVar

import msgspec

from rowcrew.bundled.csv_import.encodings import (
    Encoding,
    Readable,
    found_encoding,
    parts,
    require_text,
    transcoded,
)
from rowcrew.context import PermanentError

T = TypeVar("T")
Row = tuple[int, bytes]

MOST_RECORD_BYTES: Final = 8 * 2**20
_NO_MARKS: Final = bytes(set(range(256)) - set(b'"\r\n'))


class Facts(msgspec.Struct, frozen=True):
    """A file's encoding, what ends its lines, and a warning if the encoding is a guess."""

    encoding: str
    line_end: bytes
    warning: str | None = None


class Hashed:
    """A file that knows the SHA-256, in hexadecimal, of what was read since its start."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._sha256 = hashlib.sha256()

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()

    def seek(self, place: Literal[0], /) -> int:
        self._sha256 = hashlib.sha256()
        return self._file.seek(place)

    def read(self, size: int, /) -> bytes:
        part = self._file.read(size)
        self._sha256.update(part)  # lets other threads run
        return part


class QuoteLeftOpen(PermanentError):
    """A quote is opened and never closed, or closed so late that it cannot be meant."""


class BadRow(msgspec.Struct, frozen=True):
    """A row that cannot even be split into cells. Rows count from 1; `record` is its text."""

    row: int
    reason: str
    record: bytes


class Block(msgspec.Struct, frozen=True):
    """Some whole records in UTF-8, line ends included. Rows count from 1, the first of the file.

    `mended` are the records where they differ from the file's own; `bad` are those that no mending helps.
    """

    first_row: int
    rows: int
    data: bytes
    line_end: bytes
    mended: tuple[Row, ...] | None = None
    bad: tuple[BadRow, ...] = ()

    def records(self) -> Iterator[Row]:
        """The records with their row numbers, without their line ends."""
        if self.mended is not None:
            yield from self.mended
            return
        row, unfinished = self.first_row, b""
        for line in self.data.removesuffix(self.line_end).split(self.line_end):
            record = unfinished + line
            if record.count(b'"') % 2:
                unfinished = record + self.line_end
                continue
            yield row, record.removesuffix(b"\r")
            row, unfinished = row + 1, b""

    def without(self, top: int) -> Block:
        """The block without the file's first records, down to the one with this number."""
        if self.mended is not None:
            kept = tuple(row for row in self.mended if row[0] > top)
            return of_records(kept, tuple(each for each in self.bad if each.row > top))
        end, dropped = 0, max(0, min(self.rows, top - self.first_row + 1))
        for (_, record), _ in zip(self.records(), range(dropped), strict=False):
            end = self.data.find(self.line_end, end + len(record)) + 1 or len(self.data)
        return Block(self.first_row + dropped, self.rows - dropped, self.data[end:], self.line_end)


def of_records(mended: tuple[Row, ...], bad: tuple[BadRow, ...] = ()) -> Block:
    """A block of such records."""
    rows = [*(row for row, _ in mended), *(each.row for each in bad)]
    data = b"".join([record + b"\n" for _, record in mended])
    return Block(min(rows, default=0), len(mended), data, b"\n", mended, bad)


def sniff(file: IO[bytes], encoding: Encoding) -> Facts:
    """Look through the file and tell its facts.

    Raises:
        PermanentError: the file is no text, or not in the encoding given.
    """
    require_text(next(parts(file), b"")[:1000])
    found, warning = found_encoding(file, encoding)
    return Facts(found, _line_end(next(transcoded(file, found), b"")), warning)


def blocks(file: Readable, facts: Facts) -> Iterator[Block]:
    """The file's records in blocks of about 1 MB.

    Raises:
        QuoteLeftOpen: a record is longer than 8 MB, or a quote is still open at the end of the file.
    """
    row, rest = 1, b""
    for chunk in transcoded(file, facts.encoding):
        data = rest + chunk
        end = _end_of_records(data, facts.line_end)
        records, rest = data[:end], data[end:]
        if len(rest) > MOST_RECORD_BYTES:
            raise too_long(row)
        if end:
            rows = count_records(records, facts.line_end)
            yield Block(row, rows, records, facts.line_end)
            row += rows
    if rest.count(b'"') % 2:
        raise never_closed(row)
    if rest:
        yield Block(row, 1, rest, facts.line_end)


def too_long(row: int) -> QuoteLeftOpen:
    return QuoteLeftOpen(
        f'row {row}: longer than {MOST_RECORD_BYTES:,} bytes; is a quote (") left open there?'
    )


def never_closed(row: int) -> QuoteLeftOpen:
    return QuoteLeftOpen(f'row {row}: a quote (") is opened and never closed')


def quotes_in_order(delimiter: str) -> re.Pattern[bytes]:
    """Matches records whose quotes all stand around a cell, or doubled inside one."""
    end = rf"[{re.escape(delimiter)}\r\n]"
    quoted = rf'(?:(?<={end})|\A)"[^"]*+(?:""[^"]*+)*+"(?:(?={end})|\Z)'
    return re.compile(rf'(?:[^"]*+{quoted})*+[^"]*+'.encode())


def one_ahead(items: Iterator[T]) -> Generator[T, None, None]:
    """The same items; each is made, in a thread, while the caller still works on the one before.

    Close it before what the items are made from.
    """
    with ThreadPoolExecutor(1) as thread:
        upcoming = thread.submit(next, items, None)
        while (item := upcoming.result()) is not None:
            upcoming = thread.submit(next, items, None)
            yield item


def _line_end(text: bytes) -> bytes:
    """CR where the first line end outside quotes is a CR alone; else LF, before which a CR may stand."""
    quotes = 0
    for line in text.splitlines(keepends=True):
        quotes += line.count(b'"')
        if quotes % 2 == 0:
            return b"\r" if line.endswith(b"\r") else b"\n"
    return b"\n" if b"\n" in text or b"\r" not in text else b"\r"


def _end_of_records(data: bytes, line_end: bytes) -> int:
    """Where the last whole record ends: after the last line end with an even number of quotes before it."""
    end, quotes = len(data), data.count(b'"')
    while (place := data.rfind(line_end, 0, end)) >= 0:
        quotes -= data.count(b'"', place, end)
        if quotes % 2 == 0:
            return place + 1
        end = place
    return 0


def count_records(data: bytes, line_end: bytes) -> int:
    """How many line ends are outside quotes, in data that ends with one."""
    marks = data.translate(None, _NO_MARKS).replace(b'""', b"")  # neighbours hold no line end between them
    return b"".join(marks.split(b'"')[::2]).count(line_end)
