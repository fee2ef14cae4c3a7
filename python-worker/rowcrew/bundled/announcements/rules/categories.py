"""What a filing is about: the category whose patterns are worth most, together with what it is worded like.

In: what the exchange calls it, its subject and its text. Out: one of the categories of `categories.toml`, or
`General`. Called by `analysis`.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources
from typing import Final, NamedTuple

from rowcrew.bundled.announcements.rules.likeness import likeness

GENERAL: Final = "General"
# Say where a thing was decided or how it is told: what it is says more.
_VAGUE: Final = ("Outcome of Board Meeting", "Press Release", GENERAL)
_VAGUER: Final = 4.0
_SUBJECT: Final = 1.0
# The exchange's word is often too wide, but somebody chose it.
_HINTS: Final = 1.5
_TEXT: Final = 1.0
# A text begins with what matters.
_BEGINNING: Final = 2_500
_REST: Final = 0.3
# A subject names the matter first, and what it is for after that: `Record date for buyback`.
_NAMED_FIRST: Final = 6.0
_LIKENESS: Final = 4.0
_REPEATED: Final = 0.2
_MOST_REPEATS: Final = 3
# What companies write in more than one way.
_SPELLINGS: Final = (
    (re.compile(r"\breg(?:n|s)?\.\s*(?=\d)", re.IGNORECASE), "regulation "),
    (re.compile(r"\s&\s"), " and "),
    # A dot ends what a pattern looks at, and these end no sentence.
    (re.compile(r"\b(m/s|mr|mrs|ms|smt|dr|rs|ltd|pvt|no)\.", re.IGNORECASE), r"\1"),
    (re.compile(r"\bi\.\s?e\.", re.IGNORECASE), "ie"),
    (re.compile(r"\b([A-Z])\.(?=\s?[A-Z])"), r"\1 "),
)
# What tells nothing of the matter.
_EMPTY: Final = (
    # NSE's one word for calls, their transcripts and presentations.
    re.compile(r"\banalysts?/institutional investor meet/con\. call updates\b", re.IGNORECASE),
    # A form asks for it, and the answer is no.
    re.compile(r"\b(?:no|not|neither|whether)\b[^.;]{0,200}\brelated party transactions?\b", re.IGNORECASE),
    re.compile(r"\((?:exclu|inclu)[^)]{0,40}\)", re.IGNORECASE),
    re.compile(r"\b(?:plus|inclusive of|exclusive of|excluding|including) (?:gst|taxes)\b", re.IGNORECASE),
)


class Sign(NamedTuple):
    """A pattern, and what it is worth."""

    pattern: re.Pattern[str]
    worth: float


@cache
def signs() -> dict[str, tuple[Sign, ...]]:
    """The patterns of all categories."""
    text = (resources.files(__package__) / "categories.toml").read_text(encoding="utf-8")
    return {
        category: tuple(Sign(re.compile(pattern, re.IGNORECASE), worth) for pattern, worth in table.items())
        for category, table in tomllib.loads(text).items()
    }


def category_of(hints: str, subject: str, text: str) -> str:
    """The category of a filing."""
    hints, subject, text = _spelled(hints), _spelled(subject), _spelled(text)
    places = (
        (hints, _HINTS),
        (subject, _SUBJECT),
        (text[:_BEGINNING], _TEXT),
        (text[_BEGINNING : 10 * _BEGINNING], _REST),
    )
    scores = {
        category: sum(weight * _worth(own, place) for place, weight in places if place)
        for category, own in signs().items()
    }
    named = _named_first(subject)
    if named is not None:
        scores[named] += _NAMED_FIRST
    for category, less in likeness(subject, text[:_BEGINNING]).items():
        scores[category] = scores.get(category, 0.0) + _LIKENESS * less - _VAGUER * (category in _VAGUE)
    likeliest = max(scores, key=lambda category: scores[category])
    return likeliest if any(scores.values()) else GENERAL


def _named_first(subject: str) -> str | None:
    """The category whose pattern matches the subject soonest."""
    starts = {
        category: match.start()
        for category, own in signs().items()
        if category not in _VAGUE
        for match in (_soonest(own, subject),)
        if match is not None
    }
    return min(starts, key=lambda category: starts[category]) if starts else None


def _soonest(own: tuple[Sign, ...], text: str) -> re.Match[str] | None:
    matches = (match for sign in own if (match := sign.pattern.search(text)))
    return min(matches, key=lambda match: match.start(), default=None)


def _spelled(text: str) -> str:
    for pattern, word in _SPELLINGS:
        text = pattern.sub(word, text)
    for pattern in _EMPTY:
        text = pattern.sub(" ", text)
    return text


def _worth(own: tuple[Sign, ...], text: str) -> float:
    return sum(sign.worth * _times(sign.pattern, text) for sign in own)


def _times(pattern: re.Pattern[str], text: str) -> float:
    """How much a pattern counts: once in full, and a little for each repeat."""
    hits = 0
    for _ in pattern.finditer(text):
        hits += 1
        if hits > _MOST_REPEATS:
            break
    return 0.0 if hits == 0 else 1 + _REPEATED * (hits - 1)
