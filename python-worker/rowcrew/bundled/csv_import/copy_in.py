"""Brings the records of a CSV file into a table: by COPY where that is enough, else through a staging table.

In: a connection inside the caller's transaction, a plan of which field fills which column, and records of CSV
text. Out: how many rows were new. The server parses every cell; names that come from a payload are quoted by
`psycopg.sql`. Called by the handler of `csv_import`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import psycopg
from psycopg import sql

from rowcrew.bundled.csv_import.date_format import DateRule, date_rule
from rowcrew.bundled.csv_import.statements import SQL

# What the server answers when a row's content is at fault, and not the statement or the server.
ROW_ERRORS: Final = (
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.errors.RaiseException,
    psycopg.errors.ProgramLimitExceeded,
)
_STAGING: Final = sql.Identifier("rowcrew_csv_staging")
_DUPLICATES: Final = (psycopg.errors.UniqueViolation, psycopg.errors.ExclusionViolation)
_NUMBER: Final = r"^[-+]?[0-9.,]+$"


class TargetColumn(msgspec.Struct, frozen=True):
    """A column's type as SQL writes it, and its category in PostgreSQL: S text, N number, D date or time."""

    type: str
    category: str


class Cells(msgspec.Struct, frozen=True, kw_only=True):
    """How numbers and dates are written in the cells. No date formats: ISO 8601."""

    decimal: str = "."
    thousands: str | None = None
    date_formats: tuple[str, ...] = ()


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What goes where.

    Attributes:
        schema, table: the target.
        columns: the target's columns, by name.
        fields: the place (from 0) of the CSV field that fills a column, by column.
        constants: the value that a column gets in every row, by column.
        dedupe: columns of the unique index that tells duplicates; empty for any unique index.
        field_count: fields of a record.
        delimiter: between two fields, one character.
        cells: how numbers and dates are written.
    """

    schema: str
    table: str
    columns: Mapping[str, TargetColumn]
    fields: Mapping[str, int]
    constants: Mapping[str, str]
    dedupe: Sequence[str]
    field_count: int
    delimiter: str
    cells: Cells


class Records(msgspec.Struct, frozen=True):
    """Whole records in UTF-8, how many they are, and whether COPY straight into the table may do for them."""

    data: bytes
    rows: int
    is_plain: bool


class Loaded(msgspec.Struct, frozen=True):
    """What became of some records: rows that were new, and text cells that look like formulas."""

    inserted: int
    flagged: int


def target_columns(connection: psycopg.Connection[Any], schema: str, table: str) -> dict[str, TargetColumn]:
    """The columns of a table by name; empty if there is no such table."""
    rows = connection.execute(
        SQL["import_columns"],
        {"schema": schema, "table": table},
    )
    return {name: TargetColumn(type, category) for name, type, category in rows}


class RowsMissing(psycopg.DataError):
    """The server counts other rows than its caller: a trigger left some out, or a line ended the data."""


class CopyIn:
    """The statements that bring one file into its table, inside one transaction.

    COPY straight into the table is the fast way. The staging table is for cells that must be converted or
    counted, for blocks after one with duplicates, and for tables that COPY may not fill.
    """

    def __init__(self, connection: psycopg.Connection[Any], plan: Plan) -> None:
        self._connection = connection
        self._plan = plan
        self._create = _create_staging(plan)
        self._copy_to_staging = _copy_statement(plan, _STAGING)
        self._copy_to_table = _copy_to_table(plan)
        self._insert_new = _insert_statement(plan)
        self._insert = self._insert_new + _on_conflict(plan)
        self._count_formulas = _formula_statement(plan)
        self._formula_start = _formula_start(plan.delimiter)
        self._expect_duplicates = False

    def open(self) -> None:
        """Make the staging table, and try the INSERT without a row, which proves columns, rights and index.

        Raises:
            psycopg.ProgrammingError: this plan cannot work whatever the file holds.
        """
        self._connection.execute("SET LOCAL datestyle = 'ISO, YMD'")  # 03/04/2026 is an error, not a guess
        self._connection.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a bad row fails here, not at the commit
        self._connection.execute(self._create)
        self._connection.execute(self._insert)
        names = {"schema": self._plan.schema, "table": self._plan.table}
        ((secured,),) = self._connection.execute(SQL["row_security"], names)
        if secured:  # COPY refuses such a table
            self._copy_to_table = None

    def examined(self, data: bytes, rows: int) -> Records:
        """These records as `load` takes them. Asks no connection: any thread may call it meanwhile."""
        is_plain = self._copy_to_table is not None and not self._formula_start.search(b"\n" + data)
        return Records(data, rows, is_plain)

    def load(self, records: Records) -> Loaded:
        """Take over all of these records or, with an error, none.

        Raises:
            psycopg.Error: one of ROW_ERRORS if the content of a row is at fault.
        """
        if self._copy_to_table and records.is_plain and not self._expect_duplicates:
            try:
                with self._connection.transaction():
                    self._copy(self._copy_to_table, records)
            except (*_DUPLICATES, RowsMissing):
                self._expect_duplicates = True
            else:
                return Loaded(records.rows, 0)
        return self._load_by_staging(records)

    def _load_by_staging(self, records: Records) -> Loaded:
        # Before the savepoint: in the transaction that made the table TRUNCATE works in place.
        self._connection.execute(sql.SQL("TRUNCATE {}").format(_STAGING))
        with self._connection.transaction():
            self._copy(self._copy_to_staging, records)
            inserted = self._inserted()
            ((flagged,),) = self._connection.execute(self._count_formulas)
        self._expect_duplicates = inserted < records.rows
        return Loaded(inserted, flagged)

    def _copy(self, statement: sql.Composed, records: Records) -> None:
        with self._connection.cursor() as cursor:
            with cursor.copy(statement) as copy:
                copy.write(records.data)
            if cursor.rowcount != records.rows:
                raise RowsMissing(
                    f"the server found {cursor.rowcount} records where there are {records.rows}"
                )

    def _inserted(self) -> int:
        """How many staged rows were new. Without ON CONFLICT first: faster, and most files are new."""
        if not self._expect_duplicates:
            try:
                with self._connection.transaction():
                    return self._connection.execute(self._insert_new).rowcount
            except _DUPLICATES:
                pass
        return self._connection.execute(self._insert).rowcount


def _field(place: int) -> sql.Identifier:
    return sql.Identifier(f"field {place + 1}")


def _create_staging(plan: Plan) -> sql.Composed:
    fields = sql.SQL(", ").join(sql.SQL("{} text").format(_field(place)) for place in range(plan.field_count))
    return sql.SQL("CREATE TEMPORARY TABLE {} ({}) ON COMMIT DROP").format(_STAGING, fields)


def _copy_statement(plan: Plan, target: sql.Composable, nulls: Sequence[str] = ()) -> sql.Composed:
    """COPY into a table. In the columns of `nulls` an empty cell is NULL also in quotes."""
    force_null = sql.SQL(", FORCE_NULL ({})").format(_names(nulls)) if nulls else sql.SQL("")
    return sql.SQL("COPY {} FROM STDIN (FORMAT csv, ENCODING 'UTF8', DELIMITER {}{})").format(
        target, sql.Literal(plan.delimiter), force_null
    )


def _copy_to_table(plan: Plan) -> sql.Composed | None:
    """COPY into the target, if every field fills one column as it is."""
    if plan.constants or sorted(plan.fields.values()) != list(range(plan.field_count)):
        return None
    names = sorted(plan.fields, key=plan.fields.__getitem__)
    if any(_is_converted(plan.columns[name], plan.cells) for name in names):
        return None
    table = sql.SQL("{} ({})").format(sql.Identifier(plan.schema, plan.table), _names(names))
    return _copy_statement(plan, table, [name for name in names if plan.columns[name].category != "S"])


def _is_converted(column: TargetColumn, cells: Cells) -> bool:
    """Whether cells of the column must be rewritten before PostgreSQL can read them."""
    if column.category == "N":
        return bool(cells.thousands) or cells.decimal != "."
    return column.category == "D" and bool(cells.date_formats)


def _insert_statement(plan: Plan) -> sql.Composed:
    values = {
        name: _value(plan.columns[name], _field(place), plan.cells) for name, place in plan.fields.items()
    }
    for name, constant in plan.constants.items():
        values[name] = _cast(sql.Literal(constant), plan.columns[name])
    return sql.SQL("INSERT INTO {table} ({columns}) SELECT {values} FROM {staging}").format(
        table=sql.Identifier(plan.schema, plan.table),
        columns=_names(values),
        values=sql.SQL(", ").join(values.values()),
        staging=_STAGING,
    )


def _on_conflict(plan: Plan) -> sql.Composed:
    index = sql.SQL("({}) ").format(_names(plan.dedupe)) if plan.dedupe else sql.SQL("")
    return sql.SQL(" ON CONFLICT {}DO NOTHING").format(index)


def _formula_statement(plan: Plan) -> sql.Composed:
    texts = [_field(place) for name, place in plan.fields.items() if plan.columns[name].category == "S"]
    formula = "ascii({cell}) IN (9, 13, 43, 45, 61, 64) AND {cell} !~ {number}"  # tab, CR, + - = @
    counts = [
        sql.SQL("count(*) FILTER (WHERE " + formula + ")").format(cell=cell, number=sql.Literal(_NUMBER))
        for cell in texts
    ]
    return sql.SQL("SELECT {} FROM {}").format(sql.SQL(" + ").join([sql.SQL("0"), *counts]), _STAGING)


def _formula_start(delimiter: str) -> re.Pattern[bytes]:
    """Finds, behind delimiters and line ends, all that `_formula_statement` counts; no plain numbers."""
    end = rf"(?:[{re.escape(delimiter)}\r\n]|\Z)"
    tab = "" if delimiter == "\t" else r"\t"
    digits = "0-9." if delimiter == "," else "0-9.,"
    bare = rf"(?![-+][{digits}]+{end})[-+=@{tab}]"
    quoted = rf'(?!"[-+][0-9.,]+"{end})"+[-+=@\t\r]'
    return re.compile(rf"[{re.escape(delimiter)}\r\n](?:{bare}|{quoted})".encode())


def _value(column: TargetColumn, field: sql.Identifier, cells: Cells) -> sql.Composable:
    """The expression that turns a cell into the column's type. Text stays as it is, to the character."""
    if column.category == "S":
        return field
    if not _is_converted(column, cells):
        return _cast(sql.SQL("nullif({}, '')").format(field), column)
    return _cast((_plain_number if column.category == "N" else _iso_date)(field, cells), column)


def _cast(value: sql.Composable, column: TargetColumn) -> sql.Composable:
    """An explicit cast, but none for text: CAST to varchar(5) cuts a longer value, INSERT refuses it."""
    if column.category == "S":
        return value
    return sql.SQL("CAST({} AS {})").format(value, sql.SQL(column.type))


def _plain_number(field: sql.Identifier, cells: Cells) -> sql.Composed:
    thousands, decimal = cells.thousands or "", cells.decimal
    grouped = rf"|\d{{1,3}}(\{thousands}\d{{2,3}})*\{thousands}\d{{3}}" if thousands else ""
    return sql.SQL(
        "CASE WHEN {cell} = '' THEN NULL WHEN {cell} ~ {pattern}"
        " THEN replace(replace({cell}, {thousands}, ''), {decimal}, '.') ELSE {cell} || {complaint} END"
    ).format(
        cell=field,
        pattern=sql.Literal(rf"^\s*[-+]?(\d*{grouped})(\{decimal}\d*)?([eE][-+]?\d+)?\s*$"),
        thousands=sql.Literal(thousands),
        decimal=sql.Literal(decimal),
        complaint=sql.Literal(f" (decimal {decimal!r}, thousands {thousands!r})"),
    )


def _iso_date(field: sql.Identifier, cells: Cells) -> sql.Composed:
    matches = [
        sql.SQL("WHEN {} ~ {} THEN {}").format(field, sql.Literal(rule.pattern), _as_iso(field, rule))
        for rule in map(date_rule, cells.date_formats)
    ]
    return sql.SQL(
        "CASE WHEN {cell} = '' THEN NULL {matches} ELSE {cell} || ' (none of the date formats)' END"
    ).format(cell=field, matches=sql.SQL(" ").join(matches))


def _as_iso(field: sql.Identifier, rule: DateRule) -> sql.Composable:
    if rule.is_iso:
        return field
    return sql.SQL("regexp_replace({}, {}, {})").format(
        field, sql.Literal(rule.pattern), sql.Literal(rule.replacement)
    )


def _names(names: Any) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(name) for name in names)
