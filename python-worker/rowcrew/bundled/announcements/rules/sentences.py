"""The sentences of a filing: which say something, which are form, and how they sound.

In: the text of pages, whose lines are those of the paper. Out: sentences, a summary of them, a headline, and
whether the news is good. Called by `analysis`.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import Final

from rowcrew.bundled.announcements.processed import Sentiment

_ABBREVIATIONS: Final = (
    r"(?<!\bRs)(?<!\bRe)(?<!\bMr)(?<!\bMrs)(?<!\bMs)(?<!\bDr)(?<!\bNo)(?<!\bLtd)(?<!\bPvt)(?<!\bSmt)(?<!\bM/s)(?<!\bviz)"
    r"(?<!\bi\.e)(?<!\b[A-Z])"
)
# Ends no sentence by its mark, and what follows it is the matter of the letter.
ADDRESS: Final = (
    r"\b(?i:dear|respected)\s+(?i:sir|madam)s?\b(?:\s*(?:[/,&]|and|or)\s*(?i:sir|madam)s?\b)*[\s,:;.-]*"
)
_END: Final = re.compile(rf"{_ABBREVIATIONS}[.!?;]\s+(?=[A-Z0-9₹\"“(])|{ADDRESS}")
_FULL: Final = 0.65
# What goes on for longer is a list or a table run together. Whoever compares each word of a sentence with all
# others counts on this: without it a file of one long sentence takes hours.
LONGEST: Final = 1_000
_FEWEST_WORDS: Final = 6
_FORM: Final = re.compile(
    r"\b(?:kindly take(?! note that)|take the (?:same|above) on|for your (?:information|records?)(?! that)|"
    r"thank(?:ing)? you|yours "
    r"(?:faithfully|truly)|dear sir|scrip code|symbol\s*:|dalal street|bandra|exchange plaza|plot no|"
    r"phiroze|cin\s*:|e-?mail|website|tel\b|digitally signed|membership no|din\s*:|"
    r"subject\s*:|sub\s*:|encl|"
    r"the above information is also available|company secretary (?:and|&) compliance)",
    re.IGNORECASE,
)
# How a sentence leads up to what it tells.
_LEADS_UP: Final = re.compile(
    r"[^.;]{0,300}?\b(?:inform|intimate|take note|bring to your (?:kind )?(?:notice|attention))"
    r"(?:\s+(?:to|you|your|the|all|both|good|esteemed|stock|offices?|exchanges?|members|shareholders))*\s+that\s+",
    re.IGNORECASE,
)
_TELLING: Final = re.compile(
    r"\b(?:approved|declared|recommended|received|awarded|acquired|allotted|appointed|"
    r"resigned|reaffirmed|upgraded|"
    r"downgraded|launched|commenced|entered into|sold|purchased|imposed|revenue|profit|"
    r"loss|order|dividend|bonus|ratio|"
    r"aggregating|consideration|record date|stake)\b",
    re.IGNORECASE,
)
_FIGURE: Final = re.compile(
    r"(?:₹|\bRs\b|\bINR\b|\bUSD\b|\d\s?%|\bcrores?\b|\blakhs?\b|\d{1,2}:\d{1,2}\b)", re.IGNORECASE
)
_GOOD: Final = re.compile(
    r"\b(?:upgrad\w+|record (?:high|revenue|profit|quarter)|highest ever|growth|grew|increased? (?:by|of)|"
    r"bagged|won|secured|order worth|dividend|bonus|buy-?back|commissioned|launched|"
    r"approval|award(?:ed)?|strong|"
    r"improve\w*|expan\w+|profit (?:rose|increased|grew))\b",
    re.IGNORECASE,
)
_BAD: Final = re.compile(
    r"\b(?:downgrad\w+|default\w*|penalt\w+|fine|loss(?:es)?|decline\w*|decreas\w+|fell|"
    r"insolvency|liquidation|fraud\w*|"
    r"resign\w+|fire|strike|shutdown|litigation|show cause|negative|suspend\w*|terminat\w+|weak\w*|"
    r"disrupt\w+|withdrawn|demand order|adverse)\b",
    re.IGNORECASE,
)


def sentences_of(text: str) -> list[str]:
    """The sentences, in order. A short line without an end is one of its own, as headings and cells are."""
    return [piece for part in _parts(text) for piece in textwrap.wrap(part, LONGEST)]


def summary_of(sentences: Sequence[str], company: str, most: int = 3) -> str:
    """The sentences that say most, in their order."""
    candidates = [(place, one) for place, one in enumerate(sentences) if is_telling(one)]
    ranked = sorted(candidates, key=lambda each: (-_weight(each[1], company, each[0]), each[0]))
    chosen = dict(sorted(ranked[:most]))
    return " ".join(one[:800] for one in chosen.values())


def is_telling(sentence: str) -> bool:
    """Whether a sentence is one, and no form of address, signature or letterhead."""
    return len(sentence.split()) >= _FEWEST_WORDS and not _FORM.search(sentence)


def headline_of(subject: str, summary: str, category: str) -> str:
    """The subject where it says something; else what the summary begins with."""
    told = subject.strip()
    if len(told.split()) >= _FEWEST_WORDS and not re.match(
        r"(?:announcement under )?regulation", told, re.IGNORECASE
    ):
        return told[:300]
    if summary:
        first = _told_in(sentences_of(summary)[0])
        return first if len(first) <= 200 else first[:200].rsplit(" ", 1)[0] + " …"
    return told or category


def _told_in(sentence: str) -> str:
    """The sentence without what leads up to it, unless that tells something too."""
    start = _LEADS_UP.match(sentence)
    if start is None or _TELLING.search(start[0]) or _FIGURE.search(start[0]):
        return sentence
    told = sentence[start.end() :]
    return told[:1].upper() + told[1:]


def sentiment_of(text: str) -> Sentiment:
    """Whether what is told is good for who holds shares, by the words it is told in."""
    good, bad = len(_GOOD.findall(text)), len(_BAD.findall(text))
    if good > bad:
        return "positive"
    return "negative" if bad > good else "neutral"


def _parts(text: str) -> Iterator[str]:
    for paragraph in _paragraphs(text):
        begin = 0
        for end in _END.finditer(paragraph):
            yield paragraph[begin : end.end()].rstrip()
            begin = end.end()
        yield paragraph[begin:]


def _paragraphs(text: str) -> list[str]:
    """The lines that belong together: one much shorter than the longest ends its paragraph."""
    lines = [" ".join(line.split()) for line in text.splitlines()]
    full = _FULL * max(map(len, lines), default=0)
    paragraphs: list[list[str]] = [[]]
    for line in lines:
        paragraphs[-1].append(line)
        if len(line) < full:
            paragraphs.append([])
    return [" ".join(paragraph) for paragraph in paragraphs]


def _weight(sentence: str, company: str, place: int) -> float:
    told = len(_TELLING.findall(sentence)) + 1.5 * len(_FIGURE.findall(sentence))
    named = 1.0 if company and company.casefold() in sentence.casefold() else 0.0
    return min(told, 8.0) + named - 0.05 * place
