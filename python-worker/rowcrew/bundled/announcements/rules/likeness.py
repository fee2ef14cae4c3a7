"""How much a filing is worded like those of each category.

In: the subject and the text of a letter. Out: of each category, how much less likely these words are in it
than in the likeliest: naive Bayes over words and pairs of words, each worth the more the fewer phrases have
it, learned from `phrases.toml`. Called by `categories`.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Any, Final, NamedTuple

from rowcrew.bundled.announcements.rules.sentences import ADDRESS

# The share of an occurrence that a word has in a category whose phrases lack it.
_UNSEEN: Final = 0.15
# Words that begin alike are one: allotted, allotment.
_KEPT_LETTERS: Final = 6
_ENOUGH_WORDS: Final = 3
_WORD: Final = re.compile(r"[a-z][a-z0-9]+")
# What a law calls a thing is a word, with and without its paragraph: regulation 29(2).
_OF_LAW: Final = re.compile(
    r"\b(reg|sec|form)(?:ulations?|tions?|n|s)?\b\.?\s*(\d+\s?[a-z]{0,2})\b\s*(?:\((\w{1,3})\))?",
    re.IGNORECASE,
)
# The matter of a letter stands between these.
_OPENING: Final = re.compile(rf"{ADDRESS}|\bsub(?:ject)?\s*:", re.IGNORECASE)
_CLOSING: Final = re.compile(
    r"thanking you|yours (?:faithfully|truly|sincerely)|"
    r"kindly take(?! note that)|this is for your information(?! that)",
    re.IGNORECASE,
)
# Any letter says it, whatever it tells.
_ANYWHERE: Final = re.compile(
    r"(?:\b(?:announcement|disclosure|intimation) under )?\b(?:regulation|reg\.?) 30\b"
    r"(?!\s*\((?:5|6|11)\))"
    r"(?:[^.;]{0,60}?\b(?:sebi|securities)\b[^.;]{0,130}?\bregulations?\b,? ?(?:2015)?"
    r"| \(lodr\)|(?!\s*\(\d))|"
    r"(?:(?:^|[.;:])[^.;:]{0,80})?\bhas (?:informed|submitted to) the exchange\b|"
    r"\boutcome of (?:the )?(?:board meeting|meeting of (?:the )?board)\b|\b(?:press|media) release\b|"
    r"\bkindly take note that\b|\bthis is for your information that\b",
    re.IGNORECASE,
)


class _Category(NamedTuple):
    """The logarithms of how likely words are in a category: those of its phrases, and any other."""

    words: Mapping[str, float]
    other: float


def likeness(subject: str, text: str) -> dict[str, float]:
    """How much less likely a letter is in each category than in the likeliest: 0 and below.

    Nothing where hardly a word of it stands in any phrase.
    """
    weights = _weighed(Counter(_words(f"{subject}. {subject}. {_matter(text)}")))
    if len(weights) < _ENOUGH_WORDS:
        return {}
    likely = {
        name: sum(weight * words.get(word, other) for word, weight in weights.items())
        for name, (words, other) in categories().items()
    }
    # A long letter is not surer of itself than a line.
    most, length = max(likely.values()), math.hypot(*weights.values())
    return {name: (value - most) / length for name, value in likely.items()}


def _matter(text: str) -> str:
    """What stands between the courtesies of a letter."""
    opening = _OPENING.search(text)
    begin = opening.end() if opening else 0
    closing = _CLOSING.search(text, begin)
    return text[begin : closing.start() if closing else None]


@cache
def categories() -> Mapping[str, _Category]:
    """What the phrases teach of each category."""
    counts: dict[str, dict[str, float]] = {}
    for name, phrases in _phrases().items():
        counts[name] = defaultdict(float)
        for phrase in phrases:
            weights = _weighed(Counter(phrase))
            length = math.hypot(*weights.values())
            for word, weight in weights.items():
                counts[name][word] += weight / length
    return {name: _category(words) for name, words in counts.items()}


def _category(counts: Mapping[str, float]) -> _Category:
    total = sum(counts.values()) + _UNSEEN * len(_rarity())
    words = {word: math.log((count + _UNSEEN) / total) for word, count in counts.items()}
    return _Category(words, math.log(_UNSEEN / total))


@cache
def _rarity() -> Mapping[str, float]:
    """What each word of the phrases counts: the more, the fewer phrases have it."""
    phrases = [phrase for some in _phrases().values() for phrase in some]
    having = Counter(word for phrase in phrases for word in set(phrase))
    return {word: 1 + math.log((1 + len(phrases)) / (1 + number)) for word, number in having.items()}


@cache
def _phrases() -> Mapping[str, list[list[str]]]:
    """The words of each phrase, by category."""
    return {
        name: [_words(line) for line in lines.strip().splitlines()]
        for name, lines in _file()["phrases"].items()
    }


@cache
def _empty() -> frozenset[str]:
    return frozenset(_file()["empty"].split())


@cache
def _file() -> Mapping[str, Any]:
    return tomllib.loads((resources.files(__package__) / "phrases.toml").read_text(encoding="utf-8"))


def _weighed(counts: Mapping[str, int]) -> dict[str, float]:
    """Words that some phrase has; a repeat adds little."""
    rarity = _rarity()
    return {word: (1 + math.log(number)) * rarity[word] for word, number in counts.items() if word in rarity}


def _words(text: str) -> list[str]:
    """The beginnings of the words, and each with the next."""
    empty = _empty()
    text = _OF_LAW.sub(_law, _ANYWHERE.sub(" ", text))
    words = [word[:_KEPT_LETTERS] for word in _WORD.findall(text.lower()) if word not in empty]
    return words + [f"{word} {following}" for word, following in pairwise(words)]


def _law(match: re.Match[str]) -> str:
    name = f"{match[1]}{match[2].replace(' ', '')}"
    return f" {name} {name}x{match[3]} " if match[3] else f" {name} "
