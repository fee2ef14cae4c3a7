"""Tells by the bytes of a block whether COPY may take its records as they are.

In: a plan, and blocks of a file. Out: `Records`, and parts of a block as such. A pattern that is too strict
costs time; none may be too lax. Asks no connection, so any thread may call it. Called by `loading`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from rowcrew.bundled.csv_import.cells import ANY, odd_cell, plain_records
from rowcrew.bundled.csv_import.csv_file import Block, Row
from rowcrew.bundled.csv_import.parting import parted
from rowcrew.bundled.csv_import.staging import Plan


class Records(msgspec.Struct, frozen=True):
    """Whole records in UTF-8, how many they are, and what is known of their cells.

    Attributes:
        straight: the records as COPY takes them into the table itself; None: they must be staged.
        has_formulas: a cell may look like a formula, so the cells must be counted.
        is_plain: every number and date is plain, so none need be looked at again.
    """

    data: bytes
    straight: bytes | None
    rows: int
    has_formulas: bool
    is_plain: bool

    @property
    def size(self) -> int:
        """The bytes that COPY takes: with a long constant many times those of the file."""
        return len(self.data if self.straight is None else self.straight)


class Examining:
    """What the bytes of one file's records tell.

    Args:
        all_staged: COPY may not fill the table itself.
    """

    def __init__(self, plan: Plan, *, all_staged: bool) -> None:
        self._all_staged = all_staged
        self._constants = _constants(plan)
        self._formula_start = _formula_start(plan.delimiter)
        forms = {place: plan.cells.plain_form(plan.columns[name]) for name, place in plan.fields.items()}
        known = {place: form for place, form in forms.items() if form is not None}
        self._odd_cell = odd_cell(known, plan.delimiter)
        self._plain_records = _plain_records(plan, known)
        self._blank_row = re.compile(rf"\n[ \t{re.escape(plan.delimiter)}]*+(?:[\r\n]|\Z)".encode())

    def plain(self, block: Block) -> Records | None:
        """These records as `load` takes them, if none is blank or has a cell that wants a closer look."""
        place = 0
        while place < len(block.data):
            match = self._plain_records and self._plain_records.match(block.data, place)
            if not match:
                return None
            place = match.end()
        return self._as_plain(block)

    def parted(self, block: Block) -> tuple[Records, list[Row]] | None:
        """The records that `plain` would pass, and the few others; None: there are none, or too many."""
        found = self._plain_records and parted(block, self._plain_records)
        if not found:
            return None
        plain, odd = found
        return self._as_plain(plain), odd

    def together(self, rows: Sequence[Row]) -> Records:
        """These rows of a block that goes straight, as `load` takes them."""
        data = b"\n".join([*(record for _, record in rows), b""])
        return self._as_plain(Block(rows[0][0], len(rows), data, b"\n"))

    def examined(self, block: Block) -> Records:
        """These records as `load` takes them."""
        lines = _lines(block)
        is_plain = self._odd_cell.search(lines) is None
        # Where all rows are staged the server counts sooner than we search, and we hold up no statement.
        has_formulas = self._all_staged or self._formula_start.search(lines) is not None
        straight = None if has_formulas or not is_plain else self._with_constants(block)
        return Records(block.data, straight, block.rows, has_formulas, is_plain)

    def has_blank_rows(self, block: Block) -> bool:
        """Whether a line of nothing but delimiters and spaces is among these records."""
        return self._blank_row.search(_lines(block)) is not None

    def _as_plain(self, block: Block) -> Records:
        straight = None if self._all_staged else self._with_constants(block)
        return Records(block.data, straight, block.rows, has_formulas=False, is_plain=True)

    def _with_constants(self, block: Block) -> bytes:
        """The records with the constants in front of the first cell of each."""
        end, front = block.line_end, self._constants
        if not front:
            return block.data
        data = block.data.removesuffix(end)
        if data.count(end) == block.rows - 1:
            data = data.replace(end, end + front)
        else:
            data = _replaced(data, end, end + front, quoted=False)
        return front + data + end


def _plain_records(plan: Plan, forms: Mapping[int, str]) -> re.Pattern[bytes] | None:
    """Matches a block that needs no closer look; None where no text is stored as the file has it."""
    texts = {place for name, place in plan.fields.items() if plan.columns[name].category == "S"}
    if any(forms.get(place) != ANY for place in texts):
        return None
    return plain_records(forms, texts, plan.field_count, plan.delimiter)


def _lines(block: Block) -> bytes:
    """The records, each behind a line feed, without the last line end; a cell's own line feeds are spaces."""
    lines = block.data if block.line_end == b"\n" else block.data.replace(block.line_end, b"\n")
    if lines.count(b"\n") > block.rows:
        lines = _replaced(lines, b"\n", b" ", quoted=True)
    return b"\n" + lines.removesuffix(b"\n")


def _replaced(data: bytes, old: bytes, new: bytes, *, quoted: bool) -> bytes:
    """The records with one text for another, either in quoted cells alone or outside them alone."""
    parts = data.split(b'"')
    parts[quoted::2] = [part.replace(old, new) for part in parts[quoted::2]]
    return b'"'.join(parts)


def _constants(plan: Plan) -> bytes:
    """The constants as cells at the beginning of a record, in the order of `copy_to_table`."""
    cells = [f'"{constant.replace(chr(34), chr(34) * 2)}"' for constant in plan.constants.values()]
    return "".join([cell + plan.delimiter for cell in cells]).encode()


def _formula_start(delimiter: str) -> re.Pattern[bytes]:
    """Finds, behind delimiters and line ends, all that `count_formulas` counts; no plain numbers."""
    end = rf"(?:[{re.escape(delimiter)}\r\n]|\Z)"
    tab = "" if delimiter == "\t" else r"\t"
    digits = "0-9." if delimiter == "," else "0-9.,"
    bare = rf"(?![-+][{digits}]+{end})[-+=@{tab}]"
    quoted = rf'(?!"[-+][0-9.,]+"{end})"+[-+=@\t\r]'
    return re.compile(rf"[{re.escape(delimiter)}\r\n](?:{bare}|{quoted})".encode())
