"""The study of false alarms: the page shows what it gives, and what the page concludes from it is so."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from benchmarks.false_alarms import KINDS, RULES, SEED, SERVICES, Kind, alarms, year_of

PAGE = Path(__file__).parents[2] / "docs" / "guides" / "cloud-costs.md"
SHOWN = {"steady", "weekends at 30 % of weekdays"}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.name in SHOWN], ids=lambda kind: kind.name)
def test_the_page_shows_what_the_study_gives(kind: Kind) -> None:
    years = [year_of(kind, random.Random(f"{SEED} {kind.name} {number}")) for number in range(SERVICES)]
    mean, weekday = (sum(alarms(year, rule) for year in years) / SERVICES for rule in RULES)
    assert f"| {kind.name} | {mean:.1f} | {weekday:.1f} |" in PAGE.read_text()


def test_every_kind_of_service_is_on_the_page() -> None:
    assert [kind.name for kind in KINDS if f"| {kind.name} |" not in PAGE.read_text()] == []
