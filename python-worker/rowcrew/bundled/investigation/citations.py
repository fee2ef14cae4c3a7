"""The quotes of an answer, each held against the chunk that it names.

In: an answer, and the texts of chunks. Out: the quotes that occur there word for word, as they stand in the
chunk, and how many do not. Line breaks and runs of blanks count as one blank, because models write them so.
Pure. Called by the handler.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

_CITED: Final = re.compile(r'(["”])\s*\[chunk (\d{1,18})\]')
_OPENING: Final = re.compile('["“]')
_LONGEST: Final = 4_000


class Quote(NamedTuple):
    """Words of a chunk, exactly as they stand there."""

    chunk: int
    words: str


def cited_chunks(answer: str) -> set[int]:
    """The chunks that an answer names."""
    return {int(match[2]) for match in _CITED.finditer(answer)}


def quotes_in(answer: str, chunks: Mapping[int, str]) -> tuple[list[Quote], int]:
    """The quotes that the chunks bear out, each once, and how many others there are."""
    found: dict[Quote, None] = {}
    unverified = 0
    for match in _CITED.finditer(answer):
        id = int(match[2])
        words = _borne_out(answer[: match.start()], chunks.get(id, ""))
        if words:
            found[Quote(id, words)] = None
        else:
            unverified += 1
    return list(found), unverified


def _borne_out(before: str, chunk: str) -> str | None:
    """The longest quote that ends here and occurs in the chunk: it may hold quotation marks of its own."""
    candidates = (_occurring(words, chunk) for words in _beginnings(before))
    return max(filter(None, candidates), key=len, default=None)


def _beginnings(before: str) -> Iterator[str]:
    begin = max(0, len(before) - _LONGEST)
    return (before[match.end() :] for match in _OPENING.finditer(before, begin))


def _occurring(words: str, chunk: str) -> str | None:
    parts = words.split()
    if not parts:
        return None
    match = re.search(r"\s+".join(map(re.escape, parts)), chunk)
    return match[0] if match else None
