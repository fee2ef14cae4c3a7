"""The SQL that makes a part of the tables as it should be.

In: a difference, all parts that should be there, and all that are. Out: statements that keep every row, or
`Unrepairable` with the statement that a person must decide about. Called by `repair`. No input or output.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from psycopg import sql

from rowcrew.model.shape import ELSEWHERE, OF_A_COLUMN, Difference, Part

Statements = Iterator[sql.Composed]


class Unrepairable(Exception):
    """No statement that keeps all data mends this part; the text says what a person may do."""


def statements(difference: Difference, wanted: Sequence[Part], there: Sequence[Part]) -> Statements:
    """The SQL for one difference.

    Raises:
        Unrepairable: a person must decide.
    """
    match difference:
        case Difference(None, Part() as found):
            yield _alter_column(found, sql.SQL("DROP NOT NULL"))
        case Difference(Part() as part, None):
            yield from _made(part, wanted)
        case Difference(Part() as part, Part() as found):
            yield from _mended(part, found)
            if part.kind == "view":  # a view that is replaced loses its options, such as security_invoker
                for one in there:
                    if one.kind == "option" and one.relation == part.relation:
                        yield from _made(one, ())


def _made(part: Part, wanted: Sequence[Part]) -> Statements:
    table, name, definition = (
        sql.Identifier(part.relation),
        sql.Identifier(part.name),
        sql.SQL(part.definition),
    )
    match part.kind:
        case "table":
            yield sql.SQL("CREATE TABLE {} ()").format(table)
            for one in wanted:
                if one.relation == part.relation and one.kind not in ("table", *OF_A_COLUMN):
                    yield from _made(one, wanted)
        case "option":
            yield sql.SQL("ALTER TABLE {} SET ({} = {})").format(table, name, definition)
        case "column":
            yield from _added(part, [one for one in wanted if one[1:3] == part[1:3]])
        case "constraint":
            yield sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(table, name, definition)
        case "view":
            yield sql.SQL("CREATE OR REPLACE VIEW {} AS {}").format(table, definition)
        case "index" | "function" | "trigger":
            yield sql.Composed([definition])
            if "SECURITY DEFINER" in part.definition:  # a new function is everybody's
                yield sql.SQL("REVOKE EXECUTE ON FUNCTION {} FROM PUBLIC").format(name)
        case _:
            yield from _set(part)


def _added(column: Part, of_it: Sequence[Part]) -> Statements:
    """A column with all that belongs to it: existing rows need the default at once."""
    clauses = {one.kind: one.definition for one in of_it}
    words = [clauses["column"], clauses.get("required", "")]
    if default := clauses.get("default"):
        words.append(f"DEFAULT {default}")
    if generated := clauses.get("generated"):
        words.append(f"GENERATED ALWAYS AS ({generated}) STORED")
    if identity := clauses.get("identity"):
        words.append(f"GENERATED {identity} AS IDENTITY")
    table, name = sql.Identifier(column.relation), sql.Identifier(column.name)
    yield sql.SQL("ALTER TABLE {} ADD COLUMN {} {}").format(table, name, sql.SQL(" ".join(words)))
    for one in of_it:
        if one.kind == "storage":
            yield from _set(one)


def _set(part: Part) -> Statements:
    """What belongs to a column that is there."""
    definition = sql.SQL(part.definition)
    match part.kind:
        case "default":
            yield _alter_column(part, sql.SQL("SET DEFAULT {}").format(definition))
        case "generated":
            drop = f"ALTER TABLE {part.relation} DROP COLUMN {part.name}"
            raise Unrepairable(f"drop the column, then repair again: {drop}")
        case "required":
            yield _alter_column(part, sql.SQL("SET NOT NULL"))
        case "storage":
            yield _alter_column(part, sql.SQL("SET STORAGE {}").format(definition))
        case "identity":
            yield _alter_column(part, sql.SQL("DROP DEFAULT"))
            yield _alter_column(part, sql.SQL("ADD GENERATED {} AS IDENTITY").format(definition))
            # The numbers go on behind the largest that is there. Not by pg_get_serial_sequence: an ORM's own
            # sequence may belong to the column as well, and be the one found.
            yield sql.SQL(
                "SELECT setval(objid::regclass, (SELECT coalesce(max({}), 0) + 1 FROM {}), false)"
                " FROM pg_depend WHERE classid = 'pg_class'::regclass AND deptype = 'i'"
                " AND (refobjid, refobjsubid) = (SELECT attrelid, attnum FROM pg_attribute"
                " WHERE attrelid = quote_ident({})::regclass AND attname = {})"
            ).format(
                sql.Identifier(part.name),
                sql.Identifier(part.relation),
                sql.Literal(part.relation),
                sql.Literal(part.name),
            )


def _mended(part: Part, found: Part) -> Statements:
    """The part in place of another of its name."""
    table, name = sql.Identifier(part.relation), sql.Identifier(part.name)
    is_same = found.definition == part.definition
    match part.kind:
        case "table" if found.definition.startswith(ELSEWHERE):
            place = f"{found.definition.removeprefix(ELSEWHERE)}.{part.relation}"
            raise Unrepairable(f"it belongs beside the others: ALTER TABLE {place} SET SCHEMA …")
        case "table":
            logged = f": ALTER TABLE {part.relation} SET LOGGED" if found.definition == "unlogged" else ""
            raise Unrepairable(f"it would be written anew{logged}")
        case "column":
            alter = _alter_column(part, sql.SQL(f"TYPE {part.definition}")).as_string()
            raise Unrepairable(f"look at its values, then {alter} USING …")
        case "identity":
            yield _alter_column(part, sql.SQL(f"SET GENERATED {part.definition}"))
            return
        case "constraint" if is_same:
            yield sql.SQL("ALTER TABLE {} VALIDATE CONSTRAINT {}").format(table, name)
            return
        case "trigger" if is_same:
            yield sql.SQL("ALTER TABLE {} ENABLE TRIGGER {}").format(table, name)
            return
        case "constraint":
            yield sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(table, name)
        case "index":
            yield sql.SQL("DROP INDEX {}").format(name)
        case "trigger":
            yield sql.SQL("DROP TRIGGER {} ON {}").format(name, table)
    yield from _made(part, ())


def _alter_column(part: Part, action: sql.Composable) -> sql.Composed:
    table, name = sql.Identifier(part.relation), sql.Identifier(part.name)
    return sql.SQL("ALTER TABLE {} ALTER COLUMN {} {}").format(table, name, action)
