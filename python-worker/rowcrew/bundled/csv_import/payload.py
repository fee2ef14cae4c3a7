"""The payload of `csv_import`: which file goes where, how it is laid out, and how its cells are written."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from rowcrew.bundled.csv_import.cells import Cells, Negative
from rowcrew.bundled.csv_import.date_format import date_rules
from rowcrew.bundled.csv_import.dialect import Delimiter, Layout, Quote
from rowcrew.bundled.csv_import.encodings import Encoding
from rowcrew.bundled.files.sources import Source

Name = Annotated[str, Meta(min_length=1, max_length=200)]
ColumnNumber = Annotated[int, Meta(ge=1)]
Mapping = Annotated[dict[Name, str | ColumnNumber], Meta(min_length=1)]
Thousands = Literal[",", ".", " ", "'", "\u2019", "_", "\u00a0", "\u202f"]


class CsvImport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Which file goes where, how it is laid out, and how its cells are written.

    Attributes:
        source: where the file is.
        table: the target, `name` (in schema public) or `schema.name`.
        mapping: header of the file's column, or its number from 1, by column of the table.
        date_formats: as strptime writes them, tried in order; without any, ISO 8601.
        decimal, thousands: the signs in numbers.
        negative: how numbers below zero are written beside -5: `parentheses` (5), `trailing` 5-, or `any`.
        currency_signs: numbers may have a currency's sign or code before or behind them.
        nan: NaN and Infinity are numbers, where the column takes them.
        nulls: cells that mean NULL, such as `NA`.
        trim: spaces around texts are left out.
        delimiter, encoding: `auto` looks at the file.
        quote, escape: around a cell, and before a quote inside one that is not doubled.
        skip_rows: rows above the header; without it, the first row that has all mapped headers is the header.
        header_rows: rows that name the columns, joined by a space; 0 for a file without a header.
        on_error: `skip` lists a bad row in the error report, `fail` ends the job at the first one.
        max_errors: more bad rows than this fail the job.
        dedupe: columns of the unique index that tells rows already there; none: any unique index.
        org_id: value for the column "orgId" of every row.
        dry_run: import nothing; the result tells how the file is read, and what would come of it.
    """

    source: Source
    table: Name | None = None
    mapping: Mapping | None = None
    date_formats: tuple[str, ...] = ()
    decimal: Literal[".", ","] = "."
    thousands: Thousands | None = None
    negative: Negative = "sign"
    currency_signs: bool = False
    nan: bool = False
    nulls: tuple[Name, ...] = ()
    trim: bool | None = None
    delimiter: Delimiter = "auto"
    encoding: Encoding = "auto"
    quote: Quote = '"'
    escape: Literal["\\"] | None = None
    skip_rows: Annotated[int, Meta(ge=0, le=1000)] | None = None
    header_rows: Annotated[int, Meta(ge=0, le=10)] | None = None
    on_error: Literal["skip", "fail"] = "skip"
    max_errors: Annotated[int, Meta(ge=0, le=100_000)] = 100
    dedupe: tuple[Name, ...] = ()
    org_id: str | int | None = None
    dry_run: bool = False

    def __post_init__(self) -> None:
        if self.thousands == self.decimal:
            raise ValueError(f"thousands and decimal are both {self.decimal!r}")
        if self.org_id is not None and "orgId" in (self.mapping or {}):
            raise ValueError("orgId is given, so mapping must not fill the column orgId")
        for date_format in self.date_formats:
            date_rules(date_format)
        if not self.dry_run:
            self._require_target()

    def _require_target(self) -> None:
        if self.table is None or self.mapping is None:
            missing = "table" if self.table is None else "mapping"
            raise ValueError(f"{missing} is missing; only a dryRun goes without it, and suggests a mapping")
        names = [each for each in self.mapping.values() if isinstance(each, str)]
        if names and self.header_rows == 0:
            raise ValueError(
                f"headerRows is 0, so mapping cannot name {names[0]!r}; give the column's number"
            )
        if not names and self.header_rows is None:
            raise ValueError("mapping has numbers only; give headerRows, 0 for a file without a header")

    @property
    def cells(self) -> Cells:
        return Cells(
            decimal=self.decimal,
            thousands=self.thousands,
            date_formats=self.date_formats,
            negative=self.negative,
            currency_signs=self.currency_signs,
            nan=self.nan,
            nulls=self.nulls,
            trim=bool(self.trim),
        )

    @property
    def layout(self) -> Layout:
        """What the payload says of the layout; only a dry run finds out whether spaces belong to cells."""
        return Layout(
            delimiter=self.delimiter,
            quote=self.quote,
            escape=self.escape,
            skip_rows=self.skip_rows,
            header_rows=self.header_rows,
            trim=self.trim if self.dry_run else bool(self.trim),
            finds_quote=self.dry_run,
        )
