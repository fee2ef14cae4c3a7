"""The document that `pdf_export` lays out on pages and `pptx_export` on slides.

In: JSON, from a payload or built from the result of a job by `report`. Out: frozen values, checked; a
document that cannot be drawn is refused here, with the field. Nothing here knows of pages, slides or fonts.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

MOST_SECTIONS: Final = 400
MOST_ROWS: Final = 20_000
MOST_COLUMNS: Final = 60
MOST_POINTS: Final = 1_000
MOST_SERIES: Final = 8

ValueFormat = Literal["text", "number", "money", "percent"]
ChartType = Literal["line", "area", "bar", "stackedBar"]

Line = Annotated[str, Meta(max_length=300)]
Decimals = Annotated[int, Meta(ge=0, le=6)]
_FARTHEST: Final = 10**15
# Beyond that floating-point numbers have no cents, and no axis has room.
Value = (
    Annotated[int, Meta(ge=-_FARTHEST, le=_FARTHEST)] | Annotated[float, Meta(ge=-_FARTHEST, le=_FARTHEST)]
)


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A part of a document."""


class Figure(Part, frozen=True, kw_only=True):
    """One number that matters, shown large.

    Attributes:
        value: a number, a text, or null for "not applicable".
        format: how a number is written; `percent` takes fractions, 0.05 is 5 %.
        note: a few words below the number.
    """

    label: Line
    value: Value | Line | None
    format: ValueFormat = "number"
    decimals: Decimals | None = None
    note: Line = ""


class Series(Part, frozen=True, kw_only=True):
    """One line, or one colour of bars. A null value is a gap."""

    name: Line
    values: tuple[Value | None, ...]


class Chart(Part, frozen=True, kw_only=True):
    """Series over common categories. Charts are drawn as vectors on pages, and are native ones on slides."""

    type: ChartType
    categories: Annotated[tuple[Line, ...], Meta(min_length=1, max_length=MOST_POINTS)]
    series: Annotated[tuple[Series, ...], Meta(min_length=1, max_length=MOST_SERIES)]
    title: Line = ""
    format: ValueFormat = "number"

    def __post_init__(self) -> None:
        for series in self.series:
            if len(series.values) != len(self.categories):
                raise ValueError(
                    f"series {series.name!r} has {len(series.values)} values "
                    f"for {len(self.categories)} categories"
                )


class Column(Part, frozen=True, kw_only=True):
    """A column of a table. Without `format` it is what its cells are: numbers are aligned right."""

    label: Line
    format: ValueFormat | None = None
    decimals: Decimals | None = None


class Table(Part, frozen=True, kw_only=True):
    """Rows of cells; texts wrap, numbers do not. Rows in `bold_rows`, counted from 0, are totals."""

    columns: Annotated[tuple[Line | Column, ...], Meta(min_length=1, max_length=MOST_COLUMNS)]
    rows: Annotated[
        tuple[tuple[Value | Annotated[str, Meta(max_length=5_000)] | None, ...], ...],
        Meta(max_length=MOST_ROWS),
    ]
    title: Line = ""
    bold_rows: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for number, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                raise ValueError(f"rows[{number}] has {len(row)} cells for {len(self.columns)} columns")


class Section(Part, frozen=True, kw_only=True):
    """A heading and what stands under it, in the order figures, text, chart, table.

    Attributes:
        text: paragraphs, an empty line apart; lines that begin with "- " are a list.
        new_page: begin on a new page.
    """

    heading: Line = ""
    text: Annotated[str, Meta(max_length=200_000)] = ""
    figures: Annotated[tuple[Figure, ...], Meta(max_length=12)] = ()
    chart: Chart | None = None
    table: Table | None = None
    new_page: bool = False


class Document(Part, frozen=True, kw_only=True):
    """A title and its sections.

    Attributes:
        currency: ISO 4217 code of the values whose format is `money`.
        footer: words at the foot of every page, such as "Confidential".
    """

    title: Annotated[Line, Meta(min_length=1)]
    subtitle: Line = ""
    footer: Line = ""
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")] = "USD"
    sections: Annotated[tuple[Section, ...], Meta(min_length=1, max_length=MOST_SECTIONS)]


def columns_of(table: Table) -> tuple[Column, ...]:
    """The columns, each with its format: the given one, else what its cells are."""
    return tuple(
        _with_format(column if isinstance(column, Column) else Column(label=column), table, place)
        for place, column in enumerate(table.columns)
    )


def _with_format(column: Column, table: Table, place: int) -> Column:
    if column.format is not None:
        return column
    cells = [row[place] for row in table.rows if row[place] is not None]
    numeric = bool(cells) and not any(isinstance(cell, str) for cell in cells)
    return msgspec.structs.replace(column, format="number" if numeric else "text")


def paragraphs(text: str) -> list[str]:
    """The paragraphs and list items of a text; an item keeps its "- "."""
    found: list[str] = []
    for block in text.replace("\r\n", "\n").split("\n\n"):
        lines: list[str] = []
        for line in block.strip("\n").split("\n"):
            if line.startswith("- ") and lines:
                found.append("\n".join(lines))
                lines = []
            lines.append(line)
        found.append("\n".join(lines))
    return [paragraph for paragraph in found if paragraph.strip()]


def characters_of(document: Document) -> set[str]:
    """All characters of the document's texts."""
    found: set[str] = set()
    waiting: list[object] = [document]
    while waiting:
        match waiting.pop():
            case str() as text:
                found.update(text)
            case tuple() as parts:
                waiting += parts
            case msgspec.Struct() as part:
                waiting += (getattr(part, name) for name in part.__struct_fields__)
    return found
