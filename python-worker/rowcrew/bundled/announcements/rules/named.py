"""The investors that a filing names: who buys, sells, is allotted or holds shares.

In: the sentences and lines of a filing, and whose it is. Out: people and companies, each once, with what the
same sentence says of shares and percent. Names of those who sign, rate, list or register are none. Called by
`analysis`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from rowcrew.bundled.announcements.names import Kind, normalised
from rowcrew.bundled.announcements.processed import Action, NamedInvestor
from rowcrew.bundled.announcements.rules.money import NUMBER

_WORD: Final = r"(?:[A-Z][a-z]+|[A-Z]{2,}|[A-Z]\.(?:\s?[A-Z]\.)*|[A-Z])"
_TITLE: Final = r"(?:Mr|Mrs|Ms|Miss|Dr|Shri|Smt|Sri|Kum)\b\.?"
_FORMS: Final = (
    r"(?:Private Limited|Pvt\.?\s?Ltd\b\.?|\(P\)\s?Ltd\b\.?|P\.?\s?Ltd\b\.?|Limited|"
    r"Ltd\b\.?|LLP|L\.L\.P\.|Inc\b\.?|LLC|PLC|"
    r"Pte\.?\s?Ltd\b\.?|Mutual Fund|(?:Growth |Opportunities |Equity |Alpha |"
    r"Emerging )*Fund(?:\s?-?\s?(?:I{1,3}|IV|V|[0-9]))?|Trust|HUF)"
)
_PERSON: Final = re.compile(rf"\b{_TITLE}\s*(?P<name>{_WORD}(?:\s+{_WORD}){{0,4}})")
_COMPANY: Final = re.compile(
    rf"\b(?P<name>(?:M/s\.?\s*)?(?:{_WORD}|[A-Z][\w&'-]*)(?:\s+(?:&|and|of|{_WORD}|"
    rf"[A-Z][\w&'-]*|\([A-Z][a-z]+\))){{0,6}}?\s+{_FORMS})"
)
_DEAL: Final = re.compile(
    r"\b(?:allot\w*|subscrib\w*|invest(?:ed|ors?|ment by)|purchased?|sold|sale of|"
    r"acquired|bought|disposed|holds?|holding|"
    r"stake|shareholding|bulk deal|block deal|open market|warrants?|preferential|acquirer)\b",
    re.IGNORECASE,
)
_SHARES_WORD: Final = re.compile(r"\b(?:shares?|warrants?|stake|%|shareholding|holding)", re.IGNORECASE)
_NOT_AN_INVESTOR: Final = re.compile(
    r"\b(?:BSE|National Stock Exchange|Stock Exchange|Depository|NSDL|CDSL|Registrar|"
    r"Intime|KFin|Bigshare|Cameo|CRISIL|ICRA|"
    r"CARE Ratings|India Ratings|Brickwork|Acuit|Infomerics|Chartered Accountants|Bank of|"
    r"Reserve Bank|Merchant Bank|"
    r"Listing|Securities and Exchange|Annexure|Company)\b"
)
# What somebody buys into is no investor; nor is who only signs or advises.
_TARGET_BEFORE: Final = re.compile(
    r"(?:\b(?:in|of|into|capital of|shares of|stake in|subsidiary|viz\.?,?|namely|manager|"
    r"target company|registrar)\s+(?:M/s\.?\s*)?)$",
    re.IGNORECASE,
)
_PARTY_BEFORE: Final = re.compile(
    r"(?:\b(?:to|by|from|allottees?|investors?|acquirer|and|&|namely|being)|[,:;])\s*(?:M/s\.?\s*)?$",
    re.IGNORECASE,
)
_SIGNS_AFTER: Final = re.compile(
    r"^[\s,(]*(?:(?:the )?(?:chairman|managing|whole|independent|non-executive|chief|"
    r"company secretary|compliance|director|partner|"
    r"DIN|membership|auditor|as (?:an?|the)))",
    re.IGNORECASE,
)
_BOUGHT: Final = re.compile(
    r"\b(?:allot\w*|subscrib\w*|purchased?|acquired|bought|invest\w*)\b", re.IGNORECASE
)
_SOLD: Final = re.compile(r"\b(?:sold|disposed|sale|offload\w*)\b", re.IGNORECASE)
_SHARES: Final = re.compile(
    rf"(?P<number>{NUMBER})\s*(?P<scale>lakhs?|crores?|"
    rf"million)?\s*(?:\([^)]*\)\s*)?(?:fully |paid[- ]up |convertible )*(?:equity |warrants|shares)",
    re.IGNORECASE,
)
_PERCENT: Final = re.compile(r"(?P<number>\d{1,3}(?:\.\d{1,6})?)\s?(?:%|per ?cent)")
_ROW: Final = re.compile(
    rf"^\W*(?:\d{{1,3}}[.)]?\s+)?(?P<name>(?:{_TITLE}\s*)?[A-Z][\w.&'()/ -]{{3,80}}?)\s+"
    rf"(?:(?:Non[- ])?Promoters?(?: Group)?|Public|Individual|"
    rf"Body Corporate|AIF|"
    rf"FPI)?\s*(?P<shares>\d[\d,]{{2,}})\s+(?:[\d,.]+\s+)?(?P<percent>\d{{1,2}}\.\d{{1,4}})?\s*%?\s*$"
)
_ROWS_FOLLOW: Final = re.compile(
    r"\b(?:names? of (?:the )?(?:proposed )?(?:allottees?|investors?|acquirers?|shareholders?))\b",
    re.IGNORECASE,
)
_SCALES: Final = {"lakh": 10**5, "crore": 10**7, "million": 10**6}
_MOST: Final = 200


class Named(NamedTuple):
    """An investor, and whether a person or a company."""

    kind: Kind
    investor: NamedInvestor


def investors_of(sentences: Iterable[str], pages: Iterable[str], company: str) -> list[Named]:
    """The investors, in their order, each once; the one whose filing it is does not count."""
    own = normalised(company, "company")
    found: dict[tuple[Kind, str], Named] = {}
    for one in (*_of_sentences(sentences), *_of_tables(pages)):
        alias = normalised(one.investor.name, one.kind)
        if alias != own and (one.kind, alias) not in found:
            found[one.kind, alias] = one
    return list(found.values())[:_MOST]


def _of_sentences(sentences: Iterable[str]) -> Iterator[Named]:
    for sentence in sentences:
        if _DEAL.search(sentence) and _SHARES_WORD.search(sentence):
            yield from _of_deal(sentence)


def _of_deal(sentence: str) -> Iterator[Named]:
    matches: list[tuple[Kind, re.Match[str]]] = [("company", match) for match in _COMPANY.finditer(sentence)]
    matches += [("individual", match) for match in _PERSON.finditer(sentence)]
    parties = [
        (kind, match)
        for kind, match in sorted(matches, key=lambda each: each[1].start())
        if _is_party(sentence, match)
    ]
    for place, (kind, match) in enumerate(parties):
        follows = parties[place + 1][1].start() if place + 1 < len(parties) else len(sentence)
        begins = parties[place - 1][1].end() if place else 0
        around = (sentence[match.end() : follows], sentence[begins : match.start()])
        yield Named(kind, _investor(match["name"], sentence, around))


def _is_party(sentence: str, match: re.Match[str]) -> bool:
    if _NOT_AN_INVESTOR.search(match["name"]):
        return False
    before, after = sentence[: match.start()], sentence[match.end() :]
    if _TARGET_BEFORE.search(before) or _SIGNS_AFTER.search(after):
        return False
    is_subject = re.match(
        r"^[\s,]*(?:\([^)]*\)\s*)?(?:has|have|had|purchased|sold|acquired|bought|holds?|"
        r"held|subscribed|offloaded)\b",
        after,
    )
    return bool(is_subject or _PARTY_BEFORE.search(before))


def _investor(name: str, sentence: str, around: tuple[str, str]) -> NamedInvestor:
    shares = next((_count(match) for part in around if (match := _SHARES.search(part))), None)
    percent = next((match["number"] for part in around if (match := _PERCENT.search(part))), None)
    return NamedInvestor(name=_plain(name)[:300], action=_action(sentence), shares=shares, percent=percent)


def _of_tables(pages: Iterable[str]) -> Iterator[Named]:
    """Rows of a table of allottees: a name, and how many shares."""
    for page in pages:
        head = _ROWS_FOLLOW.search(page)
        for line in page[head.end() :].splitlines() if head else ():
            row = _ROW.match(line)
            if row is None or _NOT_AN_INVESTOR.search(row["name"]) or row["name"].lower().startswith("total"):
                continue
            name = _plain(row["name"])
            kind: Kind = "company" if re.search(rf"{_FORMS}\s*$", name) else "individual"
            shares = int(row["shares"].replace(",", ""))
            yield Named(
                kind, NamedInvestor(name=name, action="bought", shares=shares, percent=row["percent"])
            )


def _action(sentence: str) -> Action:
    if _SOLD.search(sentence):
        return "sold"
    return "bought" if _BOUGHT.search(sentence) else "holds"


def _count(match: re.Match[str]) -> int:
    factor = _SCALES.get((match["scale"] or "").lower().rstrip("s"), 1)
    return round(float(match["number"].replace(",", "")) * factor)


def _plain(name: str) -> str:
    return " ".join(re.sub(r"^M/s\.?\s*", "", name).split()).strip(" ,;")
