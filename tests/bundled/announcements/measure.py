"""How much the rules get right of letters whose truth is known.

In: samples and what was read of them, or a held-out set: its name, or a file. Out: how many amounts and
categories are right, and what is wrong. Called by tests, and by hand:
`python -m tests.bundled.announcements.measure first` tells the figures of a set, those of letters and of
lines of a feed apart, and with `--wrong` also what is read wrongly.
"""

from __future__ import annotations

import io
import sys
import tomllib
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple

from rowcrew.bundled.announcements.filing import filing_of
from rowcrew.bundled.announcements.pdf_text import page_texts
from rowcrew.bundled.announcements.processed import Analysis
from rowcrew.bundled.announcements.rules.analysis import analysed
from rowcrew.bundled.announcements.sample.filings import Sample, Truth, filed
from rowcrew.bundled.announcements.sample.pdf import pdf_of
from rowcrew.bundled.announcements.sample.wordings import Wording

SETS: Final = Path(__file__).parent / "held_out"
_NOBODY: Final = "Vindhya Foods Limited"
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
        categories = f"category {self.categories / self.letters:.1%} of {self.letters}"
        if not self.told:
            return categories
        return (
            f"{categories}, amounts found {self.right / self.told:.1%} of {self.told}, "
            f"right {self.right / self.found:.1%} of {self.found}"
        )


def held_out(name: str) -> Iterator[Sample]:
    """The letters of a set that the rules were not made for."""
    return (_filed(number, one) for number, one in enumerate(_entries(name)))


def _entries(name: str) -> list[dict[str, Any]]:
    path = Path(name) if name.endswith(".toml") else SETS / f"{name}.toml"
    entries: list[dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))["letters"]
    return entries


def _filed(number: int, one: dict[str, Any]) -> Sample:
    truth = Truth(category=one["category"], amounts={Decimal(each) for each in one.get("amounts", ())})
    letter = Wording(one["subject"], tuple(one["paragraphs"]))
    return filed(number, one.get("company", _NOBODY), letter, truth)


def read(sample: Sample) -> Analysis:
    """What the rules make of the sample's PDF."""
    pages = page_texts(io.BytesIO(pdf_of(sample)), lambda number, count: None)
    return analysed(filing_of(sample.exchange, sample.entry), pages)


def amounts(analysis: Analysis) -> set[Decimal]:
    return {Decimal(each.value) for each in analysis.financial_data if each.kind in MONEY}


def score(readings: Iterable[tuple[Sample, Analysis]], *, of_amounts: bool = True) -> Score:
    """Counts what is right.

    Args:
        of_amounts: whether the truth tells the amounts too.
    """
    letters = categories = told = found = right = 0
    wrong = []
    for sample, analysis in readings:
        truth = sample.truth
        ours = amounts(analysis) if of_amounts else set()
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


def _measured(name: str, *, wrong: bool) -> Iterator[str]:
    kinds: dict[str, list[tuple[Sample, Analysis]]] = {}
    entries = _entries(name)
    for one, sample in zip(entries, held_out(name), strict=True):
        kinds.setdefault(one.get("kind", "letter"), []).append((sample, read(sample)))
    of_amounts = any("amounts" in one for one in entries)
    for kind, readings in kinds.items():
        scored = score(readings, of_amounts=of_amounts)
        yield f"{kind}s: {scored}"
        if wrong:
            yield from scored.wrong


if __name__ == "__main__":
    print("\n".join(_measured(sys.argv[1], wrong="--wrong" in sys.argv)))  # noqa: T201
