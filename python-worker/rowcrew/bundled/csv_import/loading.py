"""An import under way: its counts, and the search for the bad rows in a block that the server refuses.

In: blocks of a file, and the `CopyIn` of its target. Out: how many rows were new, known and refused. Called
by the handler, block by block.
"""

from __future__ import annotations

from typing import Final

import msgspec

from rowcrew.bundled.csv_import.copy_in import (
    ROW_ERRORS,
    CopyIn,
    Records,
)
from rowcrew.bundled.csv_import.csv_file import (
    Block,
)
from rowcrew.bundled.csv_import.payload import CsvImport
from rowcrew.context import PermanentError

_SHOWN_CHARACTERS: Final = 2_000
Row = tuple[int, bytes]


class Rejected(msgspec.Struct, frozen=True):
    """A row the table cannot take. Rows count from 1, the header; `record` is its text."""

    row: int
    reason: str
    record: str


class Loading:
    """The counts of an import under way, and the search for the bad rows in a block."""

    def __init__(self, payload: CsvImport, target: CopyIn) -> None:
        self._payload = payload
        self._target = target
        self.inserted = self.duplicates = self.flagged = 0
        self.rejected: list[Rejected] = []

    @property
    def rows(self) -> int:
        return self.inserted + self.duplicates + len(self.rejected)

    def load(self, block: Block, records: Records) -> None:
        """Bring in a block as it is; one that the server refuses goes row by row, as far as need be."""
        if block.rows and self._refusal(records):
            self._load_rows([row for row in block.records() if row[1]])

    def _load_rows(self, rows: list[Row]) -> None:
        """Bring in rows; if the server refuses them, their halves, down to the single bad row."""
        data = b"".join([record + b"\n" for _, record in rows])
        refusal = self._refusal(self._target.examined(data, len(rows)))
        if refusal and len(rows) == 1:
            self._reject(rows[0], refusal)
        elif refusal:
            middle = len(rows) // 2
            self._load_rows(rows[:middle])
            self._load_rows(rows[middle:])

    def _refusal(self, records: Records) -> str | None:
        """Why the server takes none of these records; None if it took them."""
        try:
            loaded = self._target.load(records)
        except ROW_ERRORS as error:
            return error.diag.message_primary or str(error)
        self.inserted += loaded.inserted
        self.duplicates += records.rows - loaded.inserted
        self.flagged += loaded.flagged
        return None

    def require_a_good_row(self) -> None:
        if self.rejected and len(self.rejected) == self.rows:
            raise PermanentError(f"none of the {self.rows:,} rows can be imported; {examples(self.rejected)}")

    def _reject(self, row: Row, reason: str) -> None:
        number, record = row
        self.rejected.append(Rejected(number, reason, record.decode("utf-8", "replace")[:_SHOWN_CHARACTERS]))
        if self._payload.on_error == "fail":
            raise PermanentError(f"nothing was imported, as onError is fail; {examples(self.rejected)}")
        if len(self.rejected) > self._payload.max_errors:
            raise PermanentError(
                f"nothing was imported: more than maxErrors = {self._payload.max_errors} rows are bad; "
                f"{examples(self.rejected)}"
            )


def examples(rejected: list[Rejected]) -> str:
    return "; ".join(f"row {each.row}: {each.reason}" for each in rejected[:3])
