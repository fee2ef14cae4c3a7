"""Guesses the delimiter and the header of a file nobody has described, from its first records.

In: the first records, split at each delimiter that may be the one. Out: which it is, how many records stand
above the header, and whether there is a header. Only suggestions come of it. Pure. Called by `dialect`.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

import msgspec

Grid = list[list[str]]

_MOST: Final = 0.7
_NUMBER: Final = re.compile(
    r"[-+(]?\s*[$€£¥%]?\s*[-+]?(\d[\d., '\u2019]*|\.\d+)([eE][-+]?\d+)?\s*[%€$£)]?-?|[-+]?(nan|inf)",
    re.IGNORECASE,
)
_DATE: Final = re.compile(
    r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T]\d.*)?|\d{1,2}[-/ ]\w{3}[-/ ]\d{2,4}|\d{1,2}:\d\d(:\d\d.*)?"
)
_MISSING: Final = frozenset({"", "na", "n/a", "-", "null", "none"})


class Guess(msgspec.Struct, frozen=True):
    """How many records stand above the header, and how many are the header: 0 or 1."""

    skip_rows: int
    header_rows: int


def guessed(grids: dict[str, Grid], above: int) -> tuple[str, Guess]:
    """The delimiter and the place of the header; `above`: records that are neither, such as `sep=;`."""
    delimiter = max(grids, key=lambda each: _fitness(grids[each][above:]))
    grid = grids[delimiter]
    guess = _header(grid[above:])
    return delimiter, Guess(guess.skip_rows + above, guess.header_rows)


def _fitness(grid: Grid) -> float:
    """How much the records look like a table: of one width, and of cells that hold no other delimiter."""
    rows = [row for row in grid if any(row)]
    if not rows:
        return 0.0
    width, count = Counter(map(len, rows)).most_common(1)[0]
    if width == 1:
        return 0.01
    cells = [cell for row in rows if len(row) == width for cell in row]
    clean = sum(1 for cell in cells if _kind(cell) != "text" or not set(cell) & set(';\t|"'))
    return count / len(rows) * (clean / len(cells)) ** 2


def _header(grid: Grid) -> Guess:
    """The header: the row above the first one whose cells are like those far below, if it is unlike them."""
    rows = [(place, row) for place, row in enumerate(grid) if any(cell.strip() for cell in row)]
    if not rows:
        return Guess(0, 0)
    width, typed = _typed_columns(rows)
    if not typed:
        return _header_of_text(rows, width)
    first = next((index for index, (_, row) in enumerate(rows) if _is_data(row, typed, width)), None)
    if first is None:
        return _header_of_text(rows, width)
    while first and _may_be_data(rows[first - 1][1], typed, width):
        first -= 1
    if first == 0:
        return Guess(0, 0)
    above = [(place, len(row)) for place, row in rows[:first] if _may_be_header(row, width)]
    fitting = [place for place, cells in above if cells >= width] or [place for place, _ in above]
    return Guess(fitting[-1] if fitting else rows[first - 1][0], 1)


def _typed_columns(rows: list[tuple[int, list[str]]]) -> tuple[int, dict[int, str]]:
    """The usual width of the lower rows, and which of their columns hold numbers or dates.

    The lower half tells; of a short file, whose header stands in the lower half, the last third.
    """
    widths = []
    for share in (2, 3):
        lower = [row for _, row in rows[-max(1, len(rows) // share) :]]
        width = Counter(map(len, lower)).most_common(1)[0][0]
        widths.append(width)
        kinds = _kinds_of_columns([row for row in lower if len(row) == width], width)
        if typed := {column: kind for column, kind in kinds.items() if kind != "text"}:
            return width, typed
    return widths[0], {}


def _header_of_text(rows: list[tuple[int, list[str]]], width: int) -> Guess:
    """Where all is text: the first row that has a cell for most columns."""
    for place, row in rows:
        filled = sum(1 for cell in row if cell.strip())
        if width - 1 <= len(row) and filled * 2 > width:
            return Guess(place, 1)
    return Guess(rows[0][0], 1)


def _is_data(row: list[str], typed: dict[int, str], width: int) -> bool:
    if len(row) != width:
        return False
    told = [(_kind(row[column]), kind) for column, kind in typed.items() if column < len(row)]
    matching = sum(1 for found, kind in told if found == kind)
    return matching > 0 and matching >= sum(1 for found, _ in told if found == "text")


def _may_be_header(row: list[str], width: int) -> bool:
    """A row of about the usual width, with more texts than numbers and dates."""
    kinds = Counter(map(_kind, row))
    return len(row) >= width - 1 and kinds["text"] > kinds["number"] + kinds["date"]


def _may_be_data(row: list[str], typed: dict[int, str], width: int) -> bool:
    """A row of the usual width, whose typed cells are all missing, and most others filled."""
    told = [_kind(row[column]) for column in typed if column < len(row)]
    return (
        len(row) == width
        and all(kind == "missing" for kind in told)
        and any(cell.strip() for column, cell in enumerate(row) if column not in typed)
        and sum(1 for cell in row if cell.strip()) * 2 > width
    )


def _kinds_of_columns(rows: Grid, width: int) -> dict[int, str]:
    kinds: dict[int, str] = {}
    for column in range(width):
        found = Counter(_kind(row[column]) for row in rows)
        del found["missing"]
        kind, count = found.most_common(1)[0] if found else ("text", 0)
        is_usual = count > _MOST * found.total() and found.total() * 2 > len(rows)
        kinds[column] = kind if is_usual else "text"
    return kinds


def _kind(cell: str) -> str:
    text = cell.strip()
    if text.lower() in _MISSING:
        return "missing"
    if _NUMBER.fullmatch(text):
        return "number"
    return "date" if _DATE.fullmatch(text) else "text"
