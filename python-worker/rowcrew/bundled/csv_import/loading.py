"""An import under way: its counts, and the search for the bad rows in a block that the server refuses.

In: blocks of a file, and the `CopyIn` of its target. Out: how many rows were new, known and refused. COPY
names the row that it refuses, and the others go on around it. Where nothing is named, a refused block is
staged once more with its row numbers; the server takes out what it cannot cast and finds what a foreign key
or a CHECK refuses, and only what is left and still refused is searched by halves. Called by the handler.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
import psycopg

from rowcrew.bundled.csv_import.copy_in import ROW_ERRORS, CopyIn
from rowcrew.bundled.csv_import.csv_file import Block, Row, of_records
from rowcrew.bundled.csv_import.examining import Records
from rowcrew.bundled.csv_import.fitting import Fit
from rowcrew.bundled.csv_import.further_tables import FurtherTables
from rowcrew.bundled.csv_import.payload import CsvImport
from rowcrew.context import PermanentError

_SHOWN_CHARACTERS: Final = 2_000
_SHOWN_CELL: Final = 100
_MANY: Final = 16  # bad rows of a block, from which on the server judges all cells sooner at once
_FEWEST: Final = 100  # rows that are worth a COPY of their own


class Rejected(msgspec.Struct, frozen=True):
    """A row the table cannot take. Rows count from 1, the first of the file; `record` is its text."""

    row: int
    reason: str
    record: str
    column: str | None = None
    value: str | None = None


class Enough(Exception):
    """A dry run has as many complaints as it shows."""


class Loading:
    """The counts of an import under way, and the search for the bad rows in a block.

    Args:
        enough: raise `Enough` at so many bad rows, as a dry run wants it; None = the payload's maxErrors.
    """

    def __init__(self, payload: CsvImport, target: CopyIn, fit: Fit, *, enough: int | None = None) -> None:
        self._payload = payload
        self._target = target
        self._examining = target.examining
        self._fit = fit
        self._enough = enough
        self.further_tables = FurtherTables(fit)
        self.inserted = self.duplicates = self.flagged = 0
        self.rejected: list[Rejected] = []
        self._expect_bad = False  # where one block has bad rows the next has, and need not be refused first
        self._expect_many = False

    @property
    def rows(self) -> int:
        return self.inserted + self.duplicates + len(self.rejected)

    def examined(self, block: Block) -> Records:
        """The block's records as the target takes them, without blank ones. Any thread may call it."""
        if plain := self._examining.plain(block):
            return plain
        if self._examining.has_blank_rows(block):
            block = of_records(tuple(self.further_tables.filled_rows(block)))
        return self._examining.examined(block)

    def load(self, block: Block, records: Records) -> None:
        """Bring in a block as it is; one that the server refuses goes by way of the search for bad rows."""
        bad = [Rejected(each.row, each.reason, _shown(each.record)) for each in block.bad]
        expect_bad = self._expect_bad and not records.is_plain
        refusal = None if expect_bad or not records.rows else self._refusal(records)
        if expect_bad or refusal:
            bad += self._load_good(block, records, refusal)
            self._expect_bad = bool(bad)
            self._expect_many = len(bad) >= _MANY
        for each in sorted(bad, key=lambda each: each.row):
            self._reject(each)

    def are_taken(self, group: Iterator[Records]) -> bool:
        """Bring in records that go straight, by one COPY; False: the server refused some, and has none."""
        try:
            loaded = self._target.load_together(group)
        except ROW_ERRORS:
            return False
        self._count(loaded.inserted, loaded.flagged, loaded.inserted)
        return True

    def require_a_good_row(self) -> None:
        if self.rejected and len(self.rejected) == self.rows:
            raise PermanentError(f"none of the {self.rows:,} rows can be imported; {examples(self.rejected)}")

    def _refusal(self, records: Records) -> psycopg.Error | None:
        """Why the server refuses these records, and has none of them; None: it has them all."""
        try:
            loaded = self._target.load(records)
        except ROW_ERRORS as error:
            return error
        self._count(loaded.inserted, loaded.flagged, records.rows)
        return None

    def _count(self, inserted: int, flagged: int, rows: int) -> None:
        self.inserted += inserted
        self.duplicates += rows - inserted
        self.flagged += flagged

    def _load_good(self, block: Block, records: Records, refusal: psycopg.Error | None) -> list[Rejected]:
        """Bring in the good rows of a block that was, or would be, refused as a whole; the bad ones."""
        if refusal and records.rows == block.rows:
            told = self._load_told(block.records(), records, refusal, block.line_end)
            if told is not None:
                return told
        apart = self._load_apart(block)
        return self._load_searched(self._filled(block.records())) if apart is None else apart

    def _load_apart(self, block: Block) -> list[Rejected] | None:
        """Bring in the plain rows of a block whose odd ones are all bad; those, or None: nothing came in.

        The odd ones are judged as in `_load_searched`, and the others need not be.
        """
        parted = self._examining.parted(block)
        if parted is None:
            return None
        plain, odd = parted
        bad, fitted = self._fitted(self._filled(odd))
        if fitted:
            try:
                self._stage(fitted)
            except ROW_ERRORS:
                return None
            unfit = self._unfit(fitted) if self._target.judges else self._unfit_alone(fitted)
            if len(unfit) < len(fitted):
                return None  # a good one comes in between its neighbours
            bad += unfit
        refusal = self._refusal(plain) if plain.rows else None
        if refusal is None:
            return bad
        gone = {row for row, _ in odd}
        rows = (row for row in block.records() if row[0] not in gone)
        told = self._load_told(rows, plain, refusal, block.line_end)
        return None if told is None else bad + told

    def _load_told(
        self, rows: Iterable[Row], records: Records, refusal: psycopg.Error, line_end: bytes
    ) -> list[Rejected] | None:
        """Bring in the good ones of refused rows; the bad ones, or None: the server tells none of them."""
        place = self._place(refusal, records, line_end)
        if place is not None:
            return self._load_around([*rows], place)
        return self._load_all_but_suspects([*rows], refusal) if records.is_plain else None

    def _place(
        self, refusal: psycopg.Error, records: Records, line_end: bytes, known_bad: int = 0
    ) -> int | None:
        """Where among refused records a bad one stands; None: it is not told, or all are better searched."""
        if not self._target.goes_together(records):
            return None
        many = self._expect_many or known_bad >= _MANY
        if many and self._target.judges and self._is_told_at_once(refusal):
            return None
        return self._target.refused(refusal, records, line_end)

    def _is_told_at_once(self, refusal: psycopg.Error) -> bool:
        """Whether the server finds all rows like the refused one by one statement."""
        return isinstance(refusal, psycopg.DataError) or self._target.can_suspect(refusal)

    def _load_around(self, rows: list[Row], place: int | None) -> list[Rejected]:
        """Bring in the good ones of rows that were refused because of the one in this place; the bad ones.

        Those before it come in by a COPY, it is judged alone, and those behind it are sent again, not many
        more than until the next bad one. So the server takes up each row a few times, however many are bad. A
        wrong place costs time and nothing else.
        """
        bad: list[Rejected] = []
        while place is not None:
            if before := rows[:place]:
                orphans, refusal = self._load_part(before, self._examining.together(before))
                bad += self._load_searched(before) if refusal else orphans
            bad += self._load_searched(rows[place : place + 1])
            rows = rows[place + 1 :]
            if self._is_enough(len(bad)):
                return bad
            size, refusal = max(2 * place, _FEWEST), None
            while rows and refusal is None:
                records = self._examining.together(rows[:size])
                orphans, refusal = self._load_part(rows[:size], records)
                bad += orphans
                if refusal is None:
                    rows, size = rows[size:], 2 * size
            if refusal is None:
                return bad
            place = self._place(refusal, records, b"\n", len(bad))
        apart = self._load_all_but_suspects(rows, refusal) if refusal else None
        return bad + (self._load_searched(rows) if apart is None else apart)

    def _load_part(self, rows: list[Row], records: Records) -> tuple[list[Rejected], psycopg.Error | None]:
        """Bring in plain rows but those without a partner; these, or why the server has none of all."""
        refusal = self._refusal(records)
        if not isinstance(refusal, psycopg.errors.ForeignKeyViolation):
            return [], refusal
        orphans = self._load_all_but_suspects(rows, refusal)
        return ([], refusal) if orphans is None else (orphans, None)

    def _load_all_but_suspects(self, rows: list[Row], refusal: psycopg.Error) -> list[Rejected] | None:
        """Bring in plain rows that were refused, but those that a foreign key or a CHECK refuses; these.

        None: nothing came in; that is not why, or not only.
        """
        if not self._target.can_suspect(refusal):
            return None
        try:
            self._stage(rows, is_plain=True)
        except ROW_ERRORS:
            return None
        return self._load_beside_suspects(rows, 0, refusal)

    def _filled(self, rows: Iterable[Row]) -> Iterator[Row]:
        return (row for row in rows if not self._fit.is_blank(row[1]))

    def _load_searched(self, rows: Iterable[Row]) -> list[Rejected]:
        """Bring in rows of which some are bad; the bad ones."""
        bad, fitted = self._fitted(rows)
        return bad + self._load_fitted(fitted)

    def _fitted(self, rows: Iterable[Row]) -> tuple[list[Rejected], list[Row]]:
        """The rows that cannot even be staged, and those that can."""
        bad: list[Rejected] = []
        staged: list[Row] = []
        for number, record in rows:
            fitted, reason = self._fit.fitted(record)
            if fitted is None:
                bad.append(Rejected(number, str(reason), _shown(record)))
            else:
                staged.append((number, fitted))
        return bad, staged

    def _load_fitted(self, rows: list[Row]) -> list[Rejected]:
        """Bring in records of the right width. COPY refuses all if it cannot split one, so halves follow."""
        if not rows:
            return []
        try:
            self._stage(rows)
        except ROW_ERRORS as error:
            if len(rows) == 1:
                return [Rejected(rows[0][0], _message(error), _shown(rows[0][1]))]
            middle = len(rows) // 2
            return self._load_fitted(rows[:middle]) + self._load_fitted(rows[middle:])
        bad = self._unfit(rows)
        gone = {each.row for each in bad}
        if self._is_enough(len(bad)):  # only a row before the one that is too many may be named for it
            last = sorted(gone)[self._most - len(self.rejected)]
            rows = [row for row in rows if row[0] < last]
        return bad + self._load_staged([row for row in rows if row[0] not in gone], 0)

    def _stage(self, rows: list[Row], *, is_plain: bool = False) -> None:
        sign = self._fit.delimiter.encode()
        data = b"".join([b"%d%s%s\n" % (number, sign, record) for number, record in rows])
        self._target.stage(data, len(rows), is_plain=is_plain)

    def _unfit(self, staged: list[Row]) -> list[Rejected]:
        records = dict(staged)
        return [
            _refused(unfit.row, unfit.reason, records[unfit.row], unfit.column, unfit.cell)
            for unfit in self._target.unfit()
        ]

    def _unfit_alone(self, staged: list[Row]) -> list[Rejected]:
        """Of few staged rows those with a cell that cannot be cast, up to the first good one."""
        bad: list[Rejected] = []
        for row in staged:
            error = self._target.refusal(row[0])
            at_fault = isinstance(error, psycopg.DataError) and self._target.column_at_fault(row[0])
            if not error or not at_fault:
                break
            bad.append(_refused(row[0], _message(error), row[1], *at_fault))
        return bad

    def _load_staged(self, rows: list[Row], known_bad: int, *, may_suspect: bool = True) -> list[Rejected]:
        """Bring in staged rows; if the server refuses them, all but those that break its rules.

        If that is not why, their halves, down to the single bad row.
        """
        if not rows or self._is_enough(known_bad):
            return []
        try:
            loaded = self._target.load_staged(rows[0][0], rows[-1][0], len(rows))
        except ROW_ERRORS as error:
            if len(rows) == 1:
                return [self._search_column(rows[0], error)]
            if may_suspect and self._target.can_suspect(error):
                bad = self._load_beside_suspects(rows, known_bad, error)
                if bad is not None:
                    return bad
                may_suspect = False
            middle = len(rows) // 2
            bad = self._load_staged(rows[:middle], known_bad, may_suspect=may_suspect)
            return bad + self._load_staged(rows[middle:], known_bad + len(bad), may_suspect=may_suspect)
        self._count(loaded.inserted, loaded.flagged, len(rows))
        return []

    def _load_beside_suspects(
        self, rows: list[Row], known_bad: int, refusal: psycopg.Error
    ) -> list[Rejected] | None:
        """Bring in staged rows but those that a foreign key or a CHECK refuses; these.

        None: nothing came in.
        """
        suspects = self._target.suspects(rows[0][0], rows[-1][0], refusal)
        if not suspects:
            return None
        most = self._most + 1 - len(self.rejected) - known_bad if self._enough is None else len(suspects)
        try:
            loaded, refusals = self._target.load_beside(rows[0][0], rows[-1][0], len(rows), suspects, most)
        except ROW_ERRORS:
            return None
        self._count(loaded.inserted, loaded.flagged, len(rows) - len(suspects))
        records = dict(rows)
        refused = zip(suspects, refusals, strict=False)  # no more are judged than an import survives
        return [self._search_column((row, records[row]), error) for row, error in refused]

    def _is_enough(self, known_bad: int) -> bool:
        """Whether so many more bad rows fail the import; a dry run shows good ones beside any number."""
        return self._enough is None and known_bad + len(self.rejected) > self._most

    @property
    def _most(self) -> int:
        """How many bad rows an import survives."""
        return 0 if self._payload.on_error == "fail" else self._payload.max_errors

    def _search_column(self, row: Row, error: psycopg.Error) -> Rejected:
        number, record = row
        at_fault = self._target.column_at_fault(number) if isinstance(error, psycopg.DataError) else None
        column, cell = at_fault or (error.diag.column_name, None)
        return _refused(number, _message(error), record, column, cell)

    def _reject(self, rejected: Rejected) -> None:
        self.rejected.append(rejected)
        if self._enough is not None:
            if len(self.rejected) >= self._enough:
                raise Enough
        elif self._payload.on_error == "fail":
            raise PermanentError(f"nothing was imported, as onError is fail; {examples(self.rejected)}")
        elif len(self.rejected) > self._payload.max_errors:
            raise PermanentError(
                f"nothing was imported: more than maxErrors = {self._payload.max_errors} rows are bad; "
                f"{examples(self.rejected)}"
            )


def examples(rejected: list[Rejected]) -> str:
    return "; ".join(f"row {each.row}: {each.reason}" for each in rejected[:3])


def _refused(row: int, reason: str, record: bytes, column: str | None, cell: str | None) -> Rejected:
    """The row with a reason that names column and value, where the server's own does not."""
    if column is not None and f'"{column}"' not in reason:
        reason += f", in column {column}"
        if cell is not None and cell not in reason:
            reason += f": {cell[:_SHOWN_CELL]!r}"
    return Rejected(row, reason, _shown(record), column, cell)


def _message(error: psycopg.Error) -> str:
    reason = error.diag.message_primary or str(error)
    if isinstance(error, psycopg.errors.ForeignKeyViolation) and error.diag.message_detail:
        reason += f": {error.diag.message_detail.removesuffix('.')}"  # names the key
    return reason


def _shown(record: bytes) -> str:
    return record.decode("utf-8", "replace").replace("\0", "␀")[:_SHOWN_CHARACTERS]
