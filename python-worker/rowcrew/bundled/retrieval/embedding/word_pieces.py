"""A text in word pieces, as models of the kind of BERT know them that tell no capitals apart.

In: the pieces that a model knows, and a text. Out: the numbers of its pieces. Pure. Called by `minilm`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Final

UNKNOWN: Final = "[UNK]"
_LONGEST_WORD: Final = 100
_IDEOGRAPHS: Final = (
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002a6df\U0002a700-\U0002ceaf\U0002f800-\U0002fa1f"
)
_APART: Final = re.compile(f"([!-/:-@\\[-`{{-~{_IDEOGRAPHS}])")


def word_pieces(text: str, known: Mapping[str, int]) -> list[int]:
    """The numbers of a text's pieces; a word that cannot be put together is the unknown one."""
    return [number for word in _words(text) for number in _pieces(word, known)]


def _words(text: str) -> Iterator[str]:
    plain = unicodedata.normalize("NFD", _cleaned(text).lower())
    plain = "".join(sign for sign in plain if unicodedata.category(sign) != "Mn")
    for word in _APART.sub(r" \1 ", plain).split():
        yield from _parted(word)


def _cleaned(text: str) -> str:
    return "".join(
        " " if sign.isspace() else sign for sign in text if sign.isspace() or not _is_control(sign)
    )


def _is_control(sign: str) -> bool:
    return sign in "\0\ufffd" or unicodedata.category(sign).startswith("C")


def _parted(word: str) -> Iterator[str]:
    """The word, parted at each sign of punctuation that is not in ASCII."""
    begin = 0
    for at, sign in enumerate(word):
        if unicodedata.category(sign).startswith("P"):
            yield from (part for part in (word[begin:at], sign) if part)
            begin = at + 1
    if begin < len(word):
        yield word[begin:]


def _pieces(word: str, known: Mapping[str, int]) -> list[int]:
    """The longest piece that the word begins with, then the longest of what is left, and so on."""
    if len(word) > _LONGEST_WORD:
        return [known[UNKNOWN]]
    found: list[int] = []
    begin = 0
    while begin < len(word):
        for end in range(len(word), begin, -1):
            number = known.get(("##" if begin else "") + word[begin:end])
            if number is not None:
                break
        else:
            return [known[UNKNOWN]]
        found.append(number)
        begin = end
    return found
