"""Names of investors, written so that the same one looks the same.

In: a name as a filing has it. Out: the name without titles, dots and legal forms, and how like another it is,
by the measure of PostgreSQL's pg_trgm, which need not be installed. Called by `investor_processing`.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final, Literal

Kind = Literal["individual", "company"]

ALIKE: Final = "0.6"
_TITLES: Final = frozenset(
    [
        "mr",
        "mrs",
        "ms",
        "miss",
        "master",
        "dr",
        "prof",
        "shri",
        "sri",
        "shree",
        "smt",
        "smti",
        "sh",
        "kum",
        "kumari",
        "ca",
        "adv",
        "er",
        "late",
        "m/s",
        "messrs",
    ]
)
_FORMS: Final = re.compile(
    r"\b(?:private limited|pvt limited|private ltd|pvt ltd|p ltd|p limited|limited|ltd|incorporated|inc|"
    r"corporation|corp|plc|pte|gmbh)\b"
)
_SPELLINGS: Final = {
    "&": "and",
    "co": "company",
    "intl": "international",
    "mgmt": "management",
    "svcs": "services",
}
_UNSAID: Final = re.compile(r"\((?:p|pvt|private)\)", re.IGNORECASE)


def normalised(name: str, kind: Kind) -> str:
    """The name as aliases are kept: `Mr. R.K. Damani` is `r k damani`, `ABC (P) Ltd.` is `abc`.

    Never empty: a name that consists of nothing else stays as it is.
    """
    plain = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(character for character in plain if not unicodedata.combining(character))
    words = re.findall(r"[^\W_]+(?:/s\b)?|&", _UNSAID.sub(" pvt ", plain).replace("'", ""))
    if kind == "individual":
        found = " ".join(_without_titles(words))
    else:
        told = " ".join(_SPELLINGS.get(word, word) for word in words if word not in ("m/s", "messrs"))
        found = " ".join(_FORMS.sub(" ", told).split())
    return found or " ".join(words) or name.casefold().strip()


def trigrams(text: str) -> list[str]:
    """The trigrams of a text, each once, as pg_trgm has them: of every word with blanks around."""
    found: set[str] = set()
    for word in re.findall(r"[^\W_]+", text.lower()):
        padded = f"  {word} "
        found.update(padded[start : start + 3] for start in range(len(padded) - 2))
    return sorted(found)


def some_of(given: list[str]) -> list[str]:
    """So many trigrams that a text alike enough has one of them; those inside words, which tell most.

    A text that shares 60 % of all trigrams of both shares at least 60 % of these. So it lacks at most the
    other 40 %: of one more it must have one.
    """
    lacking = len(given) * 2 // 5
    return sorted(given, key=lambda trigram: (trigram.count(" "), trigram))[: lacking + 1]


def _without_titles(words: list[str]) -> list[str]:
    rest = list(words)
    while len(rest) > 1 and rest[0] in _TITLES:
        rest.pop(0)
    return rest
