"""What a cell may be: nothing is stored that the file does not say, on whichever way its row comes in."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from rowcrew.bundled.csv_import import copy_in
from tests.bundled.conftest import Imports, report

ONE = """
    DROP TABLE IF EXISTS cells;
    CREATE TABLE cells (
        n numeric, d date, at timestamptz, m text, i integer, f float8, price money, yes boolean
    )
"""
# Both ways: as the file has them, by COPY; and with a column left out, through the staging table.
WAYS = pytest.mark.parametrize("way", ["straight", "staged"])


@pytest.fixture
def cells(imports: Imports) -> Imports:
    imports.connection.execute(ONE)
    return imports


def bring(imports: Imports, column: str, cell: str, way: str = "straight", **payload: Any) -> Any:
    """The one value that the import of one cell stores; None for NULL."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("X", "Y"), (cell, "x")])
    mapping = {column: "X"} if way == "staged" else {column: "X", "m": "Y"}
    run = imports.run(text.getvalue().encode(), **{"table": "cells", "mapping": mapping} | payload)
    assert run.result["inserted"] == 1, run.result
    table = payload.get("table", "cells")
    return imports.connection.execute(f"SELECT {column}::text FROM {table}").fetchall()[0][0]


def refusals(
    imports: Imports, column: str, texts: list[str], way: str = "straight", **payload: Any
) -> dict[str, str]:
    """Why each of these cells is refused, by cell; a good row stands before them."""
    text = io.StringIO()
    rows = [("X", "Y"), ("", "good"), *((cell, "x") for cell in texts)]
    csv.writer(text, lineterminator="\n").writerows(rows)
    mapping = {column: "X"} if way == "staged" else {column: "X", "m": "Y"}
    given = {"table": "cells", "mapping": mapping} | payload
    result = imports.run(text.getvalue().encode(), **given).result
    assert result["inserted"] == 1 + len(texts) - result["rejected"]
    lines = report(imports, result)[1:] if result["rejected"] else []
    return {texts[int(row) - 3]: reason for row, reason, _ in lines}


def test_a_table_without_a_text_column_takes_more_than_one_row(imports: Imports) -> None:
    imports.connection.execute("DROP TABLE IF EXISTS closes; CREATE TABLE closes (day date, close numeric)")
    file = b"Day;Close\n02.01.2026;10,5\n05.01.2026;11,25\n"
    mapping = {"day": "Day", "close": "Close"}
    payload: dict[str, Any] = {"dateFormats": ["%d.%m.%Y"], "decimal": ",", "mapping": mapping}
    result = imports.run(file, table="closes", **payload).result
    assert (result["inserted"], result["flagged"]) == (2, 0)


NO_DATES = [
    "03/04/26", "31-Dec-26", "10 Feb 18", "22.02.18", "05-Jan-24", "260304", "1999.008", "J2451187",
    "January 8, 1999", "today", "tomorrow", "epoch", "infinity", "-infinity", "now", "2026-01-02 BC",
    "2026-01-02 10:00 PST", "2026-01-02 24:00:00", "2026-01-02 10:00:60", "03/04/2026",
]  # fmt: skip


@WAYS
@pytest.mark.parametrize("column", ["d", "at"])
def test_without_formats_a_date_is_iso_8601_or_a_bad_row(cells: Imports, column: str, way: str) -> None:
    reasons = refusals(cells, column, NO_DATES, way)
    assert list(reasons) == NO_DATES
    for cell, reason in reasons.items():
        assert f"{cell} (not ISO 8601; give dateFormats)" in reason
        assert f"in column {column}" in reason


@WAYS
def test_a_refused_number_names_what_would_read_it(cells: Imports, way: str) -> None:
    (reason,) = refusals(cells, "n", ["1,50"], way).values()
    assert "1,50 (decimal '.', thousands ''; give decimal, thousands, negative, currencySigns)" in reason
    (reason,) = refusals(cells, "n", ["1,50"], way, negative="any", currencySigns=True).values()
    assert "1,50 (decimal '.', thousands ''; give decimal, thousands)" in reason


@WAYS
@pytest.mark.parametrize("cell", ["2026-01-02", "20260102", "2026-1-2", " 2026-01-02 ", "2026-01-02 00:00"])
def test_iso_8601_is_read_without_formats(cells: Imports, cell: str, way: str) -> None:
    assert bring(cells, "d", cell, way) == "2026-01-02"


@WAYS
def test_a_time_may_follow_with_its_zone(cells: Imports, way: str) -> None:
    cells.connection.execute("SET timezone = 'UTC'")
    assert bring(cells, "at", "2026-01-02T10:30:05.5+02:00", way) == "2026-01-02 08:30:05.5+00"


NO_NUMBERS = [
    "NaN",
    "nan",
    "Infinity",
    "-inf",
    "0x1F",
    "0b1",
    "0o17",
    "1_000",
    "1 2",
    "$5",
    "1,5",
    "--1",
    ".",
]


@WAYS
@pytest.mark.parametrize("column", ["n", "f", "i", "price"])
def test_a_number_is_digits_or_a_bad_row(cells: Imports, column: str, way: str) -> None:
    reasons = refusals(cells, column, NO_NUMBERS, way)
    assert list(reasons) == NO_NUMBERS
    assert all(f"in column {column}" in reason for reason in reasons.values())


@pytest.mark.parametrize("cells", [["  "] * 200, ["123"] * 200, ["2026-01-02"] * 200, ["1" * 200_000]])
@pytest.mark.parametrize("column_type", ["numeric", "timestamp"])
def test_an_odd_cell_is_found_however_many_or_long_the_cells_before_it_are(
    imports: Imports, column_type: str, cells: list[str]
) -> None:
    names = [f"c{number}" for number in range(len(cells) + 1)]
    columns = ", ".join([f"{name} {column_type}" for name in names])
    imports.connection.execute(f"DROP TABLE IF EXISTS padded; CREATE TABLE padded ({columns})")
    lines = [names, [""] * len(cells) + ["20260102"], [*cells[:-1], f"{cells[-1]}n/a", ""]]
    file = "".join([",".join(line) + "\n" for line in lines]).encode()
    result = imports.run(file, table="padded", mapping={name: name for name in names}).result
    assert (result["inserted"], result["rejected"]) == (1, 1)


@WAYS
def test_nan_is_a_number_where_it_is_asked_for(cells: Imports, way: str) -> None:
    assert bring(cells, "n", "NaN", way, nan=True) == "NaN"
    cells.connection.execute("TRUNCATE cells")
    assert bring(cells, "f", "-inf", way, nan=True) == "-Infinity"
    assert list(refusals(cells, "n", ["0x1F", "nano"], way, nan=True)) == ["0x1F", "nano"]


@WAYS
@pytest.mark.parametrize("column", ["n", "d", "at", "i", "f", "yes", "price"])
def test_blanks_are_null_in_every_column_but_text(cells: Imports, column: str, way: str) -> None:
    assert bring(cells, column, "   ", way) is None


HELD: dict[str, tuple[list[str], list[str]]] = {
    "date[]": (
        ["{}", "{2026-01-02,NULL}", '{"2026-01-02", null}', "{{2026-01-02},{2026-01-03}}"],
        ["{today}", "{2026-01-02,03/04/26}", '{"infinity"}', "{26-01-02}"],
    ),
    "timestamptz[]": (
        ['{"2026-01-02 10:30+02"}', "{2026-01-02T10:30Z}"],
        ["{now}", '{"2026-01-02 10:30 PST"}'],
    ),
    "daterange": (
        ["empty", "[2026-01-02,2026-01-05)", "(,2026-01-05]", "[,)"],
        ["[today,tomorrow)", "[2026-01-02,infinity)", "[03/04/26,]"],
    ),
    "tsmultirange": (["{}", "{[2026-01-02 10:30,2026-01-02 11:30),[2026-01-03,)}"], ["{[today,)}"]),
    "daterange[]": (['{"[2026-01-02,2026-01-05)",NULL}'], ['{"[today,)"}']),
    "float8[]": (["{1,-2.5,1e3,NULL}", " { .5 } "], ["{NaN}", "{1,-Infinity}", "{0x1F}", "{1_000}"]),
    "numrange": (["[1.5,2)", "(,)"], ["[1,NaN]", "(-infinity,5)"]),
    "bare_numbers": (["{1,2}", "[0:1][-1:0]={{1,2},{3,4}}"], ["{NaN}", "[0:1]={1,NaN}"]),
    "text[]": (["{today,NaN,03/04/26}"], []),
}


@WAYS
@pytest.mark.parametrize("column", HELD)
def test_what_arrays_and_ranges_hold_is_plain_or_a_bad_row(imports: Imports, column: str, way: str) -> None:
    imports.connection.execute(
        "DROP TABLE IF EXISTS held; DROP DOMAIN IF EXISTS bare_numbers;"
        f"CREATE DOMAIN bare_numbers AS numeric[]; CREATE TABLE held (h {column}, m text)"
    )
    good, bad = HELD[column]
    for cell in good:
        imports.connection.execute("TRUNCATE held")
        assert bring(imports, "h", cell, way, table="held") is not None
    assert list(refusals(imports, "h", bad, way, table="held")) == bad


def test_money_does_not_hang_on_the_servers_locale(cells: Imports) -> None:
    cells.connection.execute("SET lc_monetary = 'C'")
    assert bring(cells, "price", "1234.5") == "$1,234.50"


@pytest.mark.parametrize(
    ("cell", "payload", "number"),
    [
        ("(1,234.56)", {"negative": "parentheses", "thousands": ","}, "-1234.56"),
        ("( 5 )", {"negative": "any"}, "-5"),
        ("12.50-", {"negative": "trailing"}, "-12.50"),
        ("12.50 -", {"negative": "any"}, "-12.50"),
        ("12.50+", {"negative": "trailing"}, "12.50"),
        ("-$5.00", {"currencySigns": True}, "-5.00"),
        ("$-5.00", {"currencySigns": True}, "-5.00"),
        ("($5.00)", {"currencySigns": True, "negative": "any"}, "-5.00"),
        ("$(5.00)", {"currencySigns": True, "negative": "any"}, "-5.00"),
        ("1.000,00 €", {"currencySigns": True, "decimal": ",", "thousands": "."}, "1000.00"),
        ("CHF 1'234.50", {"currencySigns": True, "thousands": "'"}, "1234.50"),
        ("1’234.50 CHF", {"currencySigns": True, "thousands": "'"}, "1234.50"),  # noqa: RUF001
        ("5,50 zł", {"currencySigns": True, "decimal": ","}, "5.50"),
        ("US$ 5", {"currencySigns": True}, "5"),
        ("−5", {"negative": "any"}, "-5"),  # noqa: RUF001
        ("1 234\u00a0567\u202f890,5", {"thousands": " ", "decimal": ","}, "1234567890.5"),
        ("12,34,567.5", {"thousands": ","}, "1234567.5"),
        ("1e3", {"thousands": ","}, "1000"),
        ("1e-3", {"negative": "any"}, "0.001"),
        ("Rs. 1,23,456", {"currencySigns": True, "thousands": ","}, "123456"),
        ("1 234,50 руб.", {"currencySigns": True, "thousands": " ", "decimal": ","}, "1234.50"),  # noqa: RUF001
        ("\uffe51,234", {"currencySigns": True, "thousands": ","}, "1234"),
        ("5円", {"currencySigns": True}, "5"),
        ("R 5", {"currencySigns": True}, "5"),
    ],
)
def test_amounts_are_read_as_the_payload_says(
    cells: Imports, cell: str, payload: dict[str, Any], number: str
) -> None:
    assert bring(cells, "n", cell, **payload) == number


@pytest.mark.parametrize(
    ("cell", "payload"),
    [
        ("(-5)", {"negative": "any"}),
        ("-5-", {"negative": "any"}),
        ("(5", {"negative": "any"}),
        ("(5)", {"negative": "trailing"}),
        ("5-", {"negative": "parentheses"}),
        ("5.-", {"negative": "any"}),  # five francs, as the Swiss write it
        ("CHF 1'234.-", {"negative": "any", "currencySigns": True, "thousands": "'"}),
        ("(5)", {}),
        ("$5", {}),
        ("-$-5", {"currencySigns": True}),
        ("5 apples", {"currencySigns": True}),
        ("$", {"currencySigns": True}),
        ("1,5", {"currencySigns": True}),
        ("1 5", {"thousands": " "}),
        ("0,123", {"thousands": ","}),  # less than one, from where people write a decimal comma
        ("-0.500", {"thousands": ".", "decimal": ","}),
    ],
)
def test_an_amount_that_could_be_another_is_a_bad_row(
    cells: Imports, cell: str, payload: dict[str, Any]
) -> None:
    assert "in column n" in refusals(cells, "n", [cell], **payload)[cell]


def test_words_for_nothing_are_null_where_they_are_named(cells: Imports) -> None:
    assert bring(cells, "n", "NA", nulls=["NA", "-"]) is None
    assert list(refusals(cells, "n", ["N/A", "NA"], nulls=["NA", "-"])) == ["N/A"]


def test_spaces_around_texts_go_where_that_is_asked_for(imports: Imports) -> None:
    imports.run(b"Id,Memo\n1,  x \n", mapping={"sourceId": "Id", "description": "Memo"}, trim=True)
    assert imports.rows("description") == [("x",)]


@pytest.mark.parametrize(
    ("cell", "formats", "date"),
    [
        ("31.12.68", ["%d.%m.%y"], "2068-12-31"),
        ("31.12.69", ["%d.%m.%y"], "1969-12-31"),
        ("31.12.70", ["%d.%m.%y"], "1970-12-31"),
        ("12/31/2026", ["%d/%m/%Y", "%m/%d/%Y"], "2026-12-31"),
        ("31/12/2026", ["%d/%m/%Y", "%m/%d/%Y"], "2026-12-31"),
        ("2026-31-12", ["%Y-%m-%d", "%Y-%d-%m"], "2026-12-31"),
        ("5-Jan-24", ["%d-%b-%y"], "2024-01-05"),
    ],
)
def test_dates_mean_what_strptime_says(cells: Imports, cell: str, formats: list[str], date: str) -> None:
    assert bring(cells, "d", cell, dateFormats=formats) == date


def test_what_no_format_means_is_a_bad_row(cells: Imports) -> None:
    no_dates = ["2026-13-01", "today", "03/04/26", "2026-02-30"]
    formats = ["%Y-%m-%d", "%d.%m.%Y"]
    assert list(refusals(cells, "d", no_dates, dateFormats=formats)) == no_dates


@pytest.mark.parametrize(
    ("cell", "date_format"),
    [("11126", "%d%m%y"), ("1226", "%d%m%y"), ("2026012", "%Y%m%d"), ("2026112", "%Y%m%d")],
)
def test_digits_without_a_sign_between_are_all_there(cells: Imports, cell: str, date_format: str) -> None:
    """A spreadsheet that took 011126 for a number has dropped its zero."""
    assert bring(cells, "d", "011126", dateFormats=["%d%m%y"]) == "2026-11-01"
    assert "in column d" in refusals(cells, "d", [cell], dateFormats=[date_format])[cell]


@pytest.mark.parametrize("judges", [True, False], ids=["from 16", "before 16"])
def test_a_reason_names_row_column_and_value(
    imports: Imports, monkeypatch: pytest.MonkeyPatch, judges: bool
) -> None:
    if not judges:
        monkeypatch.setattr(copy_in, "_SOFT_INPUT", 10**9)
    imports.connection.execute(
        "DROP TABLE IF EXISTS strict; CREATE TABLE strict (n numeric(5, 2) NOT NULL, t varchar(3))"
    )
    file = b"N,T\n1,ok\n99999,ok\n2,long text\n,ok\nabc,ok\n"
    result = imports.run(file, table="strict", mapping={"n": "N", "t": "T"}).result
    lines = list(csv.reader(io.StringIO(imports.blob(result["errorReportKey"]).decode())))[1:]
    assert [line[0] for line in lines] == ["3", "4", "5", "6"]
    assert lines[0][1].startswith("numeric field overflow") or "out of range" in lines[0][1]
    assert "in column n: '99999'" in lines[0][1]
    assert "in column t: 'long text'" in lines[1][1] or not judges
    assert "too long" in lines[1][1]
    assert "NOT NULL" in lines[2][1] or "not-null" in lines[2][1]
    assert "abc" in lines[3][1]
    assert "column n" in lines[3][1]
