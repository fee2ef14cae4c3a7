"""Brings the records of a CSV file into a table: by COPY where that is enough, else through a staging table.

In: a connection inside the caller's transaction, a plan of which field fills which column, and `Records`.
Out: how many rows were new, and which were not fit. The server parses every cell; names that come from a
payload are quoted by `psycopg.sql`. Called by `loading`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any, Final

import msgspec
import psycopg
from psycopg import sql

from rowcrew.bundled.csv_import import staging, suspects
from rowcrew.bundled.csv_import.cells import LookedAt, TargetColumn
from rowcrew.bundled.csv_import.examining import Examining, Records
from rowcrew.bundled.csv_import.native_dates import native_dates
from rowcrew.bundled.csv_import.refused import refused_record
from rowcrew.bundled.csv_import.staging import Plan
from rowcrew.bundled.csv_import.statements import SQL
from rowcrew.bundled.csv_import.suspects import Check, ForeignKey, Rules

# What the server answers when a row's content is at fault, and not the statement or the server.
ROW_ERRORS: Final = (
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.errors.RaiseException,
    psycopg.errors.ProgramLimitExceeded,
)
_DUPLICATES: Final = (psycopg.errors.UniqueViolation, psycopg.errors.ExclusionViolation)
_BY_RULES: Final = (psycopg.errors.ForeignKeyViolation, psycopg.errors.CheckViolation)
# As long is a chain of rows of which each is the next one's partner, and the first has none.
_MOST_ROUNDS: Final = 16
_SOFT_INPUT: Final = 160000  # the first server that has pg_input_is_valid


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


class NotRefused(psycopg.DataError):
    """A row that was suspected is good."""


class CopyIn:
    """The statements that bring one file into its table, inside one transaction.

    COPY straight into the table is the fast way. The staging table is for cells that must be converted,
    counted or judged, for blocks after one with duplicates, and for tables that COPY may not fill.

    Attributes:
        examining: tells which records go straight.
        judges: the server tells of a cell, without an error, whether it can be cast.
    """

    def __init__(self, connection: psycopg.Connection[Any], plan: Plan) -> None:
        self._connection = connection
        self._plan = plan
        self._copy_to_table = staging.copy_to_table(plan)
        self.examining = Examining(plan, all_staged=self._copy_to_table is None)
        self._expect_duplicates = False
        self._strict: set[str | None] = set()  # unique indexes other than that of `dedupe`
        self._minds_statements = False
        self._staged: LookedAt = "no"
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
            self.examining = Examining(self._plan, all_staged=True)
        self._minds_statements = self._connection.execute(SQL["minds_statements"], names).fetchone() == (
            True,
        )

    def refused(self, error: psycopg.Error, records: Records, line_end: bytes) -> int | None:
        """The place of the record that `load` tells of with this error, if it names one."""
        if records.straight is None or not error.diag.context:
            return None
        return refused_record(error.diag.context, self._plan.table, records.straight, records.rows, line_end)

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

    def stage(self, data: bytes, rows: int, *, is_plain: bool = False) -> None:
        """Stage records that begin with a field for their row number, for `unfit` and `load_staged`.

        Args:
            is_plain: every cell is of its column's plain form, so that `unfit` need not be asked.

        Raises:
            psycopg.Error: one of ROW_ERRORS; nothing is staged.
        """
        self._empty_staging()
        with self._connection.transaction():
            self._copy(staging.copy_numbered(self._plan), [(data, rows)])
        self._staged = "plain" if is_plain else "fit" if self.judges else "no"

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
        with self._connection.transaction():
            return self._taken_over(staging.numbered(first_row, last_row), rows)

    def can_suspect(self, error: psycopg.Error) -> bool:
        """Whether `suspects` finds the rows that are refused with this error."""
        foreign_keys, checks = self._rules
        if isinstance(error, psycopg.errors.ForeignKeyViolation):
            return bool(foreign_keys)
        is_check = isinstance(error, psycopg.errors.CheckViolation)
        return is_check and error.diag.constraint_name in {each.name for each in checks}

    def suspects(self, first_row: int, last_row: int, refusal: psycopg.Error) -> dict[int, str]:
        """Number and place of the staged rows with these numbers that seem to be refused for such a reason.

        In the order of their numbers; empty where the server cannot tell.
        """
        foreign_keys, checks = self._rules
        if isinstance(refusal, psycopg.errors.ForeignKeyViolation):
            checks = ()  # all rows have passed them by then
        repeat = any(key.is_own for key in foreign_keys)  # without some rows others have no partner
        found: dict[int, str] = {}
        for _ in range(_MOST_ROUNDS):
            statement = suspects.find(
                self._plan, (foreign_keys, checks), self._staged, (first_row, last_row), found
            )
            try:
                with self._connection.transaction():
                    more = dict(self._connection.execute(statement).fetchall())
            except (*ROW_ERRORS, psycopg.ProgrammingError):
                return {}
            found |= more
            if not (more and repeat):
                return dict(sorted(found.items()))
        return {}

    def load_beside(
        self, first_row: int, last_row: int, rows: int, suspected: dict[int, str], most: int
    ) -> tuple[Loaded, list[psycopg.Error]]:
        """Take over the staged rows with these numbers but the suspects, and say why these cannot be.

        Args:
            most: so many suspects are judged, the first.

        Raises:
            psycopg.Error: one of ROW_ERRORS, and no row is taken over: one that is no suspect is at fault, or
                a suspect is good, or there already.
        """
        among = staging.numbered(first_row, last_row, suspected)
        with self._connection.transaction():
            loaded = self._taken_over(among, rows - len(suspected))
            return loaded, [self._refusal_by_rules(place) for place in [*suspected.values()][:most]]

    def _refusal_by_rules(self, place: str) -> psycopg.Error:
        statement = staging.insert(self._plan, self._staged, staging.standing(place))
        try:
            with self._connection.transaction(force_rollback=True):
                self._connection.execute(statement)
        except _BY_RULES as error:
            return error
        raise NotRefused(f"the row that is staged at {place} is good")

    @cached_property
    def _rules(self) -> Rules:
        names = {"schema": self._plan.schema, "table": self._plan.table}
        foreign_keys = [
            ForeignKey(*facts) for facts in self._connection.execute(SQL["import_foreign_keys"], names)
        ]
        checks = [Check(*facts) for facts in self._connection.execute(SQL["import_checks"], names)]
        return suspects.of_filled_columns(self._plan, (foreign_keys, checks))

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

    def _taken_over(self, among: sql.Composable, rows: int) -> Loaded:
        loaded = Loaded(self._inserted(self._staged, among), self._flagged(among))
        self._expect_duplicates = loaded.inserted < rows
        return loaded

    def _flagged(self, among: sql.Composable = staging.ALL) -> int:
        ((flagged,),) = self._connection.execute(staging.count_formulas(self._plan, among))
        return int(flagged)
