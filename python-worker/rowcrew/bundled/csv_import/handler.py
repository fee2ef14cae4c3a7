"""The type `csv_import`: brings the rows of a CSV file into a table, in one commit with the job's completion.

In: the payload of a job. Out: how many rows were read, new, known and refused, and where the refused ones are
listed. Records travel as they are; the server judges them. A good file goes in few COPYs, or costs one COPY
and one INSERT a block. While the server takes one block the next is read and examined; memory holds the two,
and the blocks that the COPY under way has sent.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import IO, Any, Final

import msgspec
import psycopg

from rowcrew.bundled.csv_import import preview
from rowcrew.bundled.csv_import.copy_in import CopyIn
from rowcrew.bundled.csv_import.csv_file import Block, one_ahead
from rowcrew.bundled.csv_import.fitting import Fit
from rowcrew.bundled.csv_import.grouping import Grouping
from rowcrew.bundled.csv_import.loading import Loading, Rejected
from rowcrew.bundled.csv_import.payload import CsvImport
from rowcrew.bundled.csv_import.reading import Reading
from rowcrew.bundled.csv_import.target import allowed_table, columns_of, opened, plan_of
from rowcrew.bundled.files.sources import fetched, open_source
from rowcrew.bundled.files.store import store
from rowcrew.context import Context, PermanentError
from rowcrew.crew import Crew

MOST_BYTES: Final = 200 * 10**6
MOST_ROWS: Final = 2_000_000
_SWITCH_SECONDS: Final = 0.0005
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
crew = Crew()


class ImportResult(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The result. Rows are inserted, duplicates or rejected; flagged cells look like formulas and stay.

    `warnings` says what was read otherwise than it stands in the file; a plain file has none.
    """

    rows: int
    inserted: int
    duplicates: int
    rejected: int
    flagged: int
    error_report_key: str | None
    file_sha256: str
    warnings: list[str] | msgspec.UnsetType = msgspec.UNSET


# A process of its own: neighbours feel neither its memory nor its time, and it can be killed alone.
@crew.job("csv_import", executor="process")
def csv_import(payload: CsvImport, context: Context) -> ImportResult | preview.Preview:
    """Bring the rows of a CSV file into a table."""
    with (
        fetched(payload.source, MOST_BYTES, context) as source,
        context.transaction() as connection,
        open_source(source, connection, MOST_BYTES) as file,
    ):
        if payload.dry_run:
            return preview.of_import(payload, file, connection, context.stop_if_cancelled)
        return _import(payload, file, connection, context)


def _import(
    payload: CsvImport, file: IO[bytes], connection: psycopg.Connection[Any], context: Context
) -> ImportResult:
    context.progress(0, None, "Reading the file")
    mapping = payload.mapping or {}
    schema, table = allowed_table(payload.table or "")
    columns = columns_of(payload, connection, schema, table)
    reading = Reading(file, payload.encoding, payload.layout, mapping)
    fields = reading.fields(mapping)
    total = reading.survey(fields, context.stop_if_cancelled)
    if total > MOST_ROWS:
        raise PermanentError(f"the file has {total:,} rows, more than the {MOST_ROWS:,} allowed")
    plan = plan_of(payload, reading, fields, (schema, table, columns), payload.cells)
    target = opened(payload, plan, connection)
    loading = Loading(payload, target, Fit.of(plan))
    _load(loading, target, reading, total, context)
    loading.require_a_good_row()
    return ImportResult(
        rows=loading.rows,
        inserted=loading.inserted,
        duplicates=loading.duplicates,
        rejected=len(loading.rejected),
        flagged=loading.flagged,
        error_report_key=_report(loading.rejected, connection, context),
        file_sha256=reading.sha256,
        warnings=[*reading.warnings(), *loading.further_tables.warnings()] or msgspec.UNSET,
    )


def _load(loading: Loading, target: CopyIn, reading: Reading, total: int, context: Context) -> None:
    done = 0

    def tell(block: Block) -> None:
        nonlocal done
        done = max(done, min(total, _last_row(block) - reading.first_row + 1))
        context.progress(done, total, f"Imported {done:,} of {total:,} rows")

    examined = ((block, loading.examined(block)) for block in reading.blocks())
    with _quick_switches(), closing(one_ahead(examined)) as upcoming:
        Grouping(loading, target, tell).load(upcoming)


@contextmanager
def _quick_switches() -> Iterator[None]:
    """The thread that feeds the server waits half a millisecond for the one that examines the next block.

    By default it waits five, and the server with it: a socket holds what the server takes in one or two.
    The process is the import's own, so nobody else pays for the switches.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _last_row(block: Block) -> int:
    if block.mended is None:
        return block.first_row + block.rows - 1
    return max(
        [block.first_row, *(row for row, _ in block.mended[-1:]), *(each.row for each in block.bad[-1:])]
    )


def _report(rejected: list[Rejected], connection: psycopg.Connection[Any], context: Context) -> str | None:
    """Store the refused rows as a CSV file, and tell its key."""
    if not rejected:
        return None
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("row", "reason", "record"))
    writer.writerows((each.row, _harmless(each.reason), _harmless(each.record)) for each in rejected)
    return store(connection, context, "rejected.csv", text.getvalue().encode(), "text/csv; charset=utf-8").key


def _harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell
