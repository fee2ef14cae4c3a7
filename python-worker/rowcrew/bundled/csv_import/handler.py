"""The type `csv_import`: brings the rows of a CSV file into a table, in one commit with the job's completion.

In: the payload of a job. Out: how many rows were read, new, known and refused, and where the refused ones are
listed. Records travel as they are; the server judges them block by block, and a block it refuses is halved
until the bad rows stand alone. A good file costs one COPY and one INSERT a block. While the server takes one
block the next is read and examined; memory holds the two.
"""

from __future__ import annotations

import csv
import io
import itertools
from contextlib import closing
from typing import IO, Annotated, Any, Final, Literal

import msgspec
import psycopg
from msgspec import Meta

from rowcrew.bundled.csv_import.copy_in import (
    ROW_ERRORS,
    Cells,
    CopyIn,
    Plan,
    Records,
    TargetColumn,
    target_columns,
)
from rowcrew.bundled.csv_import.csv_file import (
    Block,
    Delimiter,
    Encoding,
    Facts,
    blocks,
    one_ahead,
    sniff,
    split_header,
)
from rowcrew.bundled.csv_import.date_format import date_rule
from rowcrew.bundled.csv_import.settings import CsvImportSettings
from rowcrew.bundled.files.sources import Source, fetched, open_source
from rowcrew.bundled.files.store import store
from rowcrew.context import Context, PermanentError
from rowcrew.crew import Crew
from rowcrew.family import own_tables

MOST_BYTES: Final = 200 * 10**6
MOST_ROWS: Final = 2_000_000
_SHOWN_CHARACTERS: Final = 2_000
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")

crew = Crew()

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Row = tuple[int, bytes]


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


class ImportResult(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The result. Rows are inserted, duplicates or rejected; flagged cells look like formulas and stay."""

    rows: int
    inserted: int
    duplicates: int
    rejected: int
    flagged: int
    error_report_key: str | None
    file_sha256: str


class Rejected(msgspec.Struct, frozen=True):
    """A row the table cannot take. Rows count from 1, the header; `record` is its text."""

    row: int
    reason: str
    record: str


# A process of its own: neighbours feel neither its memory nor its time, and it can be killed alone.
@crew.job("csv_import", executor="process")
def csv_import(payload: CsvImport, context: Context) -> ImportResult:
    """Bring the rows of a CSV file into a table."""
    with (
        fetched(payload.source, MOST_BYTES, context) as source,
        context.transaction() as connection,
        open_source(source, connection, MOST_BYTES) as file,
    ):
        return _import(payload, file, connection, context)


def _import(
    payload: CsvImport, file: IO[bytes], connection: psycopg.Connection[Any], context: Context
) -> ImportResult:
    context.progress(0, None, "Reading the file")
    facts = sniff(file, payload.encoding)
    total = max(0, _count_rows(file, facts, context) - 1)
    if total > MOST_ROWS:
        raise PermanentError(f"the file has {total:,} rows, more than the {MOST_ROWS:,} allowed")
    file_blocks = blocks(file, facts)
    first = next(file_blocks, None)
    if first is None:
        raise PermanentError("the file is empty; its first row must name the columns")
    header, body = first.without_header()
    target = _opened(payload, header, connection)
    loading = Loading(payload, target)
    examined = (
        (block, target.examined(block.data, block.rows)) for block in itertools.chain((body,), file_blocks)
    )
    with closing(one_ahead(examined)) as upcoming:
        for block, records in upcoming:
            loading.load(block, records)
            done = block.first_row + block.rows - 2
            context.progress(done, total, f"Imported {done:,} of {total:,} rows")
    loading.require_a_good_row()
    return ImportResult(
        rows=loading.rows,
        inserted=loading.inserted,
        duplicates=loading.duplicates,
        rejected=len(loading.rejected),
        flagged=loading.flagged,
        error_report_key=_report(loading.rejected, connection, context),
        file_sha256=facts.sha256,
    )


def _count_rows(file: IO[bytes], facts: Facts, context: Context) -> int:
    rows = 0
    for block in blocks(file, facts):
        rows += block.rows
        context.stop_if_cancelled()
    return rows


class Loading:
    """The counts of an import under way, and the search for the bad rows in a block."""

    def __init__(self, payload: CsvImport, target: CopyIn) -> None:
        self._payload = payload
        self._target = target
        self.inserted = self.duplicates = self.flagged = 0
        self.rejected: list[Rejected] = []

    @property
    def rows(self) -> int:
        return self.inserted + self.duplicates + len(self.rejected)

    def load(self, block: Block, records: Records) -> None:
        """Bring in a block as it is; one that the server refuses goes row by row, as far as need be."""
        if block.rows and self._refusal(records):
            self._load_rows([row for row in block.records() if row[1]])

    def _load_rows(self, rows: list[Row]) -> None:
        """Bring in rows; if the server refuses them, their halves, down to the single bad row."""
        data = b"".join([record + b"\n" for _, record in rows])
        refusal = self._refusal(self._target.examined(data, len(rows)))
        if refusal and len(rows) == 1:
            self._reject(rows[0], refusal)
        elif refusal:
            middle = len(rows) // 2
            self._load_rows(rows[:middle])
            self._load_rows(rows[middle:])

    def _refusal(self, records: Records) -> str | None:
        """Why the server takes none of these records; None if it took them."""
        try:
            loaded = self._target.load(records)
        except ROW_ERRORS as error:
            return error.diag.message_primary or str(error)
        self.inserted += loaded.inserted
        self.duplicates += records.rows - loaded.inserted
        self.flagged += loaded.flagged
        return None

    def require_a_good_row(self) -> None:
        if self.rejected and len(self.rejected) == self.rows:
            raise PermanentError(
                f"none of the {self.rows:,} rows can be imported; {_examples(self.rejected)}"
            )

    def _reject(self, row: Row, reason: str) -> None:
        number, record = row
        self.rejected.append(Rejected(number, reason, record.decode("utf-8", "replace")[:_SHOWN_CHARACTERS]))
        if self._payload.on_error == "fail":
            raise PermanentError(f"nothing was imported, as onError is fail; {_examples(self.rejected)}")
        if len(self.rejected) > self._payload.max_errors:
            raise PermanentError(
                f"nothing was imported: more than maxErrors = {self._payload.max_errors} rows are bad; "
                f"{_examples(self.rejected)}"
            )


def _report(rejected: list[Rejected], connection: psycopg.Connection[Any], context: Context) -> str | None:
    """Store the refused rows as a CSV file for a spreadsheet, and tell its key."""
    if not rejected:
        return None
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("row", "reason", "record"))
    writer.writerows((each.row, _harmless(each.reason), _harmless(each.record)) for each in rejected)
    return store(connection, context, "rejected.csv", text.getvalue().encode(), "text/csv; charset=utf-8").key


def _opened(payload: CsvImport, header: bytes, connection: psycopg.Connection[Any]) -> CopyIn:
    """The staging table, ready for this file and this target."""
    schema, table = _allowed_table(payload.table)
    columns = target_columns(connection, schema, table)
    _require_columns(payload, columns)
    delimiter, names = split_header(header, payload.delimiter, payload.mapping.values())
    plan = Plan(
        schema=schema,
        table=table,
        columns=columns,
        fields={column: names.index(name) for column, name in payload.mapping.items()},
        constants={} if payload.org_id is None else {"orgId": str(payload.org_id)},
        dedupe=payload.dedupe,
        field_count=len(names),
        delimiter=delimiter,
        cells=Cells(decimal=payload.decimal, thousands=payload.thousands, date_formats=payload.date_formats),
    )
    target = CopyIn(connection, plan)
    try:
        target.open()
    except psycopg.errors.InvalidColumnReference as error:
        wanted = ", ".join(payload.dedupe)
        raise PermanentError(
            f"dedupe: table {payload.table!r} has no unique index on exactly ({wanted})"
        ) from error
    except (psycopg.ProgrammingError, psycopg.DataError, psycopg.errors.TooManyColumns) as error:
        raise PermanentError(
            f"table {payload.table!r} cannot take this import: {error.diag.message_primary}"
        ) from error
    return target


def _allowed_table(name: str) -> tuple[str, str]:
    """Schema and name of the target.

    Raises:
        PermanentError: imports into this table are not allowed.
    """
    schema, _, table = name.rpartition(".")
    schema = schema or "public"
    allowed = CsvImportSettings.read().tables
    if allowed is not None and not {name, f"{schema}.{table}"} & set(allowed):
        raise PermanentError(f"table {name!r} is not in CSV_IMPORT_TABLES, the tables that imports may fill")
    if allowed is None and schema != "public":
        raise PermanentError(
            f"table {name!r} is not in schema public; name it in CSV_IMPORT_TABLES to allow it"
        )
    if table in own_tables():
        raise PermanentError(f"table {name!r} is one of Rowcrew's own tables")
    return schema, table


def _require_columns(payload: CsvImport, columns: dict[str, TargetColumn]) -> None:
    if not columns:
        raise PermanentError(f"there is no table {payload.table!r}")
    wanted = [*payload.mapping, *payload.dedupe, *(["orgId"] if payload.org_id is not None else [])]
    if unknown := [name for name in wanted if name not in columns]:
        raise PermanentError(
            f"table {payload.table!r} has no column {unknown[0]!r}; its columns are {', '.join(columns)}"
        )


def _examples(rejected: list[Rejected]) -> str:
    return "; ".join(f"row {each.row}: {each.reason}" for each in rejected[:3])


def _harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell
