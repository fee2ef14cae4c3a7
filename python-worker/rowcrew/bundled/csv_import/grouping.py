"""Brings in several blocks by one COPY, as long as the server refuses none of them.

In: blocks with their records, in order, and the `Loading` and `CopyIn` of their import. Out: rows, counts and
complaints as if each block had a COPY of its own. A group that the server refuses is taken back, and its
blocks go one by one. Called by the handler.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from rowcrew.bundled.csv_import.copy_in import CopyIn
from rowcrew.bundled.csv_import.csv_file import Block
from rowcrew.bundled.csv_import.examining import Records
from rowcrew.bundled.csv_import.loading import Loading

MOST_BYTES: Final = 8 * 2**20
_SLOWNESS: Final = 8  # a refused group costs at most an eighth of what came in since the one before
Examined = tuple[Block, Records]


class Grouping:
    """The blocks of one import on their way into its table.

    The first goes alone: most files with bad rows have one there, and then no group is taken back.

    Args:
        tell: called with each block that was sent or loaded, with some twice; may raise to stop.
    """

    def __init__(self, loading: Loading, target: CopyIn, tell: Callable[[Block], None]) -> None:
        self._loading = loading
        self._target = target
        self._tell = tell
        self._most_bytes = 0
        self._was_refused = False

    def load(self, examined: Iterator[Examined]) -> None:
        upcoming = next(examined, None)
        while upcoming is not None:
            if self._may_lead(*upcoming):
                upcoming = self._load_group(upcoming, examined)
            else:
                self._load_alone(*upcoming)
                upcoming = next(examined, None)

    def _load_group(self, first: Examined, examined: Iterator[Examined]) -> Examined | None:
        """Bring in this block and those behind it, as many as may be kept; the one that is too many."""
        group: list[Examined] = []
        upcoming: Examined | None = first

        def sent() -> Iterator[Records]:
            nonlocal upcoming
            size = 0
            while upcoming is not None and self._may_join(*upcoming):
                block, records = upcoming
                size += records.size
                if size > self._most_bytes:
                    return
                group.append(upcoming)  # while the server has it: it may refuse a later one
                yield records
                self._tell(block)
                upcoming = next(examined, None)

        if self._loading.are_taken(sent()):
            self._grow(sum(records.size for _, records in group))
        else:
            self._shrink()
            for each in group:
                self._load_alone(*each)
        return upcoming

    def _load_alone(self, block: Block, records: Records) -> None:
        bad = len(self._loading.rejected)
        self._loading.load(block, records)
        if len(self._loading.rejected) > bad:
            self._shrink()
        elif self._may_join(block, records):
            self._grow(records.size)
        self._tell(block)

    def _may_lead(self, block: Block, records: Records) -> bool:
        """Whether this block and another one like it may go together."""
        return 2 * records.size <= self._most_bytes and self._may_join(block, records)

    def _may_join(self, block: Block, records: Records) -> bool:
        return block.mended is None and self._target.goes_together(records)

    def _grow(self, size: int) -> None:
        step = size // _SLOWNESS if self._was_refused else MOST_BYTES
        self._most_bytes = min(MOST_BYTES, self._most_bytes + step)

    def _shrink(self) -> None:
        self._most_bytes = 0
        self._was_refused = True
