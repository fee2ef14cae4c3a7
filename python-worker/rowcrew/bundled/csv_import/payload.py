"""The payload of `csv_import`: which file goes where, and how its cells are written."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from rowcrew.bundled.csv_import.csv_file import (
    Delimiter,
    Encoding,
)
from rowcrew.bundled.csv_import.date_format import date_rule
from rowcrew.bundled.files.sources import Source

Name = Annotated[str, Meta(min_length=1, max_length=200)]


class CsvImport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Which file goes where, and how its cells are written.

    Attributes:
        source: where the file is.
        table: the target, `name` (in schema public) or `schema.name`.
        mapping: header of the file's column, by column of the table.
        date_formats: as strptime writes them, tried in order; without any, ISO 8601.
        decimal, thousands: the signs in numbers.
        delimiter, encoding: `auto` looks at the file.
        on_error: `skip` lists a bad row in the error report, `fail` ends the job at the first one.
        max_errors: more bad rows than this fail the job.
        dedupe: columns of the unique index that tells rows already there; none: any unique index.
        org_id: value for the column "orgId" of every row.
    """

    source: Source
    table: Name
    mapping: Annotated[dict[Name, str], Meta(min_length=1)]
    date_formats: tuple[str, ...] = ()
    decimal: Literal[".", ","] = "."
    thousands: Literal[",", ".", " ", "'", "_", "\u00a0", "\u202f"] | None = None
    delimiter: Delimiter = "auto"
    encoding: Encoding = "auto"
    on_error: Literal["skip", "fail"] = "skip"
    max_errors: Annotated[int, Meta(ge=0, le=100_000)] = 100
    dedupe: tuple[Name, ...] = ()
    org_id: str | int | None = None

    def __post_init__(self) -> None:
        if self.thousands == self.decimal:
            raise ValueError(f"thousands and decimal are both {self.decimal!r}")
        if self.org_id is not None and "orgId" in self.mapping:
            raise ValueError("orgId is given, so mapping must not fill the column orgId")
        for date_format in self.date_formats:
            date_rule(date_format)
