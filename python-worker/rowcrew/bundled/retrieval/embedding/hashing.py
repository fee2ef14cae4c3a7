"""The built-in embedder: hashes features of a text into 384 numbers. Offline, and the same everywhere.

In: texts. Out: a vector each. A text's features are its words without their endings, pairs of neighbours, and
runs of four letters, which a misspelt or an inflected word shares with the right one. Each feature goes to
one of 384 places, with a sign, both by its hash (Weinberger et al., "Feature Hashing for Large Scale
Multitask Learning", ICML 2009); a feature that comes n times weighs 1 + ln n. Words that say little are left
out. It knows no synonyms: where those matter, a server embeds better.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from rowcrew.bundled.retrieval.embedding.vector import Vector, of_length_one

DIMENSIONS: Final = 384
_WORD_WEIGHT: Final = 1.0
_PAIR_WEIGHT: Final = 0.3
_RUN_WEIGHT: Final = 0.1
_RUN_LETTERS: Final = 4
_WORD: Final = re.compile(r"[^\W_]+")
_LITTLE_SAID: Final = (
    "a an and any are as at be been but by can could did do does for from had has have he her his how i "
    "if in into is it its may me my no not of on or our shall she should so such than that the their "
    "them then there these they this those to under up upon us was we were what when where which who "
    "whom whose why will with would you your"
)
_PASSED_OVER: Final = frozenset(_LITTLE_SAID.split(" "))


class HashEmbedder:
    """The built-in embedder, `hash`. Without network, model or state."""

    name = "hash"

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        return [_vector(text) for text in texts]


def _vector(text: str) -> Vector:
    numbers = [0.0] * DIMENSIONS
    for feature, count in Counter(_features(text)).items():
        place, weight = _place(feature)
        numbers[place] += weight * (1 + math.log(count))
    if not any(numbers):  # nothing was said, or it came to nothing: any direction, but always the same
        numbers[0] = 1.0
    return of_length_one(numbers)


def _features(text: str) -> Iterator[str]:
    """A text's features, each led by its kind: word, pair, or run of letters."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    before = ""
    for word in _WORD.findall(plain):
        if word in _PASSED_OVER:
            continue
        stem = _stem(word)
        yield "w" + stem
        if before:
            yield f"p{before} {stem}"
        yield from _runs(word)
        before = stem


@lru_cache(100_000)
def _runs(word: str) -> tuple[str, ...]:
    if len(word) <= _RUN_LETTERS:
        return ()
    return tuple("r" + word[at : at + _RUN_LETTERS] for at in range(len(word) - _RUN_LETTERS + 1))


@lru_cache(100_000)
def _stem(word: str) -> str:
    """The word without an English ending; crude, and the same for question and text."""
    for ending, instead, least in (
        ("sses", "ss", 6),
        ("ies", "y", 5),
        ("ing", "", 6),
        ("ed", "", 5),
        ("es", "e", 5),
        ("s", "", 4),
    ):
        if word.endswith(ending) and len(word) >= least and not word.endswith(("ss", "us", "is")):
            return word[: -len(ending)] + instead
    return word


@lru_cache(200_000)
def _place(feature: str) -> tuple[int, float]:
    """Where a feature counts, and how much, its sign included."""
    number = int.from_bytes(blake2b(feature.encode("utf-8", "replace"), digest_size=8).digest(), "big")
    weight = {"w": _WORD_WEIGHT, "p": _PAIR_WEIGHT, "r": _RUN_WEIGHT}[feature[0]]
    return (number >> 1) % DIMENSIONS, weight if number & 1 else -weight
