"""How much the rules get right of letters whose truth is known.

In: samples and what was read of them, or the name of a held-out set. Out: how many amounts and categories
are right, and what is wrong. Called by tests, and by hand:
`python -m tests.bundled.announcements.measure first` tells the figures of a set, and with `--wrong` also
the letters that are read wrongly.
"""

from __future__ import annotations

import io
import sys
import tomllib
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Final, NamedTuple

from rowcrew.bundled.announcements.filing import filing_of
from rowcrew.bundled.announcements.pdf_text import page_texts
from rowcrew.bundled.announcements.processed import Analysis
from rowcrew.bundled.announcements.rules.analysis import analysed
from rowcrew.bundled.announcements.sample.filings import Sample, Truth, filed
from rowcrew.bundled.announcements.sample.pdf import pdf_of
from rowcrew.bundled.announcements.sample.wordings import Wording

SETS: Final = Path(__file__).parent / "held_out"
MONEY: Final = ("amount", "perShare", "dividend")


class Score(NamedTuple):
    """Counts over letters. An amount is `told` by a letter, `found` by the rules, or `right`: both."""

    letters: int
    categories: int
    told: int
    found: int
    right: int
    wrong: list[str]

    def __str__(self) -> str:
        return (
            f"{self.letters} letters: category {self.categories / self.letters:.1%}, "
            f"amounts found {self.right / self.told:.1%} of {self.told}, "
            f"right {self.right / self.found:.1%} of {self.found}"
        )


def held_out(name: str) -> Iterator[Sample]:
    """The letters of a set that the rules were not made for."""
    for number, one in enumerate(tomllib.loads((SETS / f"{name}.toml").read_text())["letters"]):
        truth = Truth(category=one["category"], amounts={Decimal(each) for each in one["amounts"]})
        yield filed(number, one["company"], Wording(one["subject"], tuple(one["paragraphs"])), truth)


def read(sample: Sample) -> Analysis:
    """What the rules make of the sample's PDF."""
    pages = page_texts(io.BytesIO(pdf_of(sample)), lambda number, count: None)
    return analysed(filing_of(sample.exchange, sample.entry), pages)


def amounts(analysis: Analysis) -> set[Decimal]:
    return {Decimal(each.value) for each in analysis.financial_data if each.kind in MONEY}


def score(readings: Iterable[tuple[Sample, Analysis]]) -> Score:
    letters = categories = told = found = right = 0
    wrong = []
    for sample, analysis in readings:
        truth, ours = sample.truth, amounts(analysis)
        letters += 1
        categories += analysis.category == truth.category
        told, found, right = told + len(truth.amounts), found + len(ours), right + len(truth.amounts & ours)
        if analysis.category != truth.category or ours != truth.amounts:
            wrong.append(_told(sample, analysis.category, ours))
    return Score(letters, categories, told, found, right, wrong)


def _told(sample: Sample, category: str, ours: set[Decimal]) -> str:
    truth = sample.truth
    missed, added = (sorted(map(str, some)) for some in (truth.amounts - ours, ours - truth.amounts))
    text = "\n  ".join((sample.entry.get("NEWSSUB") or sample.entry["desc"], *sample.paragraphs))
    return f"{truth.category} was read as {category}; missed {missed}, added {added}\n  {text}"


if __name__ == "__main__":
    scored = score((sample, read(sample)) for sample in held_out(sys.argv[1]))
    print(scored)  # noqa: T201
    if "--wrong" in sys.argv:
        print("\n\n".join(scored.wrong))  # noqa: T201
