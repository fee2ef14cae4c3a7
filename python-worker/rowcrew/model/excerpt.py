"""The first and the last of what a run says, within bounds; what falls between is counted.

In: sayings, each one or more whole lines. Out: pieces of clean text. Called by runners, so that a handler
which prints without end costs as much as one that prints a page.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final, NamedTuple

from rowcrew.model.cleaning import clean_text, needs_cleaning

LONGEST_SAYING: Final = 4_096
MOST_LINES: Final = 200


class Part(NamedTuple):
    """Some lines in a row; `dropped` lines before them are not kept."""

    dropped: int
    lines: int
    text: str


class Excerpt:
    """What was said since it was last taken.

    Args:
        most_bytes: how much is kept, half of it of the beginning; characters count as one until they are
            cleaned.
    """

    def __init__(self, most_bytes: int) -> None:
        self._half = most_bytes // 2
        self._longest = max(1, min(LONGEST_SAYING, self._half // 2))
        self._first: list[str] = []
        self._first_size = 0
        self._last: deque[str] = deque()
        self._last_size = 0
        self._dropped = 0

    def __bool__(self) -> bool:
        return bool(self._first or self._last)

    def add(self, saying: str) -> None:
        """Take one saying, without the end of its last line."""
        if len(saying) > 4 * self._longest:  # as much as cleaning looks at
            saying = f"{saying[: 2 * self._longest]} … {saying[-2 * self._longest :]}"
        size = min(len(saying), self._longest) + 1
        if not self._last and self._first_size + size <= self._half and len(self._first) < MOST_LINES:
            self._first.append(saying)
            self._first_size += size
            return
        self._last.append(saying)
        self._last_size += size
        while len(self._last) > MOST_LINES or (self._last_size > self._half and len(self._last) > 1):
            gone = self._last.popleft()
            self._last_size -= min(len(gone), self._longest) + 1
            self._dropped += gone.count("\n") + 1

    def take(self) -> Iterator[Part]:
        """What is kept, cleaned; afterwards it is empty."""
        first, last, dropped = self._first, self._last, self._dropped
        self._first, self._last, self._dropped = [], deque(), 0
        self._first_size = self._last_size = 0
        if not dropped:
            first, last = [*first, *last], deque()
        for gap, sayings in ((0, first), (dropped, last)):
            if sayings:
                text = "\n".join(sayings)
                if needs_cleaning(text) or any(len(one) > self._longest for one in sayings):
                    text = "\n".join([clean_text(saying, self._longest) for saying in sayings])
                yield Part(gap, text.count("\n") + 1, text)
