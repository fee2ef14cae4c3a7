"""Amounts of money as Indian filings write them.

In: text. Out: each amount in full units of its currency, with where it stands. `Rs. 14,64,85,436/-`, `₹ 72.62
crore`, `INR 1.5 lakh crore` and `USD 12 million` are amounts; `24 lakh equity shares` is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final, NamedTuple

NUMBER: Final = r"\d+(?:,\d+)*(?:\.\d+)?"
_CURRENCIES: Final = {
    "INR": r"₹|`|\bINR\b|\bRs\b|\bRe\b|\bRupees\b",
    "USD": r"\bUS\s?\$|\bUSD\b|\bU\.S\.\s?\$|\$",
    "EUR": r"€|\bEUR\b|\bEuros?\b",
    "GBP": r"£|\bGBP\b",
}
_SCALES: Final = {
    "crore": Decimal(10**7),
    "lakh": Decimal(10**5),
    "billion": Decimal(10**9),
    "million": Decimal(10**6),
    "thousand": Decimal(10**3),
}
_SCALE_WORDS: Final = {
    "crore": "crores?|crs?",
    "lakh": "lakhs?|lacs?|lakhs?",
    "billion": "billions?|bn",
    "million": "millions?|mn|mio",
    "thousand": "thousands?",
}
_SCALE: Final = "|".join(f"(?P<{name}>{words})" for name, words in _SCALE_WORDS.items())
_CURRENCY: Final = "|".join(f"(?P<{code}>{words})" for code, words in _CURRENCIES.items())
_WITH_CURRENCY: Final = re.compile(
    rf"(?:{_CURRENCY})\s*\.?\s*(?P<number>{NUMBER})(?:\s*/\s*-)?(?:\s*(?:(?P<double>lakh)\s+)?(?:{_SCALE})\b)?",
    re.IGNORECASE,
)
# Without a currency only words that count rupees will do, and not where they count something else.
_WITHOUT: Final = re.compile(
    rf"(?<![\d.,₹`])(?<!Rs )(?<!Rs\. )\b(?P<number>{NUMBER})\s*(?:(?P<crore>crores?|cr)|"
    rf"(?P<lakh>lakhs?|lacs?))\b\.?"
    r"(?!\s+(?!(?:rupees|is|as|was|has|its|this|plus|towards|across|less|versus|besides|whereas)\b)[a-z]{3,}s\b)"
    r"(?!\s*(?:fully |paid|new |bonus )*(?:equity|shares?|warrants?|units?|tonn|tons?|"
    r"mt\b|customers?|users?|sq|people"
    r"|persons|metric|options|debentures|kwh|downloads|households|vehicles|members))",
    re.IGNORECASE,
)
_TABLE_SCALE: Final = re.compile(
    r"(?:₹|`|\bRs\b\.?|\bINR\b|\bRupees\b|\bamounts?\b|"
    r"\bfigures\b)\s*(?:are\s+)?(?:in\s+)?(?:₹|`|Rs\.?|INR|Rupees)?\s*"
    rf"(?:in\s+)?(?:{_SCALE})\b",
    re.IGNORECASE,
)


class Money(NamedTuple):
    """An amount, and from where to where it stands."""

    amount: Decimal
    currency: str
    start: int
    end: int


def amounts_in(text: str) -> list[Money]:
    """All amounts, in the order of the text."""
    found = [*_matches(_WITH_CURRENCY, text)]
    taken = [(one.start, one.end) for one in found]
    found += [
        one
        for one in _matches(_WITHOUT, text)
        if not any(start < one.end and one.start < end for start, end in taken)
    ]
    return sorted(found, key=lambda one: one.start)


def table_scale(text: str) -> Decimal | None:
    """What the numbers of a table are to be taken times, as `(Rs. in lakhs)` above it says."""
    match = _TABLE_SCALE.search(text)
    return None if match is None else _scale(match)


def decimal_of(number: str) -> Decimal:
    return Decimal(number.replace(",", ""))


def digits(amount: Decimal) -> str:
    """The amount in digits alone, without zeros that say nothing."""
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _matches(pattern: re.Pattern[str], text: str) -> Iterator[Money]:
    for match in pattern.finditer(text):
        groups = match.groupdict()
        amount = decimal_of(match["number"]) * (_scale(match) or 1)
        if groups.get("double"):
            amount *= _SCALES["lakh"]
        currency = next((code for code in _CURRENCIES if groups.get(code)), "INR")
        yield Money(amount, currency, match.start(), match.end())


def _scale(match: re.Match[str]) -> Decimal | None:
    groups = match.groupdict()
    return next((factor for name, factor in _SCALES.items() if groups.get(name)), None)
