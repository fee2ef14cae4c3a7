"""Breaks text into lines of a width and cuts what is too long, however the caller measures.

In: text, the room, and a function that tells a line's width. Out: lines. Called by what draws documents.
"""

from __future__ import annotations

from collections.abc import Callable

Width = Callable[[str], float]


def fitted(line: str, room: float, width: Width) -> str:
    """The line, cut with an ellipsis if it is wider than the room."""
    if width(line) <= room:
        return line
    while line and width(f"{line}…") > room:
        line = line[:-1]
    return f"{line.rstrip()}…"


def lines_within(text: str, room: float, most: int, width: Width) -> list[str]:
    """The text in at most so many lines; each is cut that is too wide, and the last if more would follow."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and (len(lines) == most or width(longer) <= room):
            lines[-1] = longer
        else:
            lines.append(word)
    return [fitted(line, room, width) for line in lines]


def two_lines(text: str) -> tuple[str, str]:
    """The words in two lines that are about as long as each other."""
    words = text.split()
    breaks = range(1, max(2, len(words)))
    pairs = [(" ".join(words[:place]), " ".join(words[place:])) for place in breaks]
    return min(pairs, key=lambda pair: max(map(len, pair)))
