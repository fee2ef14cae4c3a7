"""Public reports of trouble with CSV files, each as a file of ours; README.md here tells whose they are."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bundled.conftest import Imports, report

AB = {"table": "notes", "mapping": {"first": "a", "second": "b"}}


@pytest.mark.parametrize(
    ("file", "payload", "rows"),
    [
        pytest.param(
            b"c0\nv0\na;b\n",
            {"mapping": {"first": "c0"}},
            [("v0", None), ("a;b", None)],
            id="duckdb-25827-a-delimiter-in-a-late-row-moves-no-header",
        ),
        pytest.param(
            b'title\n\n"first\nname",b\n1,2\n',
            {"mapping": {"first": "first name", "second": "b"}},
            [("1", "2")],
            id="duckdb-16760-a-line-break-in-a-header-below-other-rows",
        ),
        pytest.param(
            b"Vendor;Test\nFrom;06/02/2024\na;b\n1;2;\t\n3;4;\t\n",
            {},
            [("1", "2"), ("3", "4")],
            id="duckdb-13083-empty-cells-behind-every-row",
        ),
        pytest.param(
            b'a|b\n1|x\n2|"\n3|y\n',
            {"quote": ""},
            [("1", "x"), ("2", '"'), ("3", "y")],
            id="pandas-22140-a-quote-alone-in-a-cell",
        ),
        pytest.param(
            b'x\ny"\nz\n"\na,b,c\n1,2,3\n',
            {},
            None,
            id="pandas-14459-unclosed",
        ),
        pytest.param(
            b'x\ny"\nz"\na,b\n1,2\n',
            {},
            [("1", "2")],
            id="pandas-14459-quotes-above-the-header",
        ),
        pytest.param(
            b"a,b\n1,O&#039;Connor; son\n",
            {},
            [("1", "O&#039;Connor; son")],
            id="csvkit-392-another-delimiter-in-the-cells",
        ),
        pytest.param(
            "\ufeffa;b (up to 100, or fewer, or none)\n1;2\n".encode(),
            {"mapping": {"first": "a"}},
            [("1", None)],
            id="papaparse-600-and-372-commas-and-a-mark-in-the-header",
        ),
        pytest.param(b"\n\na;b\n1;2\n\n", {}, [("1", "2")], id="papaparse-584-and-309-empty-lines-around"),
        pytest.param(
            ("a,b\n" + "x,y\n" * 5000 + "1,Kāwanatanga”\n").encode(),
            {},
            [("1", "Kāwanatanga”")],
            id="frictionless-274-and-1376-utf-8-that-begins-late",
        ),
    ],
)
def test_the_file_of_a_report_is_read_or_refused(
    imports: Imports, file: bytes, payload: dict[str, Any], rows: list[tuple[Any, ...]] | None
) -> None:
    if rows is None:
        assert imports.refusal(file, **AB | payload)
    else:
        imports.run(file, **AB | payload)
        stored = imports.connection.execute("SELECT first, second FROM notes WHERE first <> 'x'").fetchall()
        assert stored == rows


def test_csvkit_280_days_and_months_are_never_swapped_in_silence(imports: Imports) -> None:
    file = b"d\n02/01/2014\n31/12/2012\n"
    imports.connection.execute("DROP TABLE IF EXISTS days; CREATE TABLE days (d date)")
    target: dict[str, Any] = {"table": "days", "mapping": {"d": "d"}}
    assert "not ISO 8601" in imports.refusal(file, **target)
    imports.run(file, **target, dateFormats=["%d/%m/%Y"])
    days = imports.connection.execute("SELECT d::text FROM days").fetchall()
    assert days == [("2014-01-02",), ("2012-12-31",)]


def test_pandas_15910_what_follows_a_closing_quote_costs_the_row(imports: Imports) -> None:
    result = imports.run(b'a,b\n1,2\n"a"b,3\n', **AB).result
    assert (result["inserted"], result["rejected"]) == (1, 1)
    assert "not doubled" in report(imports, result)[1][1]
