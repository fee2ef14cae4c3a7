"""The figures of a filing: money, dividends, ratios, dates and periods, each with the words it stands in.

In: sentences, and the lines of tables. Out: figures, those that are told twice once. Called by `analysis`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Final

from rowcrew.bundled.announcements.processed import Figure, FigureKind
from rowcrew.bundled.announcements.rules.dates import dates_in, periods_in
from rowcrew.bundled.announcements.rules.money import (
    NUMBER,
    Money,
    amounts_in,
    decimal_of,
    digits,
    table_scale,
)

_QUOTE: Final = 300
_MOST: Final = 500
_NEAR: Final = 90
_AFTER: Final = 60
_LABELS: Final = (
    ("dividend", r"\bdividend\b"),
    ("face value", r"\b(?:face|nominal|par) value\b"),
    ("order value", r"\b(?:orders?|contracts?|projects?|letter of award|work order)\b"),
    ("penalty", r"\b(?:penalty|fine)\b"),
    ("tax demand", r"\b(?:demand|tax)\b"),
    ("price", r"\b(?:price|premium|at a rate)\b"),
    (
        "issue size",
        r"\b(?:aggregating|issue size|raise|raising|fund ?rais\w+|qip|placement|rights issue|proceeds)\b",
    ),
    ("consideration", r"\b(?:consideration|acquir\w+|acquisition|purchase|enterprise value)\b"),
    ("rated amount", r"\b(?:facilit(?:y|ies)|rat(?:ed|ing)s?|debentures|commercial paper)\b"),
    ("loan", r"\b(?:loan|borrowing)\b"),
    ("investment", r"\b(?:invest\w*|capital expenditure|capex|outlay|project cost)\b"),
    ("revenue", r"\b(?:revenues?|turnover|sales|total income)\b"),
    ("profit", r"\b(?:profits?|pat|ebitda)\b"),
    ("net worth", r"\bnet worth\b"),
    ("share capital", r"\bshare capital\b"),
    ("buyback size", r"\bbuy-?\s?back\b"),
)
_LABEL_PATTERNS: Final = tuple((label, re.compile(pattern, re.IGNORECASE)) for label, pattern in _LABELS)
_PER_SHARE_AFTER: Final = re.compile(
    r"^\s*(?:/-)?\s*(?:\([^)]*\)\s*)?(?:each|only each|per (?:fully |paid[- ]up |rights |"
    r"bonus )*(?:equity )?(?:shares?|warrants?))\b",
    re.IGNORECASE,
)
_PER_SHARE_BEFORE: Final = re.compile(
    r"\b(?:face|nominal|par) value (?:of )?(?:the )?(?:equity )?(?:shares? )?(?:of |being |is )?$"
    r"|\b(?:price|premium) of $|\b(?:equity )?shares? of $",
    re.IGNORECASE,
)
_DIVIDEND_BEFORE: Final = re.compile(
    r"\bdividend\b(?:(?!\bface\b|\bnominal\b|\bpar\b|\bshares? of\b).){0,80}$", re.IGNORECASE
)
_RATIO: Final = re.compile(
    r"\b(\d{1,4})\s*:\s*(\d{1,4})\b(?!\s*(?:am|pm|hrs|hours|[ap]\.m|:|ist))", re.IGNORECASE
)
_RATIO_NEAR: Final = re.compile(r"\b(?:ratio|proportion|bonus|rights|swap|exchange)\b", re.IGNORECASE)
_FOR_EVERY: Final = re.compile(
    r"\b(\d{1,4})\s*(?:\([^)]*\))?[^.]{0,100}?\bfor (?:every|each)\s+(\d{1,4})\b", re.IGNORECASE
)
_SPLIT: Final = re.compile(
    rf"\b(?:sub-?\s?divi\w+|split)\b[^.]{{0,160}}?(?:₹|Rs\.?|INR|"
    rf"Re\.?)\s*({NUMBER})[^.]{{0,160}}?\b(?:into|to)\b"
    rf"[^.]{{0,120}}?(?:₹|Rs\.?|INR|Re\.?)\s*({NUMBER})",
    re.IGNORECASE,
)
_RATED: Final = (
    r"(?:total )?(?:(?:long|short)[- ]?term[ /&]*){0,2}(?:(?:non-?)?fund[- ]based )?"
    r"(?:loans?|(?:bank |working capital )?(?:facilit(?:y|ies)|limits?)|cash credit|fixed deposits?|"
    r"commercial papers?|non[- ]convertible debentures?|ncds?)"
)
_ROWS: Final = (
    ("revenue", r"(?:total )?revenues? from operations|net sales"),
    ("other income", r"other income"),
    ("total income", r"total (?:income|revenue)"),
    ("total expenses", r"total expenses|total expenditure"),
    ("ebitda", r"ebitda"),
    ("profit before tax", r"(?:net )?(?:profit|\(?loss\)?)[ /()a-z]*before (?:exceptional items and )?tax"),
    ("tax", r"(?:total )?tax expenses?"),
    ("profit", r"(?:net )?(?:profit|\(?loss\)?)[ /()a-z]*(?:after tax|for the (?:period|quarter|year))"),
    ("comprehensive income", r"total comprehensive income"),
    ("rated amount", _RATED),
)
_ROW_PATTERNS: Final = tuple(
    (
        label,
        re.compile(
            rf"^\W*(?:[0-9IVXivx]{{1,4}}[.)]\s*|\(?[a-z]\)\s*)?(?:{pattern})[^\d(]*(?:\([^)\d]*\)[^\d(]*)?"
            rf"(?P<minus>\(?)(?P<number>{NUMBER})",
            re.IGNORECASE,
        ),
    )
    for label, pattern in _ROWS
)


def figures_of(sentences: Sequence[str], pages: Iterable[str]) -> tuple[Figure, ...]:
    """All figures: those of sentences in their order, then those of tables."""
    found: dict[tuple[str, str, str | None], Figure] = {}
    for figure in (*_of_sentences(sentences), *_of_tables(pages)):
        found.setdefault((figure.kind, figure.value, figure.currency), figure)
    return tuple(found.values())[:_MOST]


def _of_sentences(sentences: Sequence[str]) -> Iterator[Figure]:
    for sentence in sentences:
        yield from (_of_money(sentence, money) for money in amounts_in(sentence))
        yield from _ratios(sentence)
        for date in dates_in(sentence):
            yield _figure("date", date.label, date.value, sentence, date.start)
        for period in periods_in(sentence):
            yield _figure("period", "", period.value, sentence, period.start)


def _of_money(sentence: str, money: Money) -> Figure:
    before, after = sentence[max(0, money.start - _NEAR) : money.start], sentence[money.end :]
    is_per_share = bool(_PER_SHARE_AFTER.search(after) or _PER_SHARE_BEFORE.search(before))
    kind: FigureKind = "perShare" if is_per_share else "amount"
    is_face_value = re.search(r"\b(?:face|nominal|par) value\b[^.]{0,25}$", before, re.IGNORECASE)
    if (
        _DIVIDEND_BEFORE.search(before)
        and not is_face_value
        and (is_per_share or "per" in after[:60].lower())
    ):
        kind = "dividend"
    label = "face value" if is_face_value else "dividend" if kind == "dividend" else _label(before, after)
    return _figure(kind, label, digits(money.amount), sentence, money.start, currency=money.currency)


def _label(before: str, after: str) -> str:
    """What an amount is about: the keyword that stands nearest before it, or else soon after it."""
    places = [
        (match.end(), label) for label, pattern in _LABEL_PATTERNS for match in pattern.finditer(before)
    ]
    if places:
        return max(places)[1]
    places = [
        (match.start(), label)
        for label, pattern in _LABEL_PATTERNS
        for match in pattern.finditer(after[:_AFTER])
    ]
    return min(places)[1] if places else ""


def _ratios(sentence: str) -> Iterator[Figure]:
    split = _SPLIT.search(sentence)
    if split is not None:
        value = f"{digits(decimal_of(split[1]))}:{digits(decimal_of(split[2]))}"
        yield _figure("ratio", "split", value, sentence, split.start())
    if not _RATIO_NEAR.search(sentence):
        return
    told = [*_RATIO.finditer(sentence)]
    for match in told or [*_FOR_EVERY.finditer(sentence)]:
        yield _figure("ratio", _ratio_label(sentence), f"{match[1]}:{match[2]}", sentence, match.start())


def _ratio_label(sentence: str) -> str:
    return next((word for word in ("bonus", "rights", "swap") if word in sentence.lower()), "ratio")


def _of_tables(pages: Iterable[str]) -> Iterator[Figure]:
    for page in pages:
        scale = table_scale(page)
        if scale is not None:
            for line in page.splitlines():
                yield from _of_row(line, scale)


def _of_row(line: str, scale: Decimal) -> Iterator[Figure]:
    """The first number of a row that we know: the column of the latest period."""
    for label, pattern in _ROW_PATTERNS:
        if match := pattern.search(line):
            amount = decimal_of(match["number"]) * scale * (-1 if match["minus"] else 1)
            yield _figure("amount", label, digits(amount), line.strip(), 0, currency="INR")
            return


def _figure(
    kind: FigureKind, label: str, value: str, words: str, start: int, *, currency: str | None = None
) -> Figure:
    begin = max(0, start - _QUOTE // 2)
    quote = words if len(words) <= _QUOTE else words[begin : begin + _QUOTE]
    return Figure(kind=kind, label=label, value=value, currency=currency, quote=quote)
