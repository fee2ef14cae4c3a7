"""Brings the records of a CSV file into a table: COPY to a temporary staging table, INSERT from there.

In: a connection inside the caller's transaction, a plan of which field fills which column, and records of CSV
text. Out: how many rows were new. The server parses every cell; names that come from a payload are quoted by
`psycopg.sql`. Called by the bundled type `csv_import`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import psycopg
from psycopg import sql

from rowcrew.table import statements
from rowcrew.table.date_format import date_rule

# Rowcrew's own tables: an import into one of them could enqueue or forge jobs.
OWN_TABLES: Final = frozenset(
    {
        "alembic_version",
        "blobs",
        "job_attempts",
        "job_types",
        "jobs",
        "modelRuns",
        "queues",
        "rowcrew_migrations",
        "rowcrew_schema",
        "schedules",
        "workers",
    }
)
# What the server answers when a row's content is at fault, and not the statement or the server.
ROW_ERRORS: Final = (
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.errors.RaiseException,
    psycopg.errors.ProgramLimitExceeded,
)
_STAGING: Final = sql.Identifier("rowcrew_csv_staging")
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


class Loaded(msgspec.Struct, frozen=True):
    """What became of some records: rows that were new, and text cells that look like formulas."""

    inserted: int
    flagged: int


def target_columns(connection: psycopg.Connection[Any], schema: str, table: str) -> dict[str, TargetColumn]:
    """The columns of a table by name; empty if there is no such table."""
    rows = connection.execute(
        statements.text("import_columns"),
        {"schema": schema, "table": table},
    )
    return {name: TargetColumn(type, category) for name, type, category in rows}


class CopyIn:
    """The staging table and the statements around it, for one file inside one transaction."""

    def __init__(self, connection: psycopg.Connection[Any], plan: Plan) -> None:
        self._connection = connection
        self._create = _create_staging(plan)
        self._copy = _copy_statement(plan)
        self._insert_new = _insert_statement(plan)
        self._insert = self._insert_new + _on_conflict(plan)
        self._count_formulas = _formula_statement(plan)

    def open(self) -> None:
        """Make the staging table, and try the INSERT without a row: that proves columns, rights and index.

        Raises:
            psycopg.ProgrammingError: this plan cannot work whatever the file holds.
        """
        self._connection.execute("SET LOCAL datestyle = 'ISO, YMD'")  # 03/04/2026 is an error, not a guess
        self._connection.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a bad row fails here, not at the commit
        self._connection.execute(self._create)
        self._connection.execute(self._insert)

    def load(self, block: bytes, rows: int) -> Loaded:
        """Take over whole records, so many rows of UTF-8: all of them or, with an error, none.

        Raises:
            psycopg.Error: one of ROW_ERRORS if the content of a row is at fault.
        """
        # Before the savepoint: in the transaction that made the table TRUNCATE works in place.
        self._connection.execute(sql.SQL("TRUNCATE {}").format(_STAGING))
        with self._connection.transaction(), self._connection.cursor() as cursor:
            with cursor.copy(self._copy) as copy:
                copy.write(block)
            if cursor.rowcount != rows:  # a line that is only \. ends the data before PostgreSQL 18
                raise psycopg.DataError(f"the server found {cursor.rowcount} records where there are {rows}")
            inserted = self._inserted()
            flagged = cursor.execute(self._count_formulas).fetchone()
        return Loaded(inserted, flagged[0] if flagged else 0)

    def _inserted(self) -> int:
        """How many staged rows were new. Without ON CONFLICT first: faster, and most files are new."""
        try:
            with self._connection.transaction():
                return self._connection.execute(self._insert_new).rowcount
        except (psycopg.errors.UniqueViolation, psycopg.errors.ExclusionViolation):
            return self._connection.execute(self._insert).rowcount


def _field(place: int) -> sql.Identifier:
    return sql.Identifier(f"field {place + 1}")


def _create_staging(plan: Plan) -> sql.Composed:
    fields = sql.SQL(", ").join(sql.SQL("{} text").format(_field(place)) for place in range(plan.field_count))
    return sql.SQL("CREATE TEMPORARY TABLE {} ({}) ON COMMIT DROP").format(_STAGING, fields)


def _copy_statement(plan: Plan) -> sql.Composed:
    return sql.SQL("COPY {} FROM STDIN (FORMAT csv, ENCODING 'UTF8', DELIMITER {})").format(
        _STAGING, sql.Literal(plan.delimiter)
    )


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


def _value(column: TargetColumn, field: sql.Identifier, cells: Cells) -> sql.Composable:
    """The expression that turns a cell into the column's type. Text stays as it is, to the character."""
    if column.category == "S":
        return field
    cell: sql.Composable = sql.SQL("nullif({}, '')").format(field)
    if column.category == "N" and (cells.thousands or cells.decimal != "."):
        cell = _plain_number(field, cells)
    if column.category == "D" and cells.date_formats:
        cell = _iso_date(field, cells)
    return _cast(cell, column)


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
    rules = [date_rule(each) for each in cells.date_formats]
    matches = [
        sql.SQL("WHEN {cell} ~ {pattern} THEN regexp_replace({cell}, {pattern}, {replacement})").format(
            cell=field, pattern=sql.Literal(rule.pattern), replacement=sql.Literal(rule.replacement)
        )
        for rule in rules
    ]
    return sql.SQL(
        "CASE WHEN {cell} = '' THEN NULL {matches} ELSE {cell} || ' (none of the date formats)' END"
    ).format(cell=field, matches=sql.SQL(" ").join(matches))


def _names(names: Any) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(name) for name in names)
