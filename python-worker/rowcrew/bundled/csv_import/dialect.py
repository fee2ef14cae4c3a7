"""Finds out how a CSV file is laid out: delimiter, quotes, what stands above the header, the header.

In: the first records of a file as text, what a payload says of them, and the headers it maps. Out: a
`Dialect`. Nothing here looks at more than the first records. Pure. Called by `reading`.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Final, Literal
from unicodedata import normalize

import msgspec

from rowcrew.bundled.csv_import.guessing import Guess, guessed
from rowcrew.context import PermanentError

Delimiter = Literal["auto", ",", ";", "\t", "|", ":", " ", "^", "~", "\x1f"]
Quote = Literal['"', "'", ""]

SAMPLE_RECORDS: Final = 200
_DELIMITERS: Final = (",", ";", "\t", "|", "^", "~", "\x1f")
_SEPARATOR_LINE: Final = re.compile(r'\ufeff?"?sep=([,;\t|: ^~\x1f])"?\s*', re.IGNORECASE)
# Cells begin with a quote behind these; a name such as 't Hooft does, and closes none.
_OPENING: Final = re.compile(r"(?:^|[,;\t|])'", re.MULTILINE)
_SINGLE_QUOTED: Final = re.compile(r"(?:^|[,;\t|])'(?:[^'\r\n]|'')*'(?=[,;\t|\r\n]|\Z)", re.MULTILINE)
_INVISIBLE: Final = "\u200b\u200c\u200d\u2060\ufeff"
Grid = list[list[str]]


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """What a payload says of the layout; None = find out. `finds_quote`: other quotes may be found too."""

    delimiter: Delimiter = "auto"
    quote: Quote = '"'
    escape: Literal["\\"] | None = None
    skip_rows: int | None = None
    header_rows: int | None = None
    trim: bool | None = None
    finds_quote: bool = False


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """How a file is laid out.

    Attributes:
        delimiter: between two cells.
        quote: around a cell; empty for none.
        escape: before a quote inside a cell, where it is not doubled.
        skip_rows: records above the header.
        header_rows: records that name the columns; 0 for none.
        names: of the columns, as the header has them; empty without a header.
        width: cells of a record. Those beyond the names are empty in every record.
        trim: spaces follow the delimiters, and belong to no cell.
    """

    delimiter: str
    quote: str
    escape: str | None
    skip_rows: int
    header_rows: int
    names: tuple[str, ...]
    width: int
    trim: bool

    @property
    def columns(self) -> int:
        return len(self.names) or self.width

    @property
    def is_plain(self) -> bool:
        """Whether COPY reads records of this dialect as they are, if their quotes are in order."""
        return self.quote == '"' and self.escape is None


def name_of(header: str) -> str:
    """A header as it is compared: composed (macOS writes é as two characters), without spaces around it, and
    without characters nobody sees.
    """
    kept = normalize("NFC", header).translate(dict.fromkeys(map(ord, _INVISIBLE)))
    return " ".join(kept.split()) if "\n" in kept or "\r" in kept else kept.strip()


def find_dialect(sample: str, layout: Layout, wanted: Collection[str]) -> Dialect:
    """The dialect of a file that begins like this.

    Args:
        wanted: headers that a mapping names; the first record with all of them is the header.

    Raises:
        PermanentError: no record has all wanted headers, or one has a header twice.
    """
    if layout.finds_quote and _is_single_quoted(sample):
        layout = msgspec.structs.replace(layout, quote="'")
    separator = _SEPARATOR_LINE.fullmatch(sample.splitlines()[0])
    given = layout.delimiter
    if separator and given == "auto":
        candidates: Sequence[str] = (separator[1],)
    else:
        candidates = _DELIMITERS if given == "auto" else (given,)
    above = 1 if separator else 0
    grids = {candidate: _grid(sample, candidate, layout) for candidate in candidates}
    if wanted:
        return _by_names(grids, layout, wanted, above)
    return _by_guess(grids, layout, above)


def _is_single_quoted(sample: str) -> bool:
    """Whether cells stand in ' and none in ": every ' that opens a cell closes it, and that twice or more."""
    if '"' in sample:
        return False
    return 2 <= len(_SINGLE_QUOTED.findall(sample)) == len(_OPENING.findall(sample))


def rows_above(sample: str, dialect: Dialect) -> int:
    """How many rows above the header say something; a line `sep=;` says what is used."""
    nothing = f' \t"{dialect.delimiter}'
    above = [line for line in sample.splitlines()[: dialect.skip_rows] if line.strip(nothing)]
    return sum(1 for line in above if not _SEPARATOR_LINE.fullmatch(line))


def has_table_above(sample: str, dialect: Dialect) -> bool:
    """Whether the rows above the header look like a table of their own, not like a title or a few facts."""
    above = _grid(sample, dialect.delimiter, dialect)[: dialect.skip_rows]
    filled = [sum(1 for cell in row if cell.strip()) for row in above]
    return sum(1 for cells in filled if cells >= max(2, min(3, dialect.columns))) > 1


def _by_names(grids: dict[str, Grid], layout: Layout, wanted: Collection[str], above: int) -> Dialect:
    """The dialect whose header has most of the wanted names; then the upper row, then more columns."""
    rows = layout.header_rows if layout.header_rows is not None else 1
    best: tuple[tuple[int, int, int], str, int, list[str]] | None = None
    for delimiter, grid in grids.items():
        places = range(above, len(grid)) if layout.skip_rows is None else (layout.skip_rows,)
        for place in places:
            names = joined_header(grid[place : place + rows])
            rank = (len(set(wanted) & set(names)), -place, len(names))
            if best is None or rank > best[0]:
                best = (rank, delimiter, place, names)
    if best is None or rows == 0:
        raise PermanentError(
            "there is no row for a header; without one, mapping gives the numbers of columns, from 1"
        )
    _, delimiter, place, names = best
    for name in wanted:
        if (occurrences := names.count(name)) != 1:
            problem = "has no column" if occurrences == 0 else f"has {occurrences} columns"
            raise PermanentError(
                f"row {place + 1} of the file {problem} {name!r}; its columns are {', '.join(names)}"
            )
    return _dialect(delimiter, layout, grids[delimiter], Guess(place, rows))


def _by_guess(grids: dict[str, Grid], layout: Layout, above: int) -> Dialect:
    delimiter, guess = guessed(grids, above)
    skip = layout.skip_rows if layout.skip_rows is not None else guess.skip_rows
    header = layout.header_rows if layout.header_rows is not None else guess.header_rows
    return _dialect(delimiter, layout, grids[delimiter], Guess(skip, header), by_number=True)


def _dialect(delimiter: str, layout: Layout, grid: Grid, guess: Guess, *, by_number: bool = False) -> Dialect:
    names = joined_header(grid[guess.skip_rows : guess.skip_rows + guess.header_rows])
    body = [row for row in grid[guess.skip_rows + guess.header_rows :] if any(row)]
    while len(names) > 1 and not names[-1] and body and all(not any(row[len(names) - 1 :]) for row in body):
        names.pop()
    if by_number and body and all(len(row) > len(names) and any(row[len(names) :]) for row in body):
        names = []  # such as R writes them: the row's own name stands under no header
    width = _width(names, body)
    spaced = [cell.startswith(" ") for row in body for cell in row[1:] if cell.strip()]
    trim = layout.trim if layout.trim is not None else bool(spaced) and all(spaced)
    return Dialect(
        delimiter=delimiter,
        quote=layout.quote,
        escape=layout.escape,
        skip_rows=guess.skip_rows,
        header_rows=guess.header_rows,
        names=tuple(names),
        width=width,
        trim=trim,
    )


def _width(names: list[str], body: Grid) -> int:
    """Cells of a record: of most records where there is no header, or where all those beyond it are empty."""
    usual = Counter(map(len, body)).most_common(1)
    width = usual[0][0] if usual else len(names)
    if not names or (width > len(names) and not any(any(row[len(names) :]) for row in body)):
        return max(width, 1)
    return len(names)


def joined_header(rows: Grid) -> list[str]:
    """The names of the columns; of several header rows, joined by a space."""
    if len(rows) == 1:
        return [name_of(cell) for cell in rows[0]]
    columns = itertools.zip_longest(*rows, fillvalue="")
    return [name_of(" ".join(filter(None, map(name_of, column)))) for column in columns]


def _grid(sample: str, delimiter: str, layout: Layout | Dialect) -> Grid:
    """The first records, split at this delimiter; as far as they can be split."""
    reader = csv.reader(
        io.StringIO(sample, newline=""),
        delimiter=delimiter,
        quotechar=layout.quote or None,
        quoting=csv.QUOTE_MINIMAL if layout.quote else csv.QUOTE_NONE,
        escapechar=layout.escape,
    )
    grid: Grid = []
    try:
        for row in itertools.islice(reader, SAMPLE_RECORDS):
            grid.append(["" if cell.isspace() else cell for cell in row])
    except csv.Error:  # such as a field of more than 128 KB; what came before still tells
        pass
    return grid
