"""How a cell becomes a value: the SQL that reads it, and the pattern of cells that need no reading.

In: how numbers and dates are written, and the type of a column. Out: expressions for the INSERT from the
staging table, and a regular expression that finds, in a block of records, a cell PostgreSQL would take too
lightly: `today` or `03/04/26` for a date, `NaN` or `0x1F` for a number. Pure. Called by `staging` and
`examining`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final, Literal

import msgspec
from psycopg import sql

from rowcrew.bundled.csv_import.date_format import DateRule, date_rules
from rowcrew.bundled.csv_import.native_dates import native_dates

Negative = Literal["sign", "parentheses", "trailing", "any"]

# What is known of the cells: all are of their plain form; those that do not fit are taken out; nothing.
LookedAt = Literal["plain", "fit", "no"]

ANY: Final = ""
_PLAIN_NUMBER: Final = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
_NAN: Final = "[-+]?(?:nan|inf(?:inity)?)"
_ISO_TIME: Final = (
    r"(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(?: ?(?:[zZ]|[-+]\d{2}(?::?\d{2}){0,2}))?"
)
_ISO_DATE: Final = r"(?:\d{4}-\d{1,2}-\d{1,2}|\d{8})"
_ISO: Final = rf"(?:{_ISO_DATE}(?:(?:[tT]| +){_ISO_TIME})?|{_ISO_TIME})"
_LOWER_BOUNDS: Final = r"(?:\s*(?:\[-?\d+:-?\d+\])+=)?"  # of an array that does not count from 1
BLANKS: Final = " \t"
_SPACES: Final = " \u00a0\u202f\u2009"
_APOSTROPHES: Final = "'\u2019"
_MINUS: Final = "\u2212"
_CURRENCIES: Final = (
    "[A-Z]{3}|[A-Z]{0,2}[$\u00a2\u00a3\u00a5\u20a0-\u20c0\u0e3f\u058f\u060b\ufdfc\uff04\uffe0\uffe1\uffe5\uffe6]"
    "|[Kk]r\\.?|z\u0142|K\u010d|Ft|Fr\\.?|lei|R|RM|Rp|Rs\\.?|TL|S/\\.?|\u5186|\u5143|\uc6d0"
    "|\u0440\u0443\u0431\\.?|\u0440\\.|\u043b\u0432\\.?|\u0433\u0440\u043d\\.?"
)


class TargetColumn(msgspec.Struct, frozen=True):
    """A column's type as SQL writes it, and what is known of it.

    Attributes:
        category: PostgreSQL's: S text, N number, D date or time, A array, R range.
        is_required: it must have a value.
        held: the category of what an array or range holds; of other types their own.
    """

    type: str
    category: str
    is_required: bool
    held: str | None

    @property
    def holds_many(self) -> bool:
        """Whether a cell is a list of numbers or of dates, or a range between two."""
        return self.category in ("A", "R") and self.held in ("N", "D")


class Cells(msgspec.Struct, frozen=True, kw_only=True):
    """How numbers, dates and missing values are written in the cells. No date formats: ISO 8601."""

    decimal: str = "."
    thousands: str | None = None
    date_formats: tuple[str, ...] = ()
    negative: Negative = "sign"
    currency_signs: bool = False
    nan: bool = False
    nulls: tuple[str, ...] = ()
    trim: bool = False

    def plain_form(self, column: TargetColumn) -> str | None:
        """A regular expression of the cells that PostgreSQL reads as they are; None: it reads none so.

        `ANY`: it reads all.
        """
        if self.nulls or column.type == "money" or column.holds_many:
            return None
        if column.category == "N":
            words = f"|(?i:{_NAN})" if self.nan else ""
            return f"(?:{_PLAIN_NUMBER}{words})" if self.decimal == "." else None
        if column.category == "D":
            return native_dates(self.date_formats).form if self.date_formats else _ISO
        return None if column.category == "S" and self.trim else ANY


def value(column: TargetColumn, field: sql.Identifier, cells: Cells, looked_at: LookedAt) -> sql.Composable:
    """The expression that turns a cell into the column's type. Text stays as it is, to the character."""
    return cast(text(column, field, cells, looked_at), column)


def cast(value: sql.Composable, column: TargetColumn) -> sql.Composable:
    """An explicit cast, but none for text: CAST to varchar(5) cuts a longer value, INSERT refuses it."""
    if column.category == "S":
        return value
    if column.type == "money":  # reads a text by the server's lc_monetary, in which 1.50 may be 150
        value = sql.SQL("CAST({} AS numeric)").format(value)
    return sql.SQL("CAST({} AS {})").format(value, sql.SQL(column.type))


def text(column: TargetColumn, field: sql.Identifier, cells: Cells, looked_at: LookedAt) -> sql.Composable:
    """The cell as PostgreSQL is to read it: NULL if blank, with a complaint behind it if it is not plain."""
    if column.category == "S":
        return _text(field, cells)
    form = cells.plain_form(column)
    if looked_at == "plain" and form is not None:
        return sql.SQL("nullif({}, '')").format(field)
    if form == ANY or (looked_at == "fit" and not _is_rewritten(column, cells)):
        cases: sql.Composable = sql.SQL("ELSE {}").format(field)
    elif column.category == "N" or column.type == "money":
        cases = _number_cases(field, cells)
    elif column.category == "D":
        cases = _date_cases(field, cells)
    elif column.holds_many:
        cases = _many_cases(column, field, cells)
    else:
        cases = sql.SQL("ELSE {}").format(field)
    return sql.SQL("CASE WHEN {blank} THEN NULL {cases} END").format(blank=_blank(field, cells), cases=cases)


def _is_rewritten(column: TargetColumn, cells: Cells) -> bool:
    if column.category == "N":
        signs = cells.thousands or cells.decimal != "." or cells.negative != "sign" or cells.currency_signs
        return bool(signs)
    return column.category == "D" and bool(cells.date_formats)


def odd_cell(forms: Mapping[int, str], delimiter: str) -> re.Pattern[bytes]:
    """Finds the start of a line that has a cell of another form than its field must have.

    Lines follow a line feed. A line inside a quoted cell may be found as well; none that matters is missed.
    """
    checked = {place: form for place, form in forms.items() if form != ANY}
    if not checked:
        return re.compile(rb"(?!)")
    cells = [_cell_of(checked.get(place, ANY), delimiter) for place in range(max(checked) + 1)]
    mark = re.escape(delimiter)
    return re.compile(rf"\n(?!{mark.join(cells)}(?:[{mark}\r\n]|\Z))".encode())


def plain_records(
    forms: Mapping[int, str], texts: Collection[int], width: int, delimiter: str
) -> re.Pattern[bytes]:
    """Matches some records of so many cells, each of its form, of which no text looks like a formula.

    None of them is blank, and their quotes are in order: what matches holds nothing that a closer look would
    find. All that in one pass, because each pass over a file costs a tenth of its COPY. A match ends after a
    thousand records: it keeps all other threads waiting, and one of them feeds the server.
    """
    mark = re.escape(delimiter)
    cells = [
        _text_of(mark) if place in texts else _cell_of(forms.get(place, ANY), delimiter)
        for place in range(width)
    ]
    not_blank = rf"(?![{BLANKS}{mark}]*+(?:[\r\n]|\Z))"
    return re.compile(rf"(?:{not_blank}{mark.join(cells)}(?:\n|\r\n?|\Z)){{1,1000}}+".encode())


def _text_of(mark: str) -> str:
    """A text that does not look like a formula."""
    starts = r"-+=@\t"
    quoted = rf'"(?![{starts}\r])[^"]*+(?:""[^"]*+)*+"'
    return rf'(?:[^{starts}"{mark}\r\n][^"{mark}\r\n]*+|{quoted})?+'


def _cell_of(form: str, delimiter: str) -> str:
    """A cell of this form, blanks around it or nothing but blanks.

    A cell is decided once. With as few as two readings each, a line of forty cells has more than any machine
    can try, and one odd cell makes it try them all.
    """
    mark = re.escape(delimiter)
    if form == ANY:
        return rf'(?:"[^"]*+(?:""[^"]*+)*+"|[^"{mark}\r\n]*+)'
    blanks = f"[{BLANKS.replace(delimiter, '')}]*+"
    inside = rf'{blanks}(?:{form}{blanks}(?=["{mark}\r\n]|\Z))?+'
    bare = rf"{form}(?=[{mark}\r\n])"  # as most cells are, and a fifth faster
    return rf'(?>{bare}|"{inside}"|{inside})'


def _blank(field: sql.Identifier, cells: Cells) -> sql.Composable:
    blank = sql.SQL("btrim({}, {}) = ''").format(field, sql.Literal(BLANKS))
    if not cells.nulls:
        return blank
    return sql.SQL("({} OR {})").format(blank, _is_null_word(field, cells))


def _is_null_word(field: sql.Identifier, cells: Cells) -> sql.Composable:
    return sql.SQL("btrim({}, {}) = ANY({})").format(
        field, sql.Literal(BLANKS), sql.Literal(list(cells.nulls))
    )


def _text(field: sql.Identifier, cells: Cells) -> sql.Composable:
    kept = sql.SQL("btrim({}, {})").format(field, sql.Literal(BLANKS)) if cells.trim else field
    if not cells.nulls:
        return kept
    return sql.SQL("CASE WHEN {} THEN NULL ELSE {} END").format(_is_null_word(field, cells), kept)


def _number_cases(field: sql.Identifier, cells: Cells) -> sql.Composable:
    decimal = re.escape(cells.decimal)
    number = _bare_number(field, cells)
    sign = _thousands(cells)  # behind a leading zero it is none: 0,123 is less than one
    grouped = rf"|[1-9]\d{{0,2}}(?:{sign}\d{{2,3}})*{sign}\d{{3}}" if cells.thousands else ""
    pattern = rf"^\s*[-+]?(?:\d+{grouped})?(?:{decimal}\d*)?(?:[eE][-+]?\d+)?\s*$"
    if cells.nan:
        pattern = rf"^\s*{_NAN}\s*$|{pattern}"
    return sql.SQL("WHEN {number} {like} {pattern} THEN {plain} ELSE {cell} || {complaint}").format(
        number=number,
        like=sql.SQL("~*" if cells.nan else "~"),
        pattern=sql.Literal(pattern),
        plain=_plain_number(number, cells),
        cell=field,
        complaint=sql.Literal(f" ({_numbers_read(cells)})"),
    )


def _numbers_read(cells: Cells) -> str:
    """How numbers are read, and what of the payload would read others: the person sees the cell beside it."""
    read = f"decimal {cells.decimal!r}, thousands {cells.thousands or ''!r}"
    others = ["decimal", "thousands"]
    others += ["negative"] if cells.negative == "sign" else []
    others += [] if cells.currency_signs else ["currencySigns"]
    return f"{read}; give {', '.join(others)}"


def _thousands(cells: Cells) -> str:
    """The signs that may separate thousands; spaces and apostrophes come in several shapes, also mixed."""
    sign = cells.thousands or ""
    for family in (_SPACES, _APOSTROPHES):
        if sign in family:
            return f"[{family}]"
    return re.escape(sign)


def _plain_number(number: sql.Composable, cells: Cells) -> sql.Composable:
    plain = number
    if cells.thousands:
        signs = _thousands(cells)
        removed = signs[1:-1] if signs.startswith("[") else cells.thousands
        plain = sql.SQL("translate({}, {}, '')").format(plain, sql.Literal(removed))
    if cells.decimal != ".":
        plain = sql.SQL("replace({}, {}, '.')").format(plain, sql.Literal(cells.decimal))
    return plain


def _bare_number(field: sql.Identifier, cells: Cells) -> sql.Composable:
    """The cell without currency, its minus in front; one that has two minuses keeps them and is refused."""
    number: sql.Composable = field
    if cells.negative != "sign" or cells.currency_signs:
        number = sql.SQL("replace({}, {}, '-')").format(number, sql.Literal(_MINUS))
    if cells.currency_signs:
        space = rf"[\s{_SPACES}]*"
        for pattern, kept in (
            (rf"^(\s*[-+(]?){space}(?:{_CURRENCIES}){space}(?=[-+.,(\d])", r"\1"),
            (rf"(?<=[\d.,)-]){space}(?:{_CURRENCIES})(\s*\)?\s*)$", r"\1"),
        ):
            number = sql.SQL("regexp_replace({}, {}, {})").format(
                number, sql.Literal(pattern), sql.Literal(kept)
            )
    if cells.negative in ("parentheses", "any"):
        number = sql.SQL("regexp_replace({}, {}, {})").format(
            number, sql.Literal(r"^\s*\(\s*([^-+()]*)\)\s*$"), sql.Literal(r"-\1")
        )
    if cells.negative in ("trailing", "any"):  # `5.-` is five francs, not minus five: no sign behind a point
        number = sql.SQL("regexp_replace({}, {}, {})").format(
            number, sql.Literal(r"^\s*([^-+]*\d\s*)([-+])\s*$"), sql.Literal(r"\2\1")
        )
    return number


def _date_cases(field: sql.Identifier, cells: Cells) -> sql.Composable:
    if not cells.date_formats:
        return sql.SQL("WHEN {} ~ {} THEN {} ELSE {} || ' (not ISO 8601; give dateFormats)'").format(
            field, sql.Literal(rf"^\s*{_ISO}\s*$"), field, field
        )
    rules = [rule for date_format in cells.date_formats for rule in date_rules(date_format)]
    matches = [
        sql.SQL("WHEN {} ~ {} THEN {}").format(field, sql.Literal(rule.pattern), _as_iso(field, rule))
        for rule in rules
    ]
    return sql.SQL("{} ELSE {} || ' (none of the date formats)'").format(sql.SQL(" ").join(matches), field)


def _many_cases(column: TargetColumn, field: sql.Identifier, cells: Cells) -> sql.Composable:
    """PostgreSQL judges brackets, commas and quotes, so that only what stands between them is looked at."""
    one = _ISO if column.held == "D" else f"{_PLAIN_NUMBER}|{_NAN}" if cells.nan else _PLAIN_NUMBER
    between = r"[][(){},\s\"]"
    return sql.SQL("WHEN {cell} ~* {pattern} THEN {cell} ELSE {cell} || {complaint}").format(
        cell=field,
        pattern=sql.Literal(rf"^{_LOWER_BOUNDS}{between}*(?:(?:{one}|null|empty)(?:{between}+|$))*$"),
        complaint=sql.Literal(" (holds more than plain numbers or ISO 8601)"),
    )


def _as_iso(field: sql.Identifier, rule: DateRule) -> sql.Composable:
    if rule.is_iso:
        return field
    return sql.SQL("regexp_replace({}, {}, {})").format(
        field, sql.Literal(rule.pattern), sql.Literal(rule.replacement)
    )
