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


def folded(text: str, columns: int, *, keep_words: bool = False) -> list[str]:
    """The text in lines of so many columns, broken at blanks, and inside a word that is wider than a line.

    Args:
        keep_words: break no word, however wide: commands and names can then be copied.
    """
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if width(longer) <= columns:
            line = longer
            continue
        if line:
            lines.append(line)
        line = word
        while width(line) > columns and not keep_words:
            fits = _columns_of(line, columns)
            lines.append(line[:fits])
            line = line[fits:]
    return [*lines, line] if line else lines


def _columns_of(text: str, columns: int) -> int:
    """How many characters of the text fit so many columns; one at least."""
    taken = 0
    for place, character in enumerate(text):
        taken += _character_width(character)
        if taken > columns:
            return max(1, place)
    return len(text)


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
