"""The looks of the three templates: which colours pages and slides of a template have.

In: a template's name. Out: its `Look`. Colours are hexadecimal RGB. Called by what draws documents.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

Template = Literal["board", "investor", "plain"]


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """Colours and habits of a template.

    Attributes:
        strong: headings, the cover, the first series.
        ink, quiet, hairline, wash: text, secondary text, rules, light backgrounds.
        negative: numbers below zero.
        series: of charts, in order.
        has_cover: the title has a page of its own.
    """

    strong: str
    accent: str
    ink: str = "#1F2933"
    quiet: str = "#66727F"
    hairline: str = "#D5DBE1"
    wash: str = "#F4F6F8"
    negative: str = "#B3261E"
    series: tuple[str, ...]
    has_cover: bool


LOOKS: Final[dict[Template, Look]] = {
    "board": Look(
        strong="#1B365D",
        accent="#C8843C",
        series=("#1B365D", "#C8843C", "#5B8DB8", "#8A97A6", "#7FA88B", "#A65E5E", "#B7A57A", "#4A5A6A"),
        has_cover=False,
    ),
    "investor": Look(
        strong="#0E4D4A",
        accent="#E0953A",
        wash="#F2F7F6",
        series=("#0E6B66", "#E0953A", "#69A8A3", "#34495E", "#B9856B", "#9FB59A", "#A0483F", "#7D8A97"),
        has_cover=True,
    ),
    "plain": Look(
        strong="#111111",
        accent="#555555",
        ink="#111111",
        quiet="#555555",
        hairline="#CCCCCC",
        wash="#F5F5F5",
        negative="#111111",
        series=("#111111", "#8C8C8C", "#4D4D4D", "#BFBFBF", "#2E2E2E", "#737373", "#A6A6A6", "#D9D9D9"),
        has_cover=False,
    ),
}
