"""What tools that find and read answer: pieces of chunks, each with the ids that a citation needs.

In: chunks, and the words that were asked for. Out: pieces that fit into a result. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from rowcrew.bundled.retrieval.library import LibraryChunk

MOST_CHARACTERS: Final = 4_000
_WORTH_SHOWING: Final = 100


class Passage(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A piece of a chunk; `is_cut` = the chunk has more."""

    chunk_id: int
    document_id: int
    name: str | None = None
    place: int
    text: str
    is_cut: bool = False


def whole(chunks: Iterable[LibraryChunk]) -> list[Passage]:
    """The chunks from their beginnings, as many as fit."""
    passages: list[Passage] = []
    left = MOST_CHARACTERS
    for chunk in chunks:
        if left < _WORTH_SHOWING and passages:
            break
        passages.append(_passage(chunk, chunk.content[:left]))
        left -= len(passages[-1].text)
    return passages


def around(chunks: Sequence[LibraryChunk], words: Sequence[str]) -> list[Passage]:
    """Of each chunk the piece where these words stand closest, all of one size."""
    width = MOST_CHARACTERS // max(1, len(chunks))
    passages = []
    for chunk in chunks:
        begin = densest(chunk.content, words, width)
        passages.append(_passage(chunk, chunk.content[begin : begin + width]))
    return passages


def densest(text: str, words: Sequence[str], width: int) -> int:
    """Where a window of this width begins that shows most of these words."""
    if len(text) <= width or not any(words):
        return 0
    pattern = "|".join(re.escape(word) for word in words if word)
    hits = [match.start() for match in re.finditer(pattern, text, re.IGNORECASE)]
    if not hits:
        return 0
    best = max(hits, key=lambda begin: sum(begin <= hit < begin + width * 3 // 4 for hit in hits))
    return max(0, min(best - width // 4, len(text) - width))


def _passage(chunk: LibraryChunk, text: str) -> Passage:
    return Passage(
        chunk_id=chunk.id,
        document_id=chunk.document_id,
        name=chunk.name,
        place=chunk.place,
        text=text,
        is_cut=len(text) < len(chunk.content),
    )
