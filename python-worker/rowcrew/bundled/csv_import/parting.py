"""Parts a block into plain records and odd ones, so that a few bad rows do not slow the others.

In: a block, and the pattern of plain records. Out: the plain ones as one block, and the odd ones with their
row numbers. Pure. Called by `examining`.
"""

from __future__ import annotations

import re
from typing import Final

from rowcrew.bundled.csv_import.csv_file import Block, Row, count_records

_FEW: Final = 8  # at most an eighth of a block is odd: more are judged sooner all together


def parted(block: Block, plain_records: re.Pattern[bytes]) -> tuple[Block, list[Row]] | None:
    """The plain records and the odd ones; None: none is odd, too many are, or line ends are mixed."""
    data, end = block.data, block.line_end
    if block.mended is not None or _has_mixed_ends(data, end):
        return None
    odd: list[Row] = []
    plain: list[bytes] = []
    row, place = block.first_row, 0
    while place < len(data):
        begun = place
        while match := plain_records.match(data, place):
            place = match.end()
        if place > begun:
            plain.append(data[begun:place])
            row += count_records(plain[-1], end)
        if place < len(data):
            if len(odd) * _FEW >= block.rows:
                return None
            begun, place = place, end_of_record(data, place, end)
            odd.append((row, data[begun:place].removesuffix(end).removesuffix(b"\r")))
            row += 1
    if not odd:
        return None
    return Block(block.first_row, block.rows - len(odd), b"".join(plain), end), odd


def _has_mixed_ends(data: bytes, line_end: bytes) -> bool:
    """Whether the pattern may see a line end where the block has none; quoted ones count as well."""
    if line_end == b"\r":
        return b"\n" in data
    return b"\r" in data and data.count(b"\r") != data.count(b"\r\n")


def end_of_record(data: bytes, place: int, line_end: bytes) -> int:
    """Behind the first line end that is outside quotes, as `Block.records` sees them."""
    quotes = 0
    while (end := data.find(line_end, place)) >= 0:
        quotes += data.count(b'"', place, end)
        if quotes % 2 == 0:
            return end + 1
        place = end + 1
    return len(data)
