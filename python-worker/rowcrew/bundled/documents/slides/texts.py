"""How much room texts take on slides, and how long ones go on from slide to slide.

In: paragraphs and a room in inches. Out: heights, pages of paragraphs, parts of cells. The program that shows
the slides chooses the font and breaks the lines, so all is an estimate, rather too much than too little.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from typing import Final

from rowcrew.bundled.documents.written import POINTS, ems

TEXT_SIZE: Final = 14.0
LARGE_TEXT_SIZE: Final = 18.0
# Lines break between words, so they hold less than their room.
_SAFETY: Final = 1.08
_LINE: Final = 1.39
_PARAGRAPH_GAP: Final = 0.1
# A paragraph goes on to the next slide rather than leave more lines than that empty.
_FEWEST_LINES: Final = 3


def width_of(text: str, size: float) -> float:
    """About how wide a line of text is, in inches."""
    return ems(text) * size / POINTS


def lines_of(text: str, width: float, size: float) -> int:
    """In about how many lines a text stands."""
    room = width * POINTS / size
    return sum(max(1, math.ceil(ems(line) * _SAFETY / room)) for line in text.split("\n"))


def texts_height(texts: Sequence[str], width: float, size: float = TEXT_SIZE) -> float:
    """About how much room paragraphs take."""
    return sum(_text_height(text, width, size) for text in texts)


def pages_of_text(texts: Sequence[str], width: float, height: float) -> Iterator[tuple[str, ...]]:
    """The paragraphs of each slide; one that finds no room goes on, after a sentence if there is one."""
    page: list[str] = []
    left = height
    waiting = list(texts)
    while waiting:
        text = waiting.pop(0)
        needed = _text_height(text, width, TEXT_SIZE)
        if needed > left:
            lines = int((left - _PARAGRAPH_GAP) / _line_height(TEXT_SIZE))
            whole = needed <= height and (lines < _FEWEST_LINES or text.startswith("- "))
            if not whole and lines >= 1:
                head, rest = _divided(text, lines, width)
                page.append(head)
                waiting[:0] = [rest] if rest else []
            else:
                waiting.insert(0, text)
            yield tuple(page)
            page, left = [], height
            continue
        page.append(text)
        left -= needed
    if page:
        yield tuple(page)


def chunks(text: str, width: float, size: float, most_lines: int) -> list[str]:
    """The text in parts of at most so many lines; only line ends of its own break a line."""
    parts: list[str] = [""]
    lines = 0
    for paragraph in text.split("\n"):
        for place, line in enumerate(_wrapped(paragraph, width * POINTS / size)):
            if lines == most_lines:
                parts.append(line)
                lines = 0
            elif lines:
                parts[-1] += ("\n" if place == 0 else " ") + line
            else:
                parts[-1] = line
            lines += 1
    return parts


def _divided(text: str, lines: int, width: float) -> tuple[str, str]:
    """The part of a paragraph that fills so many lines, and the rest."""
    head = chunks(text, width, TEXT_SIZE, lines)[0]
    sentence = max(head.rfind(end) for end in (". ", "! ", "? ", "。"))
    if len(head) < len(text) and sentence > len(head) / 2:
        head = head[: sentence + 1]
    return head, text[len(head) :].lstrip()


def _wrapped(line: str, room_ems: float) -> list[str]:
    """The line in parts that are about as wide as the room, and no wider."""
    characters = int(room_ems / (ems(line) * _SAFETY / len(line))) if line else 1
    return textwrap.wrap(line, max(1, characters)) or [""]


def _text_height(text: str, width: float, size: float) -> float:
    return lines_of(text, width, size) * _line_height(size) + _PARAGRAPH_GAP


def _line_height(size: float) -> float:
    return size * _LINE / POINTS
