"""The statements about the staging table of an import, and the COPY that needs none.

In: a plan of which field fills which column. Out: statements composed by `psycopg.sql`. Pure. Called by
`copy_in` and `suspects`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

import msgspec
from psycopg import sql

from rowcrew.bundled.csv_import.cells import BLANKS, Cells, LookedAt, TargetColumn, cast, text, value

TABLE: Final = sql.Identifier("rowcrew_csv_staging")
ALL: Final = sql.SQL("")
SHADOW_SCHEMA: Final = "pg_temp"
SHADOW: Final = "rowcrew_csv_preview"
_ARRIVAL: Final = sql.Identifier("rowcrew_csv_arrival")
ROW: Final = sql.Identifier("row")
_NUMBER: Final = r"^[-+]?[0-9.,]+$"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What goes where.

    Attributes:
        schema, table: the target.
        columns: the target's columns, by name.
        fields: the place (from 0) of the CSV field that fills a column, by column.
        constants: the value that a column gets in every row, by column.
        dedupe: columns of the unique index that tells duplicates; empty for any unique index.
        field_count: fields of a record.
        column_count: those that may hold something; cells beyond them are empty.
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
    column_count: int
    delimiter: str
    cells: Cells


def create(plan: Plan) -> sql.Composed:
    fields = sql.SQL("").join(sql.SQL(", {} text").format(_field(place)) for place in range(plan.field_count))
    return sql.SQL("CREATE TEMPORARY TABLE {} ({} integer{}) ON COMMIT DROP").format(TABLE, ROW, fields)


def create_like(schema: str, table: str) -> sql.Composed:
    """An empty temporary table of the target's shape: columns, defaults, CHECKs, indexes."""
    return sql.SQL(
        "CREATE TEMPORARY TABLE {} (LIKE {} INCLUDING ALL, {} bigint GENERATED ALWAYS AS IDENTITY)"
        " ON COMMIT DROP"
    ).format(sql.Identifier(SHADOW), sql.Identifier(schema, table), _ARRIVAL)


def first_stored(names: Sequence[str], rows: int) -> sql.Composed:
    """The first rows of that table, as texts."""
    texts = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in names)
    return sql.SQL("SELECT {} FROM {} ORDER BY {} LIMIT {}").format(
        texts, sql.Identifier(SHADOW_SCHEMA, SHADOW), _ARRIVAL, sql.Literal(rows)
    )


def copy(plan: Plan) -> sql.Composed:
    """COPY of records into the staging table."""
    return _copy(plan, sql.SQL("{} ({})").format(TABLE, _names(_fields(plan))))


def copy_numbered(plan: Plan) -> sql.Composed:
    """COPY of records with their row numbers in front."""
    return _copy(plan, sql.SQL("{} ({})").format(TABLE, _names(["row", *_fields(plan)])))


def copy_to_table(plan: Plan) -> sql.Composed | None:
    """COPY into the target, if every field fills one column as it is; the constants come first."""
    if sorted(plan.fields.values()) != list(range(plan.field_count)):
        return None
    names = sorted(plan.fields, key=plan.fields.__getitem__)
    if any(plan.cells.plain_form(plan.columns[name]) is None for name in names):
        return None
    if any(_cast_differs(plan.columns[name]) for name in plan.constants):
        return None
    filled = _names([*plan.constants, *names])
    target = sql.SQL("{} ({})").format(sql.Identifier(plan.schema, plan.table), filled)
    return _copy(plan, target, [name for name in names if plan.columns[name].category != "S"])


def _cast_differs(column: TargetColumn) -> bool:
    """Whether `cast` reads a constant otherwise than COPY: money through numeric, bits cut to length."""
    return column.type == "money" or column.category == "V"


def insert(
    plan: Plan, looked_at: LookedAt, among: sql.Composable = ALL, *, known: bool = False
) -> sql.Composed:
    """INSERT of staged rows into the target; `known`: some may be there already, and stay as they are."""
    given = values(plan, looked_at)
    return sql.SQL("INSERT INTO {table} ({columns}) SELECT {values} FROM {staging}{among}{conflict}").format(
        table=sql.Identifier(plan.schema, plan.table),
        columns=_names(given),
        values=sql.SQL(", ").join(given.values()),
        staging=TABLE,
        among=among,
        conflict=_on_conflict(plan) if known else ALL,
    )


def values(plan: Plan, looked_at: LookedAt) -> dict[str, sql.Composable]:
    """The expressions of what each column gets from a staged row."""
    found = {
        name: value(plan.columns[name], _field(place), plan.cells, looked_at)
        for name, place in plan.fields.items()
    }
    for name, constant in plan.constants.items():
        found[name] = cast(sql.Literal(constant), plan.columns[name])
    return found


def numbered(first_row: int, last_row: int, but: Collection[int] = ()) -> sql.Composed:
    """The staged rows with these numbers, but some, as a WHERE."""
    among = sql.SQL(" WHERE {} BETWEEN {} AND {}").format(ROW, sql.Literal(first_row), sql.Literal(last_row))
    return among + sql.SQL(" AND {} <> ALL ({})").format(ROW, sql.Literal([*but])) if but else among


def standing(place: str) -> sql.Composed:
    """The staged row in this place, its ctid, as a WHERE."""
    return sql.SQL(" WHERE ctid = {}").format(sql.Literal(place))


def take_unfit(plan: Plan) -> sql.Composed | None:
    """DELETE of the staged rows that cannot be cast: number, and reason, column and cell of the first cell.

    None: no column refuses anything. Needs PostgreSQL 16.
    """
    refusals = {
        name: _refusal(plan.columns[name], text(plan.columns[name], _field(place), plan.cells, "no"))
        for name, place in plan.fields.items()
        if plan.columns[name].type != "text" or plan.columns[name].is_required
    }
    if not refusals:
        return None
    reasons = [
        sql.SQL("WHEN {} THEN ARRAY[{}, {}, {}]").format(
            refused, reason, sql.Literal(name), _field(plan.fields[name])
        )
        for name, (refused, reason) in refusals.items()
    ]
    return sql.SQL("DELETE FROM {} WHERE {} RETURNING {}, CASE {} END").format(
        TABLE,
        sql.SQL(" OR ").join(refused for refused, _ in refusals.values()),
        ROW,
        sql.SQL(" ").join(reasons),
    )


def _refusal(column: TargetColumn, cell: sql.Composable) -> tuple[sql.Composable, sql.Composable]:
    """When the column takes no such cell, and why: expressions."""
    type_name = sql.Literal("numeric" if column.type == "money" else column.type)
    refused = sql.SQL("NOT pg_input_is_valid({}, {})").format(cell, type_name)
    reason = sql.SQL("(pg_input_error_info({}, {})).message").format(cell, type_name)
    if column.is_required:
        refused = sql.SQL("({cell} IS NULL OR {refused})").format(cell=cell, refused=refused)
        reason = sql.SQL("coalesce({}, 'a value is missing, and the column is NOT NULL')").format(reason)
    return refused, reason


def beyond(plan: Plan) -> sql.Composed | None:
    """Whether a staged row has a cell beyond the last column; None: there is no room for one."""
    extra = [_field(place) for place in range(plan.column_count, plan.field_count)]
    if not extra:
        return None
    filled = sql.SQL(" OR ").join(
        sql.SQL("btrim({}, {}) <> ''").format(field, sql.Literal(BLANKS)) for field in extra
    )
    return sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE {})").format(TABLE, filled)


def cast_alone(plan: Plan, name: str, row: int) -> sql.Composed:
    """One cell of one staged row, cast as its column wants it."""
    place, column = plan.fields[name], plan.columns[name]
    cell = value(column, _field(place), plan.cells, "no")
    return sql.SQL("SELECT {} FROM {}{}").format(cell, TABLE, numbered(row, row))


def cell_of(place: int, row: int) -> sql.Composed:
    return sql.SQL("SELECT {} FROM {}{}").format(_field(place), TABLE, numbered(row, row))


def count_formulas(plan: Plan, among: sql.Composable = ALL) -> sql.Composed:
    """How many texts look like formulas as they are stored: begin with a tab, CR, + - = or @; no numbers."""
    texts = [
        text(plan.columns[name], _field(place), plan.cells, "no")
        for name, place in plan.fields.items()
        if plan.columns[name].category == "S"
    ]
    formula = "ascii({cell}) IN (9, 13, 43, 45, 61, 64) AND {cell} !~ {number}"
    counts = [
        sql.SQL("count(*) FILTER (WHERE " + formula + ")").format(cell=cell, number=sql.Literal(_NUMBER))
        for cell in texts
    ]
    # An aggregate even where no column is text: else the answer has a row for each one staged.
    none = sql.SQL("count(NULL)")
    return sql.SQL("SELECT {} FROM {}{}").format(sql.SQL(" + ").join([none, *counts]), TABLE, among)


def _on_conflict(plan: Plan) -> sql.Composed:
    index = sql.SQL("({}) ").format(_names(plan.dedupe)) if plan.dedupe else sql.SQL("")
    return sql.SQL(" ON CONFLICT {}DO NOTHING").format(index)


def _copy(plan: Plan, target: sql.Composable, nulls: Sequence[str] = ()) -> sql.Composed:
    """COPY into a table. In the columns of `nulls` an empty cell is NULL also in quotes."""
    force_null = sql.SQL(", FORCE_NULL ({})").format(_names(nulls)) if nulls else sql.SQL("")
    return sql.SQL("COPY {} FROM STDIN (FORMAT csv, ENCODING 'UTF8', DELIMITER {}{})").format(
        target, sql.Literal(plan.delimiter), force_null
    )


def _fields(plan: Plan) -> list[str]:
    return [f"field {place + 1}" for place in range(plan.field_count)]


def _field(place: int) -> sql.Identifier:
    return sql.Identifier(f"field {place + 1}")


def _names(names: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(name) for name in names)
