"""Brings the records of a CSV file into a table: by COPY where that is enough, else through a staging table.

In: a connection inside the caller's transaction, a plan of which field fills which column, and records of CSV
text. Out: how many rows were new, and which were not fit. The server parses every cell; names that come from
a payload are quoted by `psycopg.sql`. Called by `loading`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
import psycopg
from psycopg import sql

from rowcrew.bundled.csv_import import staging
from rowcrew.bundled.csv_import.cells import ANY, LookedAt, TargetColumn, odd_cell, plain_records
from rowcrew.bundled.csv_import.csv_file import Block, Row
from rowcrew.bundled.csv_import.native_dates import native_dates
from rowcrew.bundled.csv_import.parting import parted
from rowcrew.bundled.csv_import.refused import refused_record
from rowcrew.bundled.csv_import.staging import Plan
from rowcrew.bundled.csv_import.statements import SQL

# What the server answers when a row's content is at fault, and not the statement or the server.
ROW_ERRORS: Final = (
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.errors.RaiseException,
    psycopg.errors.ProgramLimitExceeded,
)
_DUPLICATES: Final = (psycopg.errors.UniqueViolation, psycopg.errors.ExclusionViolation)
_SOFT_INPUT: Final = 160000  # the first server that has pg_input_is_valid


class Records(msgspec.Struct, frozen=True):
    """Whole records in UTF-8, how many they are, and what is known of their cells.

    Attributes:
        straight: the records as COPY takes them into the table itself; None: they must be staged.
        has_formulas: a cell may look like a formula, so the cells must be counted.
        is_plain: every number and date is plain, so none need be looked at again.
    """

    data: bytes
    straight: bytes | None
    rows: int
    has_formulas: bool
    is_plain: bool

    @property
    def size(self) -> int:
        """The bytes that COPY takes: with a long constant many times those of the file."""
        return len(self.data if self.straight is None else self.straight)


class Loaded(msgspec.Struct, frozen=True):
    """What became of some records: rows that were new, and text cells that look like formulas."""

    inserted: int
    flagged: int


class Unfit(msgspec.Struct, frozen=True):
    """A staged row with a cell that its column cannot take, the server's reason, and the cell."""

    row: int
    reason: str
    column: str
    cell: str | None


def target_columns(connection: psycopg.Connection[Any], schema: str, table: str) -> dict[str, TargetColumn]:
    """The columns of a table by name; empty if there is no such table."""
    rows = connection.execute(
        SQL["import_columns"],
        {"schema": schema, "table": table},
    )
    return {name: TargetColumn(*facts) for name, *facts in rows}


class RowsMissing(psycopg.DataError):
    """The server counts other rows than its caller: a trigger left some out, or a line ended the data."""


class CopyIn:
    """The statements that bring one file into its table, inside one transaction.

    COPY straight into the table is the fast way. The staging table is for cells that must be converted,
    counted or judged, for blocks after one with duplicates, and for tables that COPY may not fill.

    Attributes:
        judges: the server tells of a cell, without an error, whether it can be cast.
    """

    def __init__(self, connection: psycopg.Connection[Any], plan: Plan) -> None:
        self._connection = connection
        self._plan = plan
        self._copy_to_table = staging.copy_to_table(plan)
        self._constants = _constants(plan)
        self._formula_start = _formula_start(plan.delimiter)
        forms = {place: plan.cells.plain_form(plan.columns[name]) for name, place in plan.fields.items()}
        known = {place: form for place, form in forms.items() if form is not None}
        self._odd_cell = odd_cell(known, plan.delimiter)
        self._plain_records = _plain_records(plan, known)
        self._blank_row = re.compile(rf"\n[ \t{re.escape(plan.delimiter)}]*+(?:[\r\n]|\Z)".encode())
        self._expect_duplicates = False
        self._strict: set[str | None] = set()  # unique indexes other than that of `dedupe`
        self._minds_statements = False
        self.judges = connection.info.server_version >= _SOFT_INPUT

    def open(self) -> None:
        """Make the staging table, and try the INSERT without a row, which proves columns, rights and index.

        Raises:
            psycopg.ProgrammingError: this plan cannot work whatever the file holds.
        """
        # Without formats 03/04/2026 is an error, not a guess.
        order = native_dates(self._plan.cells.date_formats).order
        self._connection.execute(sql.SQL("SET LOCAL datestyle = 'ISO, {}'").format(sql.SQL(order)))
        self._connection.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a bad row fails here, not at the commit
        self._connection.execute(staging.create(self._plan))
        self._connection.execute(staging.insert(self._plan, "no", known=True))
        names = {"schema": self._plan.schema, "table": self._plan.table}
        secured = self._connection.execute(SQL["row_security"], names).fetchone()
        if secured == (True,):  # COPY refuses such a table
            self._copy_to_table = None
        self._minds_statements = self._connection.execute(SQL["minds_statements"], names).fetchone() == (
            True,
        )

    def plain(self, block: Block) -> Records | None:
        """These records as `load` takes them, if none is blank or has a cell that wants a closer look."""
        place = 0
        while place < len(block.data):
            match = self._plain_records and self._plain_records.match(block.data, place)
            if not match:
                return None
            place = match.end()
        return self._as_plain(block)

    def parted(self, block: Block) -> tuple[Records, list[Row]] | None:
        """The records that `plain` would pass, and the few others; None: there are none, or too many."""
        found = self._plain_records and parted(block, self._plain_records)
        if not found:
            return None
        plain, odd = found
        return self._as_plain(plain), odd

    def together(self, rows: Sequence[Row]) -> Records:
        """These rows of a block that goes straight, as `load` takes them."""
        data = b"\n".join([*(record for _, record in rows), b""])
        return self._as_plain(Block(rows[0][0], len(rows), data, b"\n"))

    def refused(self, error: psycopg.Error, records: Records, line_end: bytes) -> int | None:
        """The place of the record that `load` tells of with this error, if it names one."""
        if records.straight is None or not error.diag.context:
            return None
        return refused_record(error.diag.context, self._plan.table, records.straight, records.rows, line_end)

    def examined(self, block: Block) -> Records:
        """These records as `load` takes them. Asks no connection: any thread may call it meanwhile."""
        lines = _lines(block)
        is_plain = self._odd_cell.search(lines) is None
        # Where all rows are staged the server counts sooner than we search, and we hold up no statement.
        has_formulas = self._copy_to_table is None or self._formula_start.search(lines) is not None
        straight = None if has_formulas or not is_plain else self._with_constants(block)
        return Records(block.data, straight, block.rows, has_formulas, is_plain)

    def has_blank_rows(self, block: Block) -> bool:
        """Whether a line of nothing but delimiters and spaces is among these records."""
        return self._blank_row.search(_lines(block)) is not None

    def load(self, records: Records) -> Loaded:
        """Take over all of these records or, with an error, none.

        Raises:
            psycopg.Error: one of ROW_ERRORS if the content of a row is at fault.
        """
        if self.goes_straight(records):
            try:
                return self.load_together([records])
            except _DUPLICATES as error:
                if error.diag.constraint_name in self._strict:
                    raise
            except RowsMissing:
                pass
            self._expect_duplicates = True
        return self._load_by_staging(records)

    def goes_straight(self, records: Records) -> bool:
        """Whether `load` tries to copy these records into the table itself."""
        return records.straight is not None and not self._expect_duplicates

    def goes_together(self, records: Records) -> bool:
        """Whether these records may go straight by one COPY with others."""
        return self.goes_straight(records) and not self._minds_statements

    def load_together(self, group: Iterable[Records]) -> Loaded:
        """Copy all of these records, each of which goes straight, into the table or, with an error, none.

        Raises:
            psycopg.Error: one of ROW_ERRORS if the content of a row is at fault, or a row is there already.
        """
        assert self._copy_to_table is not None
        parts = ((records.straight, records.rows) for records in group if records.straight is not None)
        with self._connection.transaction():
            return Loaded(self._copy(self._copy_to_table, parts), 0)

    def stage(self, data: bytes, rows: int) -> None:
        """Stage records that begin with a field for their row number, for `unfit` and `load_staged`.

        Raises:
            psycopg.Error: one of ROW_ERRORS; nothing is staged.
        """
        self._empty_staging()
        with self._connection.transaction():
            self._copy(staging.copy_numbered(self._plan), [(data, rows)])

    def unfit(self) -> list[Unfit]:
        """Take out of the staging what cannot be cast, as far as the server tells without an error."""
        statement = staging.take_unfit(self._plan) if self.judges else None
        if statement is None:
            return []
        return [Unfit(row, *facts) for row, facts in self._connection.execute(statement)]

    def load_staged(self, first_row: int, last_row: int, rows: int) -> Loaded:
        """Take over the staged rows with these numbers, which are so many, or, with an error, none.

        Raises:
            psycopg.Error: one of ROW_ERRORS if the content of a row is at fault.
        """
        among = staging.numbered(first_row, last_row)
        with self._connection.transaction():
            inserted = self._inserted("fit" if self.judges else "no", among)
            flagged = self._flagged(among)
        self._expect_duplicates = inserted < rows
        return Loaded(inserted, flagged)

    def refusal(self, row: int) -> psycopg.Error | None:
        """Why a staged row cannot be taken over; it is tried alone, and not brought in."""
        among = staging.numbered(row, row)
        try:
            with self._connection.transaction(force_rollback=True):
                self._connection.execute(staging.insert(self._plan, "no", among, known=True))
        except ROW_ERRORS as error:
            return error
        return None

    def column_at_fault(self, row: int) -> tuple[str, str] | None:
        """The column that a staged row's cell does not fit, and the cell, found by casting one by one."""
        for name, place in self._plan.fields.items():
            try:
                with self._connection.transaction():
                    self._connection.execute(staging.cast_alone(self._plan, name, row))
            except psycopg.DataError:
                cells = self._connection.execute(staging.cell_of(place, row)).fetchone()
                return name, cells[0] if cells else ""
        return None

    def _as_plain(self, block: Block) -> Records:
        straight = self._with_constants(block) if self._copy_to_table else None
        return Records(block.data, straight, block.rows, has_formulas=False, is_plain=True)

    def _with_constants(self, block: Block) -> bytes:
        """The records with the constants in front of the first cell of each."""
        end, front = block.line_end, self._constants
        if not front:
            return block.data
        data = block.data.removesuffix(end)
        if data.count(end) == block.rows - 1:
            data = data.replace(end, end + front)
        else:
            data = _replaced(data, end, end + front, quoted=False)
        return front + data + end

    def _load_by_staging(self, records: Records) -> Loaded:
        self._empty_staging()
        with self._connection.transaction():
            self._copy(staging.copy(self._plan), [(records.data, records.rows)])
            self._require_nothing_beyond()
            inserted = self._inserted("plain" if records.is_plain else "no")
            flagged = self._flagged() if records.has_formulas else 0
        self._expect_duplicates = inserted < records.rows
        return Loaded(inserted, flagged)

    def _require_nothing_beyond(self) -> None:
        statement = staging.beyond(self._plan)
        if statement and self._connection.execute(statement).fetchone() == (True,):
            raise RowsMissing("a row has a cell beyond the last column")

    def _empty_staging(self) -> None:
        # Before any savepoint: in the transaction that made the table TRUNCATE works in place.
        self._connection.execute(sql.SQL("TRUNCATE {}").format(staging.TABLE))

    def _copy(self, statement: sql.Composed, parts: Iterable[tuple[bytes, int]]) -> int:
        """Send these records, of which each part has so many; how many they are."""
        rows = 0
        with self._connection.cursor() as cursor:
            with cursor.copy(statement) as copy:
                for data, count in parts:
                    copy.write(data)
                    rows += count
            if cursor.rowcount != rows:
                raise RowsMissing(f"the server found {cursor.rowcount} records where there are {rows}")
        return rows

    def _inserted(self, looked_at: LookedAt, among: sql.Composable = staging.ALL) -> int:
        """How many staged rows were new. Without ON CONFLICT first: faster, and most files are new."""
        if not self._expect_duplicates:
            try:
                with self._connection.transaction():
                    statement = staging.insert(self._plan, looked_at, among)
                    return self._connection.execute(statement).rowcount
            except _DUPLICATES:
                pass
        statement = staging.insert(self._plan, looked_at, among, known=True)
        try:
            return self._connection.execute(statement).rowcount
        except _DUPLICATES as error:
            self._strict.add(error.diag.constraint_name)
            raise

    def _flagged(self, among: sql.Composable = staging.ALL) -> int:
        ((flagged,),) = self._connection.execute(staging.count_formulas(self._plan, among))
        return int(flagged)


def _plain_records(plan: Plan, forms: Mapping[int, str]) -> re.Pattern[bytes] | None:
    """Matches a block that needs no closer look; None where no text is stored as the file has it."""
    texts = {place for name, place in plan.fields.items() if plan.columns[name].category == "S"}
    if any(forms.get(place) != ANY for place in texts):
        return None
    return plain_records(forms, texts, plan.field_count, plan.delimiter)


def _lines(block: Block) -> bytes:
    """The records, each behind a line feed, without the last line end; a cell's own line feeds are spaces."""
    lines = block.data if block.line_end == b"\n" else block.data.replace(block.line_end, b"\n")
    if lines.count(b"\n") > block.rows:
        lines = _replaced(lines, b"\n", b" ", quoted=True)
    return b"\n" + lines.removesuffix(b"\n")


def _replaced(data: bytes, old: bytes, new: bytes, *, quoted: bool) -> bytes:
    """The records with one text for another, either in quoted cells alone or outside them alone."""
    parts = data.split(b'"')
    parts[quoted::2] = [part.replace(old, new) for part in parts[quoted::2]]
    return b'"'.join(parts)


def _constants(plan: Plan) -> bytes:
    """The constants as cells at the beginning of a record, in the order of `copy_to_table`."""
    cells = [f'"{constant.replace(chr(34), chr(34) * 2)}"' for constant in plan.constants.values()]
    return "".join([cell + plan.delimiter for cell in cells]).encode()


def _formula_start(delimiter: str) -> re.Pattern[bytes]:
    """Finds, behind delimiters and line ends, all that `count_formulas` counts; no plain numbers."""
    end = rf"(?:[{re.escape(delimiter)}\r\n]|\Z)"
    tab = "" if delimiter == "\t" else r"\t"
    digits = "0-9." if delimiter == "," else "0-9.,"
    bare = rf"(?![-+][{digits}]+{end})[-+=@{tab}]"
    quoted = rf'(?!"[-+][0-9.,]+"{end})"+[-+=@\t\r]'
    return re.compile(rf"[{re.escape(delimiter)}\r\n](?:{bare}|{quoted})".encode())
