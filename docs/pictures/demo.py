"""Draws docs/pictures/demo.svg: what `rowcrew demo` prints, shortened and coloured. `./dev picture` calls it.

In: the output of a real run. Out: the SVG. Each line of the picture is a line of the run; many are left out,
and ⋮ stands between paragraphs that are not neighbours. Dates and durations are the run's, so each drawing
differs a little.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final, NamedTuple

from docs.pictures.terminal import Piece, cells, draw

PICTURE: Final = Path(__file__).with_suffix(".svg")
COLUMNS: Final = 104
LEFT_OUT: Final = "  ⋮"
DESCRIPTION: Final = (
    "The demo in a terminal: a worker starts, SQL enqueues jobs, they run, one is cancelled by an UPDATE, "
    "and all comes out as promised."
)


class Part(NamedTuple):
    """A part of the run: how its title begins, and which of its paragraphs and their lines are shown."""

    title: str
    paragraphs: str = ""
    lines: str = ""


SHOWN: Final = (
    Part("A worker starts", lines=r"🚀|Database connection|👥"),
    Part("A backend inserts rows", paragraphs=r"50000000|\"spot\": -1"),
    Part(
        "It watches them",
        lines=(
            r"SELECT|UPDATE|Processing job: 1$|Job failed: 3|Stopping job: 1|Job completed: 5$"
            r"|^  1  .*(processing|cancelled)|^  3  .*failed|^  [57]  .*completed"
        ),
    ),
    Part("What has become of them", paragraphs=r"\"?createdAt\"?"),
    Part("Was all as promised"),
)

_SQL: Final = re.compile(
    r"(?P<word>\b(?:INSERT INTO|VALUES|RETURNING|SELECT|FROM|WHERE|ORDER BY|DESC|LIMIT|UPDATE|SET|AND|IN)\b)"
    r"|(?P<text>\"[^\"]*\"|'[a-z_]+'|\d+)"
)
_STATUS: Final = re.compile(
    r"\b(?:(?P<good>completed)|(?P<bad>failed)|(?P<warning>cancelled)|(?P<busy>processing))\b"
)
_SIGNS: Final = {
    "✅": "good",
    "❌": "bad",
    "⚠": "warning",
    "🚀": "strong",
    "👥": "strong",
    "✔": "good",
    "✘": "bad",
}


def main(arguments: Sequence[str]) -> int:
    """Draw the picture, or another file if one is named; 1 if the demo did not succeed."""
    target = Path(arguments[0]) if arguments else PICTURE
    run = _run_demo()
    if run.returncode == 0:
        target.write_text(picture(run.stdout), encoding="utf-8")
        print(f"drew {target}")
    else:
        print(run.stdout, run.stderr, "the demo failed: nothing was drawn", sep="\n", file=sys.stderr)
    return run.returncode


def _run_demo() -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run(
            [sys.executable, "-m", "rowcrew.cli", "demo", "--output", folder],
            env={**os.environ, "COLUMNS": str(COLUMNS), "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
        )


def picture(output: str) -> str:
    """The SVG of what the demo printed."""
    lines = [row for line in ["$ ./dev demo", *excerpt(output)] for row in _wrapped(coloured(line))]
    return draw(lines, columns=COLUMNS, title="rowcrew demo", description=DESCRIPTION)


def excerpt(output: str) -> list[str]:
    """The lines to show, with a sign where paragraphs between them are left out."""
    parts = re.split(r"\n(?=── )", output.rstrip())
    shown: list[str] = []
    for part in parts:
        title, _, body = part.partition("\n")
        for wanted in SHOWN:
            if title.startswith(f"── {wanted.title}"):
                shown += ["", title, *_chosen(body, wanted)]
    return shown


def _chosen(body: str, wanted: Part) -> Iterator[str]:
    is_first, is_gap = True, False
    for paragraph in body.strip("\n").split("\n\n"):
        kept = [line for line in paragraph.splitlines() if re.search(wanted.lines, line)]
        if not kept or not re.search(wanted.paragraphs, paragraph):
            is_gap = True
            continue
        if not is_first:
            yield LEFT_OUT if is_gap else ""
        yield from kept
        is_first = is_gap = False


def _wrapped(line: Iterable[Piece]) -> Iterator[list[Piece]]:
    """The line as a terminal breaks it."""
    row: list[Piece] = []
    column = 0
    for text, style in line:
        for character in text:
            if column + cells(character) > COLUMNS:
                yield _joined(row)
                row, column = [], 0
            row.append(Piece(character, style))
            column += cells(character)
    yield _joined(row)


def _joined(row: Iterable[Piece]) -> list[Piece]:
    """The row with neighbours of one style in one piece."""
    return [
        Piece("".join(piece.text for piece in same), style)
        for style, same in groupby(row, key=lambda piece: piece.style)
    ]


def coloured(line: str) -> list[Piece]:
    """The line in pieces: titles, the worker's log, SQL, statuses."""
    if line.startswith("$ "):
        return [Piece("$ ", "faint"), Piece(line[2:], "strong")]
    if line.startswith("── "):
        return [Piece(line, "title")]
    if line == LEFT_OUT:
        return [Piece(line, "faint")]
    if line.startswith("  worker │ "):
        log = line.removeprefix("  worker │ ")
        return [Piece("  worker │ ", "faint"), Piece(log, _SIGNS.get(log[:1], "plain"))]
    if line.startswith("    "):
        return list(_marked(line, _SQL))
    if line.startswith(("  ✔", "  ✘")):
        return [Piece(line[:3], _SIGNS[line[2]]), Piece(line[3:])]
    if line.startswith("id "):
        return [Piece(line, "faint")]
    return list(_marked(line, _STATUS))


def _marked(line: str, pattern: re.Pattern[str]) -> Iterator[Piece]:
    """What the pattern finds has the style that its group is named for."""
    end = 0
    for found in pattern.finditer(line):
        yield Piece(line[end : found.start()])
        yield Piece(found[0], found.lastgroup or "plain")
        end = found.end()
    yield Piece(line[end:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
