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
from typing import IO, Any, Final

import msgspec
import psycopg

from rowcrew.bundled.csv_import.copy_in import (
    Cells,
    CopyIn,
    Plan,
    TargetColumn,
    target_columns,
)
from rowcrew.bundled.csv_import.csv_file import (
    Facts,
    blocks,
    one_ahead,
    sniff,
    split_header,
)
from rowcrew.bundled.csv_import.loading import Loading, Rejected
from rowcrew.bundled.csv_import.payload import CsvImport
from rowcrew.bundled.csv_import.settings import CsvImportSettings
from rowcrew.bundled.files.sources import fetched, open_source
from rowcrew.bundled.files.store import store
from rowcrew.context import Context, PermanentError
from rowcrew.crew import Crew
from rowcrew.family import own_tables

MOST_BYTES: Final = 200 * 10**6
MOST_ROWS: Final = 2_000_000
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
crew = Crew()


class ImportResult(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The result. Rows are inserted, duplicates or rejected; flagged cells look like formulas and stay."""

    rows: int
    inserted: int
    duplicates: int
    rejected: int
    flagged: int
    error_report_key: str | None
    file_sha256: str


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


def _harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell
