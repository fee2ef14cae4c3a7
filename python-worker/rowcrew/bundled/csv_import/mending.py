"""Splits the records that COPY would read otherwise than people do, and writes them as COPY reads them.

In: a file, its facts and its dialect. Out: blocks whose records are mended, with the rows that no mending
helps. A quote opens a cell only where the cell begins; elsewhere it is a character like any other. Called by
`reading` for a file with stray quotes, other quotes, escapes, or more columns than a table can have.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rowcrew.bundled.csv_import.csv_file import (
    MOST_RECORD_BYTES,
    BadRow,
    Block,
    Facts,
    Row,
    never_closed,
    of_records,
    too_long,
)
from rowcrew.bundled.csv_import.dialect import Dialect
from rowcrew.bundled.csv_import.encodings import Readable, transcoded

LEFT_OUT: Final = "…"
_BLOCK_ROWS: Final = 20_000
Cells = list[bytes]


class Open(Exception):
    """A quoted cell goes on after the end of the text."""


class Stray(Exception):
    """Something follows the end of a quoted cell."""


class Mending:
    """The mended records of a file, and how many had stray quotes or escapes.

    Args:
        kept: the places of the columns that records keep; None = all.
    """

    def __init__(self, facts: Facts, dialect: Dialect, kept: Sequence[int] | None) -> None:
        self._facts = facts
        self._dialect = dialect
        self._kept = kept
        self._delimiter = dialect.delimiter.encode()
        self._quote = dialect.quote.encode()
        self._passes_plain_lines = kept is None  # as bytes: most lines of most files are in order
        self.odd_rows: list[int] = []

    def blocks(self, file: Readable) -> Iterator[Block]:
        """The file in blocks, from its first record.

        Raises:
            QuoteLeftOpen: a quote that opens a cell is never closed.
        """
        row = 1
        good: list[Row] = []
        bad: list[BadRow] = []
        for each in self._records(_Lines(_lines(file, self._facts))):
            record = each if isinstance(each, bytes) else each.record
            if isinstance(each, bytes):
                good.append((row, record))
            else:
                bad.append(BadRow(row, each.reason, record))
            row += 1
            if len(good) + len(bad) == _BLOCK_ROWS:
                yield of_records(tuple(good), tuple(bad))
                good, bad = [], []
        if good or bad:
            yield of_records(tuple(good), tuple(bad))

    def _records(self, lines: _Lines) -> Iterator[bytes | BadRow]:
        number = 0
        while (line := lines.next()) is not None:
            number += 1
            is_plain = not self._quote or self._quote not in line
            yield self._plain(line, number) if is_plain else self._quoted(line, lines, number)

    def _plain(self, line: bytes, number: int) -> bytes | BadRow:
        if self._passes_plain_lines and b'"' not in line:
            return line
        try:
            return self._written([self._cell(cell) for cell in line.split(self._delimiter)]) if line else line
        except Stray as stray:
            return BadRow(number, str(stray), line)

    def _quoted(self, line: bytes, lines: _Lines, number: int) -> bytes | BadRow:
        """The record that begins with this line. A quote left open takes lines in, until it closes."""
        record = line
        taken: list[bytes] = []
        while True:
            if len(record) > MOST_RECORD_BYTES:
                raise too_long(number)
            try:
                return self._mended(record, number)
            except Stray as stray:
                lines.give_back(taken)
                return BadRow(number, str(stray), line)
            except Open:
                more = lines.until(self._quote)
                if more is None:
                    raise never_closed(number) from None
                taken += more
                record = self._facts.line_end.join([record, *more])

    def _mended(self, record: bytes, number: int) -> bytes:
        try:
            cells, is_odd = self._split(record, self._dialect.escape)
        except Stray:
            # `\"` inside quotes is told by what follows it: read as two characters it ends no cell.
            if self._dialect.escape is not None or b"\\" + self._quote not in record:
                raise
            cells, is_odd = self._split(record, "\\")
            is_odd = True
        if is_odd and len(cells) != self._dialect.width and self._facts.line_end not in record:
            cells = self._as_copy_reads(record) or cells
        if is_odd:
            self.odd_rows.append(number)
        return self._written(cells)

    def _split(self, record: bytes, escape: str | None) -> tuple[Cells, bool]:
        """The cells, and whether a quote stands inside one that is not quoted."""
        cells, place, is_odd = [], 0, False
        while True:
            start = self._after_spaces(record, place)
            if record.startswith(self._quote, start):
                text, place = self._quoted_cell(record, start + 1, escape)
                cell = self._cell(text) or b'""'
            else:
                end = record.find(self._delimiter, place)
                text = record[place:] if end < 0 else record[place:end]
                place = len(record) if end < 0 else end
                is_odd = is_odd or self._quote in text
                cell = self._cell(text)
            cells.append(cell)
            if place >= len(record):
                return cells, is_odd
            place += len(self._delimiter)

    def _quoted_cell(self, record: bytes, start: int, escape: str | None) -> tuple[bytes, int]:
        """The cell whose text begins here, and the place of the delimiter behind it."""
        quote, text, place = self._quote, b"", start
        while True:
            end = record.find(quote, place)
            if end < 0:
                raise Open
            if escape and _escapes(record, place, end):
                text += record[place : end - 1].replace(b"\\\\", b"\\") + quote
                place = end + 1
            elif record.startswith(quote, end + 1):
                text += record[place : end + 1]
                place = end + 2
            else:
                break
        piece = record[place:end]
        text += piece.replace(b"\\\\", b"\\") if escape else piece
        end = self._after_spaces(record, end + 1)
        if end < len(record) and not record.startswith(self._delimiter, end):
            shown = record[max(0, end - 20) : end + 20].decode("utf-8", "replace")
            raise Stray(f"a quote inside a quoted cell is not doubled, near: {shown}")
        return text, end

    def _after_spaces(self, record: bytes, place: int) -> int:
        while record.startswith(b" ", place) and self._delimiter != b" ":
            place += 1
        return place

    def _as_copy_reads(self, record: bytes) -> Cells | None:
        """The cells if every quote opens or closes, wherever it stands; None if they are too many or few."""
        parts = record.split(self._quote)
        if len(parts) % 2 == 0:
            return None
        mark = b"\0"
        joined = b"".join(
            part if place % 2 else part.replace(self._delimiter, mark) for place, part in enumerate(parts)
        )
        cells = [self._cell(cell) for cell in joined.split(mark)]
        return cells if len(cells) == self._dialect.width else None

    def _written(self, cells: Cells) -> bytes:
        """The record. Of a wide one only what is kept, if it has the cells that it should have."""
        if self._kept is None:
            return self._delimiter.join(cells)
        if not any(cell.strip(b" \t") for cell in cells):
            return b""
        if len(cells) < self._dialect.columns or any(cells[self._dialect.columns :]):
            raise Stray(f"{len(cells):,} cells where the header has {self._dialect.columns:,}")
        # The last cell stands for those left out: without it a row whose kept cells are empty would be none.
        return self._delimiter.join([*(cells[place] for place in self._kept), LEFT_OUT.encode()])

    def _cell(self, cell: bytes) -> bytes:
        if b'"' in cell or self._delimiter in cell or b"\n" in cell or b"\r" in cell:
            return b'"' + cell.replace(b'"', b'""') + b'"'
        return cell


class _Lines:
    """The lines of a file, of which some may be given back."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines
        self._given_back: list[bytes] = []

    def next(self) -> bytes | None:
        return self._given_back.pop() if self._given_back else next(self._lines, None)

    def until(self, quote: bytes) -> list[bytes] | None:
        """The lines up to the next one with a quote; None if there is none."""
        taken: list[bytes] = []
        size = 0
        while (line := self.next()) is not None:
            taken.append(line)
            size += len(line)
            if quote in line or size > MOST_RECORD_BYTES:
                return taken
        self.give_back(taken)
        return None

    def give_back(self, lines: list[bytes]) -> None:
        self._given_back.extend(reversed(lines))


def _lines(file: Readable, facts: Facts) -> Iterator[bytes]:
    rest = b""
    for chunk in transcoded(file, facts.encoding):
        *lines, rest = (rest + chunk).split(facts.line_end)
        yield from (line.removesuffix(b"\r") for line in lines)
    if rest:
        yield rest.removesuffix(b"\r")


def _escapes(record: bytes, start: int, quote: int) -> bool:
    """Whether an odd number of backslashes stands before the quote."""
    place = quote
    while place > start and record.startswith(b"\\", place - 1):
        place -= 1
    return (quote - place) % 2 == 1
