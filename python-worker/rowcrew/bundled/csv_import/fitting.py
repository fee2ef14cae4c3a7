"""Makes records fit the columns before the server sees them, and says which cannot.

In: records of a block. Out: each with exactly as many cells as there are columns, or the reason why not.
Pure. Called by `loading` for a block the server refuses.
"""

from __future__ import annotations

import csv
import io

import msgspec

from rowcrew.bundled.csv_import.staging import Plan


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """How many columns there are, and how many cells a record has; those beyond the columns are empty."""

    delimiter: str
    columns: int
    width: int

    @classmethod
    def of(cls, plan: Plan) -> Fit:
        return cls(delimiter=plan.delimiter, columns=plan.column_count, width=plan.field_count)

    def is_blank(self, record: bytes) -> bool:
        """Whether nothing stands in the record but delimiters and spaces."""
        return not record.strip(f" \t{self.delimiter}".encode())

    def filled(self, record: bytes) -> int:
        """How many cells say something; a delimiter inside quotes counts as one."""
        return sum(1 for cell in record.split(self.delimiter.encode()) if cell.strip(b' \t"'))

    def fitted(self, record: bytes) -> tuple[bytes, None] | tuple[None, str]:
        """The record with as many cells as the staging table has, or why it cannot be staged."""
        if b"\0" in record:
            return None, "invalid byte sequence: the row holds a NUL byte (0x00)"
        try:
            record.decode()
        except UnicodeDecodeError as error:
            byte = record[error.start : error.start + 1].hex()
            return None, f"invalid byte sequence for UTF-8: 0x{byte}; give the file's encoding"
        if b"\n" in (outside := b"".join(record.split(b'"')[::2])) or b"\r" in outside:
            return None, "a line end in the middle of the row: the file mixes CR with LF or CRLF"
        count = self._count(record)
        if count == self.width == self.columns:
            return record, None
        if count < self.width:
            return None, f"missing data: the row has {_cells(count)}, and should have {self.width:,}"
        if count == self.width and not any(map(str.strip, self._cells(record)[self.columns :])):
            return record, None
        # Also if the last are empty: a delimiter too many in the middle has moved the others.
        return None, (
            f"extra data: the row has {_cells(count)}, and there are {self.columns:,} columns;"
            f" beyond them stands {self._cells(record)[self.columns][:100]!r}"
        )

    def _count(self, record: bytes) -> int:
        sign = self.delimiter.encode()
        if b'"' not in record:
            return record.count(sign) + 1
        return sum(part.count(sign) for part in record.split(b'"')[::2]) + 1

    def _cells(self, record: bytes) -> list[str]:
        if b'"' not in record:
            return record.decode().split(self.delimiter)
        return next(csv.reader(io.StringIO(record.decode(), newline=""), delimiter=self.delimiter), [])


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count:,} cells"
