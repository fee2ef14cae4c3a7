"""What goes straight into its table, and that it is there the same as what goes by way of the staging."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product
from typing import Any, Final

import pytest

from rowcrew.bundled.csv_import.native_dates import native_dates
from tests.bundled.conftest import Imports, report

# Each row says by which statement it came in: a COPY, or the INSERT from the staging table.
TARGET: Final = """
    DROP TABLE IF EXISTS straight;
    CREATE TABLE straight (n integer, day date, at timestamp, memo text, "orgId" text, way text);
    CREATE OR REPLACE FUNCTION note_way() RETURNS trigger LANGUAGE plpgsql
        AS $$BEGIN NEW.way := split_part(current_query(), ' ', 1); RETURN NEW; END$$;
    CREATE TRIGGER note_way BEFORE INSERT ON straight FOR EACH ROW EXECUTE FUNCTION note_way()
"""
COLUMNS: Final = {"n": "N", "day": "Day", "at": "At", "memo": "Memo"}


@pytest.fixture
def target(imports: Imports) -> Imports:
    imports.connection.execute(TARGET)
    return imports


def bring(imports: Imports, file: bytes, **payload: Any) -> dict[str, Any]:
    result = imports.run(file, **{"table": "straight", "mapping": COLUMNS} | payload).result
    assert isinstance(result, dict)
    return result


def stored(imports: Imports, columns: str) -> list[tuple[Any, ...]]:
    return imports.connection.execute(f"SELECT {columns} FROM straight ORDER BY n").fetchall()


NATIVE: Final = [
    "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d/%m/%y", "%m-%d-%y", "%d.%m.%y", "%Y-%m-%d",
]  # fmt: skip
YEARS: Final = (1970, 1999, 2000, 2026, 2068)


@pytest.mark.parametrize("time", ["", " %H:%M", " %H:%M:%S", " %I:%M:%S %p"])
@pytest.mark.parametrize("day_format", NATIVE)
def test_a_date_that_postgresql_reads_by_itself_is_what_strptime_says(
    target: Imports, day_format: str, time: str
) -> None:
    clock = (13, 5, 7 if "%S" in time else 0) if time else (0, 0, 0)
    days = product(YEARS, range(1, 13), (1, 9, 12, 13, 28))
    moments = [datetime(*day, *clock, tzinfo=UTC) for day in days]
    cells = [f"{moment:{day_format}{time}}" for moment in moments]
    lines = [f"{n},{cell},{cell},\n" for n, cell in enumerate(cells)]
    result = bring(
        target, f"N,Day,At,Memo\n{''.join(lines)}".encode(), dateFormats=[day_format + time], orgId="a"
    )
    assert result["inserted"] == len(cells)
    assert stored(target, "day::text, at::text, way") == [
        (f"{moment:%Y-%m-%d}", f"{moment:%Y-%m-%d %H:%M:%S}", "COPY") for moment in moments
    ]


@pytest.mark.parametrize(("formats", "cells", "meant"), [
    (["%Y-%m-%d", "%d/%m/%Y"], ["2026-04-03", "03/04/2026"], "2026-04-03"),
    (["%d/%m/%Y", "%d.%m.%y"], ["3/4/2026", "03.04.26"], "2026-04-03"),
    (["%m/%d/%Y", "%Y-%m-%d"], ["04/03/2026", "2026-4-3"], "2026-04-03"),
])  # fmt: skip
def test_formats_of_one_order_go_straight_together(
    target: Imports, formats: list[str], cells: list[str], meant: str
) -> None:
    lines = "".join([f"{n},{cell},,\n" for n, cell in enumerate(cells)])
    bring(target, f"N,Day,At,Memo\n{lines}".encode(), dateFormats=formats)
    assert stored(target, "day::text, way") == [(meant, "COPY")] * len(cells)


@pytest.mark.parametrize(("formats", "cell", "meant"), [
    (["%d/%m/%Y", "%m/%d/%Y"], "03/04/2026", "2026-04-03"),
    (["%d/%m/%Y", "%m/%d/%Y"], "12/31/2026", "2026-12-31"),
    (["%d/%m/%Y", "%m-%d-%Y", "%d-%m-%Y"], "03-04-2026", "2026-03-04"),
    (["%m%d%Y", "%d/%m/%Y"], "03/04/2026", "2026-04-03"),
    (["%y/%m/%d", "%d/%m/%y"], "03/04/26", "2003-04-26"),
    (["%d/%m/%y"], "03/04/69", "1969-04-03"),
    (["%d/%m/%y"], "03/04/70", "1970-04-03"),
    (["%d/%m/%y"], "03/04/68", "2068-04-03"),
])  # fmt: skip
def test_the_first_format_that_means_a_cell_reads_it(
    target: Imports, formats: list[str], cell: str, meant: str
) -> None:
    bring(target, f"N,Day,At,Memo\n1,{cell},,\n".encode(), dateFormats=formats)
    assert stored(target, "day::text") == [(meant,)]


@pytest.mark.parametrize("cell", ["2026/04/03", "2026-04-03", "3 Apr 2026", "31/02/2026", "today", "3/4/26"])
def test_no_other_date_comes_in_beside_those_of_the_format(target: Imports, cell: str) -> None:
    file = f"N,Day,At,Memo\n1,03/04/2026,,\n2,{cell},,\n".encode()
    result = bring(target, file, dateFormats=["%d/%m/%Y"])
    assert (result["inserted"], result["rejected"]) == (1, 1)
    told = "2026-02-31" if cell == "31/02/2026" else f"{cell} (none of the date formats)"
    assert told in report(target, result)[1][1]


def test_a_format_with_names_of_months_is_left_to_the_rules() -> None:
    assert native_dates(("%d-%b-%Y", "%d/%m/%Y")).form is None


FILES: Final = {
    "plain": b"N,Day,At,Memo\n1,,,a\n2,,,b\n",
    "no line end behind the last": b"N,Day,At,Memo\n1,,,a\n2,,,b",
    "CRLF": b"N,Day,At,Memo\r\n1,,,a\r\n2,,,b\r\n",
    "CR": b"N,Day,At,Memo\r1,,,a\r2,,,b\r",
    "line ends in cells": b'N,Day,At,Memo\n1,,,"a\n\n""x""\n"\n2,,,b\n',
    "semicolons": b"N;Day;At;Memo\n1;;;a\n2;;;b\n",
}


@pytest.mark.parametrize("org", ["acme", "", 'a,"b";\n\\.\nc', "'", 7])
@pytest.mark.parametrize("name", FILES)
def test_every_row_has_the_org_to_the_character(target: Imports, name: str, org: str | int) -> None:
    assert bring(target, FILES[name], orgId=org)["inserted"] == 2
    first = 'a\n\n"x"\n' if name == "line ends in cells" else "a"
    assert stored(target, '"orgId", memo, way') == [(str(org), first, "COPY"), (str(org), "b", "COPY")]


@pytest.mark.parametrize(("column", "value", "way"), [
    ("bit(3)", "100", "INSERT"),
    ("money", "$10.00", "INSERT"),  # COPY reads it by the server's lc_monetary
    ("integer", "10", "COPY"),
])  # fmt: skip
def test_an_org_is_cast_to_the_type_of_its_column(target: Imports, column: str, value: str, way: str) -> None:
    target.connection.execute('ALTER TABLE straight DROP "orgId"')
    target.connection.execute(f'ALTER TABLE straight ADD "orgId" {column}')
    bring(target, FILES["plain"], orgId="10")
    assert stored(target, '"orgId"::text, way') == [(value, way)] * 2


def test_a_table_with_rules_is_refused_once_and_for_all(target: Imports) -> None:
    target.connection.execute("CREATE RULE none_at_all AS ON INSERT TO straight DO ALSO DELETE FROM notes")
    refusal = target.refusal(FILES["plain"], table="straight", mapping=COLUMNS, orgId="acme")
    assert "cannot take this import" in refusal
    assert "rules" in refusal
