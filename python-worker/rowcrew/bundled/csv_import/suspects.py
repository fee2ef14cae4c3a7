"""The statement that finds among staged rows those that a foreign key or a CHECK of the target will refuse.

In: a plan, and what the catalog says of the target's constraints. Out: a SELECT of row numbers and places.
What it finds is a hint: the server judges each such row by itself. Pure. Called by `copy_in`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec
from psycopg import sql

from rowcrew.bundled.csv_import import staging
from rowcrew.bundled.csv_import.cells import LookedAt
from rowcrew.bundled.csv_import.staging import Plan

_NUMBER = sql.Identifier("rowcrew_csv_row")  # stand beside columns that have any name
_PLACE = sql.Identifier("rowcrew_csv_place")


class ForeignKey(msgspec.Struct, frozen=True):
    """A foreign key of the target.

    Attributes:
        columns: those of the target.
        table: where a row must have its partner, as SQL writes it.
        partner_columns: those of that table, in the order of `columns`.
        comparisons: what stands before each value in a comparison with a row `partner` of that table.
        is_own: that table is the target itself.
        is_full: MATCH FULL: all of the columns are NULL, or none.
    """

    columns: Sequence[str]
    table: str
    partner_columns: Sequence[str]
    comparisons: Sequence[str]
    is_own: bool
    is_full: bool


class Check(msgspec.Struct, frozen=True):
    """A CHECK of the target, and the columns that its expression reads."""

    name: str
    columns: Sequence[str]
    expression: str


Rules = tuple[Sequence[ForeignKey], Sequence[Check]]


def of_filled_columns(plan: Plan, rules: Rules) -> Rules:
    """Those of the rules that depend on nothing but what an import fills in."""
    filled = {*plan.fields, *plan.constants}
    foreign_keys, checks = rules
    return (
        [each for each in foreign_keys if filled.issuperset(each.columns)],
        [each for each in checks if filled.issuperset(each.columns)],
    )


def find(
    plan: Plan, rules: Rules, looked_at: LookedAt, span: tuple[int, int], known: Collection[int]
) -> sql.Composed:
    """SELECT of number and place of the staged rows in this span, but the known ones, that break a rule.

    A partner may also stand among the staged rows themselves, but not among the known ones.
    """
    foreign_keys, checks = rules
    among = staging.numbered(*span, known)
    found = [_without_partner(plan, each, looked_at, among) for each in foreign_keys]
    found += [_mixed(plan, each, looked_at, among) for each in foreign_keys if each.is_full]
    found += [_unchecked(plan, each, looked_at, among) for each in checks]
    return sql.SQL(" UNION ALL ").join(found)


def _without_partner(plan: Plan, key: ForeignKey, looked_at: LookedAt, among: sql.Composable) -> sql.Composed:
    values = [sql.SQL("suspect.{}").format(sql.Identifier(name)) for name in key.columns]
    places: list[sql.Composable] = [sql.SQL(key.table)]
    if key.is_own and {*plan.fields, *plan.constants}.issuperset(key.partner_columns):
        places.append(_rows(plan, key.partner_columns, looked_at, among))
    equal = sql.SQL(" AND ").join(
        sql.SQL("{} {}").format(sql.SQL(comparison), value)
        for comparison, value in zip(key.comparisons, values, strict=True)
    )
    conditions = [sql.SQL("{} IS NOT NULL").format(value) for value in values]
    conditions += [
        sql.SQL("NOT EXISTS (SELECT FROM {} AS partner WHERE {})").format(place, equal) for place in places
    ]
    return _select(_rows(plan, key.columns, looked_at, among), sql.SQL(" AND ").join(conditions))


def _mixed(plan: Plan, key: ForeignKey, looked_at: LookedAt, among: sql.Composable) -> sql.Composed:
    names = sql.SQL(", ").join(map(sql.Identifier, key.columns))
    condition = sql.SQL("num_nulls({names}) > 0 AND num_nonnulls({names}) > 0").format(names=names)
    return _select(_rows(plan, key.columns, looked_at, among), condition)


def _unchecked(plan: Plan, check: Check, looked_at: LookedAt, among: sql.Composable) -> sql.Composed:
    rows = _rows(plan, check.columns, looked_at, among)
    return _select(rows, sql.SQL("({}) IS FALSE").format(sql.SQL(check.expression)))


def _select(rows: sql.Composable, condition: sql.Composable) -> sql.Composed:
    return sql.SQL("SELECT {}, {}::text FROM {} AS suspect WHERE {}").format(_NUMBER, _PLACE, rows, condition)


def _rows(plan: Plan, names: Sequence[str], looked_at: LookedAt, among: sql.Composable) -> sql.Composed:
    """The staged rows with some columns as the target will have them."""
    values = staging.values(plan, looked_at)
    columns = [
        sql.SQL("CAST({} AS {}) AS {}").format(
            values[name], sql.SQL(plan.columns[name].type), sql.Identifier(name)
        )
        for name in names
    ]
    return sql.SQL("(SELECT {} AS {}, ctid AS {}, {} FROM {}{})").format(
        staging.ROW, _NUMBER, _PLACE, sql.SQL(", ").join(columns), staging.TABLE, among
    )
