"""Which record of a COPY the server refused: the context of its error names a line.

In: that context, such as `COPY payments, line 7, column day: "2026-02-30"`, in the server's language, and
what was sent. Out: the record's place. Pure. Called by `copy_in`.
"""

from __future__ import annotations

import re

from rowcrew.bundled.csv_import.csv_file import count_records
from rowcrew.bundled.csv_import.parting import end_of_record


def refused_record(context: str, table: str, sent: bytes, rows: int, line_end: bytes) -> int | None:
    """The place, from 0, of the record among so many that were sent; None: the context names none of them."""
    named = re.search(rf"^(?:COPY )?{re.escape(table)}\D*(\d+)", context, re.MULTILINE)
    if not named:
        return None
    place = _place_of_line(int(named[1]), sent, rows, line_end)
    return place if 0 <= place < rows else None


def _place_of_line(line: int, sent: bytes, rows: int, line_end: bytes) -> int:
    """The place of the record that ends in this line, as the server counts: line ends in cells as well."""
    first = end_of_record(sent, 0, line_end)
    mark = b"\r" if b"\r" in sent[first - 2 : first] else b"\n"
    if mark == b"\n":  # within the first record the server counts CR instead
        line += sent.count(b"\n", 0, first) - 1 - sent.count(b"\r", 0, first)
    if sent.count(mark) <= rows:
        return line - 1
    behind = sent.split(mark, line)[line:]
    return count_records(sent[: len(sent) - len(mark.join([b"", *behind]))], line_end)
