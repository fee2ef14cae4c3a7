"""A CSV file as an import reads it: its facts, its dialect, and its records below the header.

In: an open file, and what a payload says of it. Out: blocks of records that COPY reads as people do. Called
by the handler and by the preview.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Final
from unicodedata import normalize

from rowcrew.bundled.csv_import.csv_file import (
    BadRow,
    Block,
    Facts,
    Hashed,
    QuoteLeftOpen,
    Row,
    blocks,
    of_records,
    quotes_in_order,
    sniff,
)
from rowcrew.bundled.csv_import.dialect import (
    Dialect,
    Layout,
    find_dialect,
    has_table_above,
    joined_header,
    name_of,
    rows_above,
)
from rowcrew.bundled.csv_import.encodings import CHUNK_BYTES, Encoding, transcoded
from rowcrew.bundled.csv_import.mending import LEFT_OUT, Mending
from rowcrew.context import PermanentError

Mapping = dict[str, str | int]

# Of the staging table. A row stands on one page of 8 KB, in which a long text takes 18 bytes.
MOST_COLUMNS: Final = 400
_SHOWN_ROWS: Final = 3
_REPEATED: Final = "the row repeats the header"
_CONTROLS: Final = re.compile(rb"\xc2[\x80-\x9f]")  # as UTF-8 has U+0080 to U+009F


class Reading:
    """A file being read: what it is, how it is laid out, and its records."""

    def __init__(self, file: IO[bytes], encoding: Encoding, layout: Layout, mapping: Mapping) -> None:
        self._file = file
        self._hashed = Hashed(file)
        self.facts: Facts = sniff(file, encoding)
        sample = _sample(file, self.facts.encoding)
        if not sample:
            raise PermanentError("the file is empty; its first row must name the columns")
        wanted = [name_of(each) for each in mapping.values() if isinstance(each, str)]
        self.dialect: Dialect = find_dialect(sample, layout, wanted)
        self._skips_by_guess = layout.skip_rows is None and rows_above(sample, self.dialect) > 0
        self._skips_table = has_table_above(sample, self.dialect)
        self._controls = 0
        self._mending: Mending | None = None
        self._kept: Sequence[int] | None = None

    @property
    def sha256(self) -> str:
        """The file's hash, when all blocks have been read: then it costs no pass of its own."""
        return self._hashed.sha256

    @property
    def first_row(self) -> int:
        """The number of the first record below the header."""
        return self.dialect.skip_rows + self.dialect.header_rows + 1

    def fields(self, mapping: Mapping) -> dict[str, int]:
        """The place (from 0) of the field for each column of the table.

        Raises:
            PermanentError: the file has no column with this number.
        """
        names = self.dialect.names
        places: dict[str, int] = {}
        for column, header in mapping.items():
            place = header - 1 if isinstance(header, int) else names.index(name_of(header))
            if place >= self.dialect.columns:
                raise PermanentError(
                    f"mapping.{column}: the file has {self.dialect.columns:,} columns, no {header}"
                )
            places[column] = place
        return places

    def survey(self, fields: dict[str, int], check: Callable[[], None]) -> int:
        """Look through the file: how many records it has, and whether they must be mended on the way."""
        wanted = sorted(set(fields.values()))
        if self.dialect.width > MOST_COLUMNS and len(wanted) < self.dialect.width:
            self._kept = wanted
        rows = self._plain_rows(check) if self.dialect.is_plain and self._kept is None else None
        if rows is None:
            self._mending = Mending(self.facts, self.dialect, self._kept)
            rows = _count_lines(self._file, self.facts, check)
        return max(0, rows - self.first_row + 1)

    def blocks(self) -> Iterator[Block]:
        """The records below the header. One that repeats the header, as in joined files, is a bad row."""
        source = self._mending.blocks(self._hashed) if self._mending else blocks(self._hashed, self.facts)
        for block in source:
            if not block.data.isascii():
                self._controls += len(_CONTROLS.findall(block.data))
            below = block.without(self.first_row - 1)
            yield self._without_header(below) if self._may_repeat_header(below) else below

    @property
    def width(self) -> int:
        """Cells of a record, as the blocks have it."""
        return self.dialect.width if self._kept is None else len(self._kept) + 1

    @property
    def columns(self) -> int:
        """Those cells of a record that may hold something."""
        return self.dialect.columns if self._kept is None else self.width

    def places(self, fields: dict[str, int]) -> dict[str, int]:
        """Where the fields stand in a record, as the blocks have it; known after `survey`."""
        if self._kept is None:
            return fields
        return {column: self._kept.index(place) for column, place in fields.items()}

    @property
    def _names(self) -> tuple[str, ...]:
        """Of the cells of a record, as the blocks have it."""
        names = self.dialect.names
        return (
            names if self._kept is None or not names else (*(names[place] for place in self._kept), LEFT_OUT)
        )

    def _may_repeat_header(self, block: Block) -> bool:
        """Whether a line begins as the header does."""
        names = self._names
        if self.dialect.header_rows != 1 or len(names) < 2 or not names[0]:
            return False
        starts = self._header_starts
        data, end = block.data, block.line_end
        return data.startswith(starts) or any(end + start in data for start in starts)

    @property
    def _header_starts(self) -> tuple[bytes, ...]:
        """How a record that repeats the header may begin: its first name is kept in composed form."""
        forms = {normalize("NFC", self._names[0]), normalize("NFD", self._names[0])}
        return tuple(quote + form.encode() for form in forms for quote in (b"", b'"'))

    def _without_header(self, block: Block) -> Block:
        starts = self._header_starts
        good: list[Row] = []
        repeats: list[BadRow] = []
        for row, record in block.records():
            if record.startswith(starts) and self._is_header(record):
                repeats.append(BadRow(row, _REPEATED, record))
            else:
                good.append((row, record))
        return of_records(tuple(good), (*block.bad, *repeats)) if repeats else block

    def _is_header(self, record: bytes) -> bool:
        text = io.StringIO(record.decode("utf-8", "replace"), newline="")
        cells = next(csv.reader(text, delimiter=self.dialect.delimiter), [])
        return joined_header([cells])[: len(self._names)] == list(self._names)

    def warnings(self) -> Iterator[str]:
        """What was read otherwise than it stands there. Complete when all blocks have been read."""
        if self.facts.warning:
            yield self.facts.warning
        if self._controls:
            yield (
                f"the file has control characters such as U+0096 ({self._controls:,} in all);"
                " was it windows-1252, and read as Latin-1 before?"
            )
        if self._skips_by_guess or self._skips_table:
            table = "; they look like a table of their own" if self._skips_table else ""
            yield f"row {self.dialect.skip_rows + 1} is the header; the rows above it are left out{table}"
        odd = self._mending.odd_rows if self._mending else []
        if odd := [row for row in odd if row >= self.first_row]:
            shown = ", ".join(map(str, odd[:_SHOWN_ROWS])) + (", …" if len(odd) > _SHOWN_ROWS else "")
            yield f"quotes in the middle of cells were kept, in these rows ({len(odd):,} in all): {shown}"

    def _plain_rows(self, check: Callable[[], None]) -> int | None:
        """How many records COPY finds; None if it would find others than people do."""
        rows = 0
        in_order = quotes_in_order(self.dialect.delimiter)
        try:
            for block in blocks(self._file, self.facts):
                check()
                if not in_order.fullmatch(block.data):
                    return None
                rows += block.rows
        except QuoteLeftOpen:
            return None
        return rows


def _sample(file: IO[bytes], encoding: str) -> str:
    """The beginning of the file, up to the end of a line."""
    text = next(transcoded(file, encoding), b"").decode("utf-8", "replace")
    if len(text) < CHUNK_BYTES // 4:
        return text
    return text[: max(text.rfind("\n"), text.rfind("\r")) + 1] or text


def _count_lines(file: IO[bytes], facts: Facts, check: Callable[[], None]) -> int:
    lines = 1
    for chunk in transcoded(file, facts.encoding):
        check()
        lines += chunk.count(facts.line_end)
    return lines
