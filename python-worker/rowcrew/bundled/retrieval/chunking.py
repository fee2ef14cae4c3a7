"""A text in chunks: windows of tokens that overlap, and that give the text back without their overlaps.

In: a text. Out: its chunks, in order. A token is a word (of at most 32 characters), a sign, or a character of
a script without blanks; accents stay with what they stand on, and blanks with the token before them. Pure.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

LEAST_TOKENS: Final = 100
_MARKS: Final = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u200d\u20d0-\u20ff\ufe00-\ufe0f"
_WITHOUT_BLANKS: Final = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_LETTER: Final = rf"(?![{_WITHOUT_BLANKS}])\w[{_MARKS}]*"
_SIGN: Final = rf"[^\w\s{_MARKS}]"
# An accent on a blank is no token: it goes with what is before, and with nothing where the text begins.
TOKEN: Final = re.compile(
    rf"\A\s*[{_MARKS}]+|(?:[{_WITHOUT_BLANKS}]|(?:{_LETTER}){{1,32}}|{_SIGN})[{_MARKS}]*"
)


class Chunk(msgspec.Struct, frozen=True):
    """A piece of a text; `overlap` = how many of its first characters the chunk before has too."""

    content: str
    overlap: int
    tokens: int


def chunks_of(text: str, size: int, overlap: int) -> Iterator[Chunk]:
    """Cut a text into windows of `size` tokens, each beginning `overlap` tokens before the last one's end.

    The last has at least 100 tokens, or `size` or all there are if that is fewer: it overlaps more for it.
    A text of blanks alone has no chunk.
    """
    starts = array("Q", (match.start() for match in TOKEN.finditer(text)))
    count, least = len(starts), min(LEAST_TOKENS, size)
    if not count:
        return
    starts[0] = 0
    starts.append(len(text))
    begin, known = 0, 0
    while True:
        end = min(begin + size, count)
        if end == count:
            begin = max(0, min(begin, count - least))
        yield Chunk(text[starts[begin] : starts[end]], starts[known] - starts[begin], end - begin)
        if end == count:
            return
        begin, known = end - overlap, end


def text_of(chunks: Iterable[Chunk]) -> str:
    """The text that was cut."""
    return "".join(chunk.content[chunk.overlap :] for chunk in chunks)
