"""Text for a terminal: without characters that one would obey, and measured in its columns.

In: any text. Out: text that stays where it is put. Called by the command line and the monitor.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final

_NARROWEST: Final = 8


def printable(text: str) -> str:
    """The text without characters that a terminal would obey."""
    return "".join(character if character.isprintable() or character == "\n" else " " for character in text)


def one_line(text: str) -> str:
    return " ".join(printable(text).split())


def width(text: str) -> int:
    """Columns that a terminal gives the text."""
    return sum(_character_width(character) for character in text)


def padded(text: str, columns: int, to_the_right: bool) -> str:
    """The text in exactly so many columns; what does not fit is cut, with `…` in its place."""
    if width(text) > columns:
        while width(text) > columns - 1:
            text = text[:-1]
        text += "…"
    padding = " " * (columns - width(text))
    return padding + text if to_the_right else text + padding


def fitted(widths: Sequence[int], gives_way: Sequence[bool], room: int) -> list[int]:
    """The widest columns give way until all fit the room: those that may, and if need be all others."""
    fit = list(widths)
    while sum(fit) > room:
        wide = [place for place, columns in enumerate(fit) if columns > _NARROWEST]
        if not wide:
            break
        fit[max(wide, key=lambda place: (gives_way[place], fit[place]))] -= 1
    return fit


def _character_width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
