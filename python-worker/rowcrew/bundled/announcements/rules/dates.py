"""Dates and periods as Indian filings write them.

In: a sentence. Out: dates as ISO 8601 has them, the day before the month, and the words of periods. Called by
`figures`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Final, NamedTuple

_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            "january jan",
            "february feb",
            "march mar",
            "april apr",
            "may",
            "june jun",
            "july jul",
            "august aug",
            "september sept sep",
            "october oct",
            "november nov",
            "december dec",
        ),
        start=1,
    )
    for name in names.split()
}
_MONTH: Final = rf"(?P<month>{'|'.join(_MONTHS)})"
_YEAR: Final = r"(?P<year>(?:19|20)\d\d)"
_DAY: Final = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_FORMS: Final = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"\b{_DAY}(?:\s+day)?(?:\s+of)?[\s,-]+{_MONTH}\b\.?,?[\s,-]*{_YEAR}\b",
        rf"\b{_MONTH}\b\.?\s+{_DAY}\s*,?\s*{_YEAR}\b",
        rf"\b(?P<day>\d{{1,2}})[./-](?P<month>\d{{1,2}})[./-]{_YEAR}\b",
        rf"\b{_YEAR}-(?P<month>\d{{2}})-(?P<day>\d{{2}})\b",
    )
)
_LABELS: Final = (
    ("record date", r"record date"),
    (
        "board meeting",
        r"board meeting|meeting of (?:the )?board|board of directors[^.]{0,40}meeting|meeting held",
    ),
    ("payment", r"paid|payment|dispatch"),
    ("general meeting", r"general meeting|agm|egm"),
    ("period end", r"ended|ending|as (?:on|at)"),
    ("effective", r"effective|with effect from|w\.e\.f"),
    ("order", r"dated"),
)
_LABEL_PATTERNS: Final = tuple((label, re.compile(pattern, re.IGNORECASE)) for label, pattern in _LABELS)
_NEAR: Final = 70
_PERIODS: Final = re.compile(
    r"\b(?:(?:first|second|third|fourth|1st|2nd|3rd|4th)\s+)?(?:quarter|half[- ]year|"
    r"nine months|year|period|financial year)"
    r"(?:\s+and\s+(?:half[- ]year|nine months|year|financial year))?\s+end(?:ed|ing)\s+(?:on\s+)?"
    r"(?:[A-Za-z]+\.?\s+\d{1,2}(?:st|nd|rd|th)?\s*,?\s*\d{4}|\d{1,2}(?:st|nd|rd|"
    r"th)?\s+[A-Za-z]+\.?,?\s*\d{4}|\d{1,2}[./-]\d{1,2}[./-]\d{4})"
    r"|\b(?:financial|fiscal) year\s+\d{4}\s?[-\u2013]\s?\d{2,4}\b"
    r"|\bF\.?Y\.?\s?\d{4}\s?[-\u2013]\s?\d{2,4}\b|\b(?:Q[1-4]|H[12]|"
    r"9M)\s?F\.?Y\.?\s?'?\d{2,4}(?:[-\u2013]\d{2})?\b|\bFY\s?'?\d{2,4}\b",
    re.IGNORECASE,
)


class Dated(NamedTuple):
    """A date or a period, and where it stands."""

    value: str
    label: str
    start: int


def dates_in(sentence: str) -> list[Dated]:
    """All dates, in their order; one that no calendar has is none."""
    found = {one.start: one for form in _FORMS for one in _dates(form, sentence)}
    return [found[start] for start in sorted(found)]


def periods_in(sentence: str) -> list[Dated]:
    return [
        Dated(" ".join(match[0].split())[:100], "", match.start()) for match in _PERIODS.finditer(sentence)
    ]


def _dates(form: re.Pattern[str], sentence: str) -> Iterator[Dated]:
    for match in form.finditer(sentence):
        month = match["month"].lower()
        number = _MONTHS.get(month) or (int(month) if month.isdigit() else 0)
        try:
            day = date(int(match["year"]), number, int(match["day"]))
        except ValueError:
            continue
        before = sentence[max(0, match.start() - _NEAR) : match.start()]
        yield Dated(day.isoformat(), _label(before), match.start())


def _label(before: str) -> str:
    places = [
        (match.end(), label) for label, pattern in _LABEL_PATTERNS for match in pattern.finditer(before)
    ]
    return max(places)[1] if places else ""
