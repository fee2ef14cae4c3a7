"""Notices that a file holds further tables below the first, which an import takes for rows of it.

In: the rows of a block that has blank ones. Out: the other rows, and a warning. Called by `loading` and
`preview`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rowcrew.bundled.csv_import.csv_file import Block, Row
from rowcrew.bundled.csv_import.fitting import Fit

_SHOWN_ROWS: Final = 3


class FurtherTables:
    """Where further tables seem to begin: a row of one cell behind blank rows, and fuller ones below it."""

    def __init__(self, fit: Fit) -> None:
        self._fit = fit
        self._beginnings: list[int] = []

    def filled_rows(self, block: Block) -> Iterator[Row]:
        """The rows of the block that are not blank."""
        is_behind_blank, title = False, None
        for number, record in block.records():
            if self._fit.is_blank(record):
                is_behind_blank, title = True, None
                continue
            if is_behind_blank and self._fit.filled(record) == 1:
                title = title or number
            else:
                if title is not None:
                    self._beginnings.append(title)
                is_behind_blank, title = False, None
            yield number, record

    def warnings(self) -> Iterator[str]:
        """What is to be told, when the rows of all blocks have been seen."""
        if self._beginnings:
            shown = ", ".join(map(str, self._beginnings[:_SHOWN_ROWS]))
            more = ", …" if len(self._beginnings) > _SHOWN_ROWS else ""
            yield (
                "further tables seem to begin in these rows, and are taken for rows of this one"
                f" ({len(self._beginnings):,} in all): {shown}{more}"
            )
