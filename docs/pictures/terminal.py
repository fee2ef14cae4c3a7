"""A terminal window as an SVG.

In: lines of styled pieces of text. Out: the SVG's text. It stands on light and dark pages alike, needs no
font and no other file, and keeps every character in its column whatever font the reader has. `demo` calls it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple
from xml.sax.saxutils import escape, quoteattr

COLUMN: Final = 8.4
LINE: Final = 19.0
MARGIN: Final = 18.0
BAR: Final = 34.0
BASELINE: Final = 14.0
FONTS: Final = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"

STYLES: Final = {
    "plain": "fill: #d1d7e0",
    "faint": "fill: #7d8590",
    "title": "fill: #79c0ff; font-weight: 600",
    "word": "fill: #ff9d8a",
    "text": "fill: #a5d6ff",
    "good": "fill: #56d364",
    "bad": "fill: #ff7b72",
    "warning": "fill: #e3b341",
    "busy": "fill: #d2a8ff",
    "strong": "fill: #ffffff; font-weight: 600",
}

_SIGNS: Final = "\u2600-\u27bf\U0001f300-\U0001faff"
# A sign alone, or words with single spaces between them, or the space between such runs.
_RUN: Final = re.compile(rf"[{_SIGNS}]\ufe0f?|[^\s{_SIGNS}]+(?: [^\s{_SIGNS}]+)*|\s+")


class Piece(NamedTuple):
    """A part of a line, in one of `STYLES`."""

    text: str
    style: str = "plain"


def draw(lines: Sequence[Sequence[Piece]], *, columns: int, title: str, description: str) -> str:
    """The window with these lines, each at most `columns` wide."""
    width = 2 * MARGIN + columns * COLUMN
    height = BAR + 2 * MARGIN + len(lines) * LINE
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" font-family="{FONTS}"',
        f' font-size="14" role="img" aria-label={quoteattr(description)}>',
        f"<style>{_sheet()}</style>",
        f'<rect x="0.5" y="0.5" width="{width - 1:g}" height="{height - 1:g}" rx="10" class="window"/>',
        f'<path d="M1 {BAR:g}H{width - 1:g}" class="edge"/>',
        *(f'<circle cx="{22 + 20 * number}" cy="{BAR / 2:g}" r="6" class="button"/>' for number in range(3)),
        f'<text x="{width / 2:g}" y="22" text-anchor="middle" class="faint">{escape(title)}</text>',
    ]
    for number, line in enumerate(lines):
        y = BAR + MARGIN + number * LINE + BASELINE
        parts += _line(line, y)
    return "\n".join([*parts, "</svg>", ""])


def cells(text: str) -> int:
    """How many columns a terminal gives the text."""
    return sum(_cells(character) for character in text)


def _sheet() -> str:
    rules = [
        ".window { fill: #161b22; stroke: #444c56 }",
        ".edge { stroke: #30363d }",
        ".button { fill: #444c56 }",
        *(f".{name} {{ {rule} }}" for name, rule in STYLES.items()),
    ]
    return " ".join(rules)


def _line(line: Sequence[Piece], y: float) -> Iterator[str]:
    """Words are stretched to their columns, because fonts differ; a sign is placed by itself."""
    column = 0
    for piece in line:
        for run in _RUN.findall(piece.text):
            if not run.isspace():
                x = MARGIN + column * COLUMN
                length = "" if _is_placed_alone(run[0]) else f' textLength="{cells(run) * COLUMN:g}"'
                yield f'<text x="{x:g}" y="{y:g}"{length} class="{piece.style}">{escape(run)}</text>'
            column += cells(run)


def _is_placed_alone(character: str) -> bool:
    return unicodedata.category(character) == "So"


def _cells(character: str) -> int:
    if unicodedata.combining(character) or character == "\N{VARIATION SELECTOR-16}":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
