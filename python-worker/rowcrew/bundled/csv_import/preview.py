"""The dry run of an import: how a file is read, and what would come of it.

In: the payload of a job, or a file of the command line. Out: a `Preview`, whose suggestion is a payload that
reads the file the same way. With a table the rows go into a temporary one of its shape; the target itself is
not touched. Called by the handler and by `rowcrew csv preview`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from typing import IO, Any, Final

import msgspec
import psycopg

from rowcrew.bundled.csv_import import staging
from rowcrew.bundled.csv_import.cells import TargetColumn
from rowcrew.bundled.csv_import.copy_in import target_columns
from rowcrew.bundled.csv_import.csv_file import Block
from rowcrew.bundled.csv_import.fitting import Fit
from rowcrew.bundled.csv_import.further_tables import FurtherTables
from rowcrew.bundled.csv_import.loading import Enough, Loading, Rejected
from rowcrew.bundled.csv_import.payload import CsvImport
from rowcrew.bundled.csv_import.reading import Mapping, Reading
from rowcrew.bundled.csv_import.target import allowed_table, columns_of, opened, plan_of

SHOWN: Final = 10
_MOST_NAME: Final = 60
Row = dict[str, str | None]


class Complaint(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A row that would be rejected, why, and the cell at fault where one is."""

    row: int
    column: str | None
    value: str | None
    reason: str


class Preview(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How a file is read, and what would come of it.

    Attributes:
        dialect: encoding, delimiter, quote, escape, trim, skipRows, headerRows, as found or given.
        header: the file's own names of its columns.
        mapping: the payload's, or one that fits the names.
        columns: those of the mapping, as the file has them from left to right; objects keep no order.
        rows: the first ten as they would be stored, by column of the table.
        complaints: the first ten.
        warnings: what was read otherwise than it stands in the file.
        suggestion: fields of a payload that reads the file this way.
    """

    dialect: dict[str, Any]
    header: list[str]
    mapping: Mapping
    columns: list[str]
    rows: list[Row]
    complaints: list[Complaint]
    warnings: list[str]
    suggestion: dict[str, Any]


def of_import(
    payload: CsvImport, file: IO[bytes], connection: psycopg.Connection[Any], check: Callable[[], None]
) -> Preview:
    """The dry run of a job. Without a table, every column is a text."""
    if payload.table is None:
        return of_file(payload, file, check)
    schema, table = allowed_table(payload.table)
    columns = columns_of(payload, connection, schema, table)
    reading = Reading(file, payload.encoding, payload.layout, payload.mapping or {})
    mapping = payload.mapping or _mapping_to(columns, reading)
    fields = reading.fields(mapping)
    reading.survey(fields, check)
    cells = msgspec.structs.replace(payload.cells, trim=reading.dialect.trim)
    connection.execute(staging.create_like(schema, table))
    shadow = (staging.SHADOW_SCHEMA, staging.SHADOW, target_columns(connection, schema, table))
    plan = plan_of(payload, reading, fields, shadow, cells)
    loading = Loading(payload, opened(payload, plan, connection), Fit.of(plan), enough=SHOWN)
    try:
        for block in reading.blocks():
            check()
            loading.load(block, loading.examined(block))
    except Enough:
        pass
    names = [*plan.constants, *fields]
    stored = connection.execute(staging.first_stored(names, SHOWN))
    rows = [dict(zip(names, row, strict=True)) for row in stored]
    return _preview(payload, reading, mapping, rows, loading.rejected, loading.further_tables)


def of_file(payload: CsvImport, file: IO[bytes], check: Callable[[], None]) -> Preview:
    """The preview of a file that has no target yet: its cells as texts. Needs no database."""
    reading = Reading(file, payload.encoding, payload.layout, payload.mapping or {})
    mapping = payload.mapping or _mapping_alone(reading)
    fields = reading.fields(mapping)
    reading.survey(fields, check)
    dialect = reading.dialect
    places = reading.places(fields)
    fit = Fit(delimiter=dialect.delimiter, columns=reading.columns, width=reading.width)
    rows: list[Row] = []
    rejected: list[Rejected] = []
    further = FurtherTables(fit)
    for number, found in _fitted(reading.blocks(), fit, further, check):
        if isinstance(found, str):
            rejected.append(Rejected(number, found, ""))
        elif len(rows) < SHOWN:
            text = io.StringIO(found.decode(), newline="")
            cells = next(csv.reader(text, delimiter=dialect.delimiter), [])
            rows.append({name: _cell(cells[place], dialect.trim) for name, place in places.items()})
        if len(rejected) == SHOWN:
            break
    return _preview(payload, reading, mapping, rows, rejected, further)


def _fitted(
    blocks: Iterator[Block], fit: Fit, further: FurtherTables, check: Callable[[], None]
) -> Iterator[tuple[int, bytes | str]]:
    """The records with their numbers, or why they cannot be split into cells."""
    for block in blocks:
        check()
        yield from ((bad.row, bad.reason) for bad in block.bad)
        for number, record in further.filled_rows(block):
            fitted, reason = fit.fitted(record)
            yield number, str(reason) if fitted is None else fitted


def _cell(cell: str, trim: bool) -> str | None:
    return (cell.strip(" \t") if trim else cell) or None


def _preview(
    payload: CsvImport,
    reading: Reading,
    mapping: Mapping,
    rows: list[Row],
    rejected: list[Rejected],
    further: FurtherTables,
) -> Preview:
    dialect = reading.dialect
    found = {
        "encoding": reading.facts.encoding,
        "delimiter": dialect.delimiter,
        "quote": dialect.quote,
        "escape": dialect.escape,
        "trim": dialect.trim,
        "skipRows": dialect.skip_rows,
        "headerRows": dialect.header_rows,
    }
    defaults = msgspec.to_builtins(CsvImport(source=payload.source, dry_run=True))
    given = {
        name: value
        for name, value in msgspec.to_builtins(payload).items()
        if name not in ("dryRun", "source") and value != defaults[name]
    }
    return Preview(
        dialect=found,
        header=list(dialect.names),
        mapping=mapping,
        columns=sorted(mapping, key=reading.fields(mapping).__getitem__),
        rows=rows,
        complaints=[
            Complaint(row=each.row, column=each.column, value=each.value, reason=each.reason)
            for each in rejected[:SHOWN]
        ],
        warnings=[*reading.warnings(), *further.warnings()],
        suggestion=given
        | {name: value for name, value in found.items() if value is not None and value is not False}
        | {"mapping": mapping},
    )


def _mapping_to(columns: dict[str, TargetColumn], reading: Reading) -> Mapping:
    """The columns whose names are headers of the file, but for capitals and spaces; else all, in order."""
    known = {_letters(name): name for name in columns}
    headers = _addresses(reading)
    found = {known[_letters(name)]: at for name, at in headers if _letters(name) in known}
    return found or {name: at for name, (_, at) in zip(columns, headers, strict=False)}


def _mapping_alone(reading: Reading) -> Mapping:
    """A column for each header, named as PostgreSQL likes it."""
    mapping: Mapping = {}
    for place, (name, address) in enumerate(_addresses(reading), 1):
        column = re.sub(r"\W+", "_", name.lower()).strip("_")[:_MOST_NAME] or f"column_{place}"
        names = [column, *(f"{column}_{number}" for number in range(2, place + 2))]
        mapping[next(each for each in names if each not in mapping)] = address
    return mapping


def _addresses(reading: Reading) -> list[tuple[str, str | int]]:
    """Each column's name, and how a mapping says it: by its header, or by its number if that is not clear."""
    names = reading.dialect.names or ("",) * reading.dialect.width
    return [(name, name if name and names.count(name) == 1 else place) for place, name in enumerate(names, 1)]


def _letters(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).lower()
