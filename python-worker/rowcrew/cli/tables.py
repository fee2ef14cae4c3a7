"""Tables for people: aligned, as wide as the terminal, in colour where one reads them there.

In: rows as dictionaries by column name. Out: text on standard output. What identifies a row is never cut; the
longest text stands below its row. A file or a pipe gets every character, one line a row, and no colour; on a
terminal a last line tells how to see what was cut.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from rowcrew import settings
from rowcrew.cli.output import shown
from rowcrew.model.terminal_text import fitted, folded, one_line, padded, width

_GAP: Final = "  "
_UNLIMITED: Final = 1 << 30
_BELOW_LINES: Final = 2
_CUT: Final = "What ends in … is cut: a wider terminal shows it, or `| cat` behind the command."

_GREEN, _RED, _YELLOW, _BLUE, _DIM = "32", "31", "33", "36", "2"
_COLOURS: Final = {
    "completed": _GREEN,
    "live": _GREEN,
    "failed": _RED,
    "lost": _RED,
    "processing": _BLUE,
    "queued": _YELLOW,
    "silent": _YELLOW,
    "draining": _YELLOW,
    "stopping": _YELLOW,
    "retried": _YELLOW,
    "cancelled": _DIM,
    "stopped": _DIM,
}
_COLOURED_COLUMNS: Final = ("status", "state", "outcome")


def print_table(
    rows: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    *,
    shrink: Collection[str] | None = None,
    below: str | None = None,
) -> None:
    """Aligned columns under their names; numbers to the right.

    Args:
        shrink: columns that give way when the terminal is too narrow; None = the widest, whichever it is.
        below: one of the columns, which on a terminal stands under its row.
    """
    terminal = shutil.get_terminal_size(fallback=(_UNLIMITED, 24)).columns
    across = [name for name in names if terminal == _UNLIMITED or name != below]
    cells = [[_cell(row[name]) for name in across] for row in rows]
    is_number = [bool(rows) and all(_is_number(row[name]) for row in rows) for name in across]
    needed = [max(map(width, column)) for column in zip(across, *cells, strict=True)]
    gives_way = [shrink is None or name in shrink for name in across]
    widths = fitted(needed, gives_way, terminal - len(_GAP) * (len(across) - 1))
    is_cut = any(map(_is_cut, [across, *cells], [widths] * (len(cells) + 1)))
    print(_line(across, widths, is_number))
    for row, texts in zip(rows, cells, strict=True):
        cut = [padded(*cell) for cell in zip(texts, widths, is_number, strict=True)]
        print(_GAP.join(map(_painted, across, cut, texts)).rstrip())
        if below is not None and below not in across:
            is_cut |= _print_below(one_line(shown(row[below])), terminal)
    if is_cut:
        print(_CUT, file=sys.stderr)


def _cell(value: Any) -> str:
    """The value in one line. Blanks before it stay: in a tree they say how deep it stands."""
    text = shown(value)
    return " " * (len(text) - len(text.lstrip(" "))) + one_line(text)


def wrapped(text: str, *, indent: str, mark: str = "") -> list[str]:
    """The text in lines that fit the terminal, as one line where nobody looks at a terminal.

    Args:
        mark: stands before the first line, as wide as the indent.
    """
    terminal = shutil.get_terminal_size(fallback=(_UNLIMITED, 24)).columns
    lines = [text]
    if terminal != _UNLIMITED:
        # A command or a name that is broken at a hyphen can no longer be copied.
        lines = folded(text, max(20, terminal - len(indent)), keep_words=True)
    return [f"{indent if place or not mark else mark}{line}" for place, line in enumerate(lines)]


def is_coloured() -> bool:
    """Whether a terminal reads what is printed, and its reader wants colours."""
    return sys.stdout.isatty() and settings.wants_colour()


def _line(texts: Sequence[str], widths: Sequence[int], is_number: Sequence[bool]) -> str:
    return _GAP.join(map(padded, texts, widths, is_number)).rstrip()


def _painted(name: str, cut: str, text: str) -> str:
    colour = _COLOURS.get(text) if name in _COLOURED_COLUMNS else None
    return f"\x1b[{colour}m{cut}\x1b[0m" if colour and is_coloured() else cut


def _print_below(text: str, terminal: int) -> bool:
    """Print a row's longest text; whether it was cut."""
    indent = 2 * _GAP
    room = max(20, terminal - len(indent))
    lines = folded(text, room)
    if is_cut := len(lines) > _BELOW_LINES:
        last = f"{lines[_BELOW_LINES - 1]} …"
        lines = [*lines[: _BELOW_LINES - 1], padded(last, min(room, width(last)), False)]
    for line in lines:
        print(f"{indent}\x1b[{_DIM}m{line}\x1b[0m" if is_coloured() else f"{indent}{line}")
    return is_cut


def _is_cut(texts: Sequence[str], widths: Sequence[int]) -> bool:
    return any(width(text) > columns for text, columns in zip(texts, widths, strict=True))


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float | Decimal) and not isinstance(value, bool))
