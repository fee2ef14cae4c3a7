"""A dry run tells how a file is read and what would come of it, and leaves nothing behind."""

from __future__ import annotations

from typing import Any

from tests.bundled.conftest import HEADER, Imports

BANK = "Konto;DE12\n\nBuchung;Betrag;Text\n03.01.2026;1.234,50;Miete\n05.01.2026;-7,25;Tee\n"


def dry(imports: Imports, file: str | bytes, **payload: Any) -> dict[str, Any]:
    content = file if isinstance(file, bytes) else file.encode()
    return dict(imports.run(content, dryRun=True, **payload).result)


def test_a_file_without_target_is_read_as_texts(imports: Imports) -> None:
    found = dry(imports, BANK, table=None, mapping=None)
    assert found["dialect"] == {
        "encoding": "utf-8",
        "delimiter": ";",
        "quote": '"',
        "escape": None,
        "trim": False,
        "skipRows": 2,
        "headerRows": 1,
    }
    assert found["header"] == ["Buchung", "Betrag", "Text"]
    assert found["mapping"] == {"buchung": "Buchung", "betrag": "Betrag", "text": "Text"}
    assert found["columns"] == ["buchung", "betrag", "text"]
    assert found["rows"][0] == {"buchung": "03.01.2026", "betrag": "1.234,50", "text": "Miete"}
    assert found["complaints"] == []


def test_the_suggestion_is_a_payload_that_imports_the_file(imports: Imports) -> None:
    found = dry(imports, BANK, table=None, mapping=None)
    columns = ", ".join(f"{name} text" for name in found["columns"])
    imports.connection.execute(f"DROP TABLE IF EXISTS bank; CREATE TABLE bank ({columns})")
    result = imports.run(BANK.encode(), **found["suggestion"] | {"table": "bank"}).result
    assert result["inserted"] == 2
    assert "warnings" not in result


def test_rows_are_shown_as_the_table_would_store_them(imports: Imports) -> None:
    mapping = {"date": "Buchung", "amount": "Betrag", "description": "Text"}
    formats: dict[str, Any] = {"dateFormats": ["%d.%m.%Y"], "decimal": ",", "thousands": "."}
    found = dry(imports, BANK, mapping=mapping, orgId="acme", **formats)
    assert found["rows"] == [
        {"orgId": "acme", "date": "2026-01-03", "amount": "1234.50", "description": "Miete"},
        {"orgId": "acme", "date": "2026-01-05", "amount": "-7.25", "description": "Tee"},
    ]
    assert found["suggestion"]["dateFormats"] == ["%d.%m.%Y"]
    assert imports.count("transactions") == 0


def test_a_mapping_is_found_by_the_names_of_the_columns(imports: Imports) -> None:
    found = dry(imports, "Source ID,DATE,Other\n1,2026-01-01,x\n", mapping=None)
    assert found["mapping"] == {"sourceId": "Source ID", "date": "DATE"}


def test_the_first_ten_complaints_name_row_column_and_value(imports: Imports) -> None:
    bad = "".join(f"{row},never,1,x\n" for row in range(30))
    found = dry(imports, HEADER + b"0,,1,ok\n1,2\n3,,666,check\n" + bad.encode())
    assert len(found["complaints"]) == 10
    first, second = found["complaints"][:2]
    assert (first["row"], first["column"]) == (3, None)
    assert "missing data" in first["reason"]
    assert (second["row"], second["column"], second["value"]) == (5, "date", "never") or second["row"] == 4
    assert found["rows"][0]["sourceId"] == "0"


def test_a_dry_run_takes_no_row_and_uses_up_no_number(imports: Imports) -> None:
    dry(imports, HEADER + b"1,,1,a\n")
    imports.run(HEADER + b"1,,1,a\n")
    assert imports.rows("id") == [(1,)]


def test_a_file_of_numbers_has_no_header(imports: Imports) -> None:
    found = dry(imports, "1,2.5\n2,3.5\n3,4.5\n", table=None, mapping=None)
    assert (found["dialect"]["headerRows"], found["mapping"]) == (0, {"column_1": 1, "column_2": 2})


def test_what_a_person_must_know_is_a_warning(imports: Imports) -> None:
    found = dry(imports, b"Title\n\na,b\n1,caf\xe9\n2,x\n", table=None, mapping=None)
    assert len(found["warnings"]) == 2
    assert "windows-1252" in found["warnings"][0]
    assert found["warnings"][1] == "row 3 is the header; the rows above it are left out"
    again = dry(imports, "a,b\n1,\x96\n", table=None, mapping=None)
    assert "control characters" in again["warnings"][0]


def test_spaces_behind_every_delimiter_belong_to_no_cell(imports: Imports) -> None:
    found = dry(imports, "a, b\n1, x\n2, y\n", table=None, mapping=None)
    assert found["suggestion"]["trim"] is True
    assert found["rows"] == [{"a": "1", "b": "x"}, {"a": "2", "b": "y"}]


def test_single_quotes_are_found_where_every_one_is_closed(imports: Imports) -> None:
    file = "id,name\n1,'Rue, Anna'\n2,'it''s me'\n"
    assert dry(imports, file, table=None, mapping=None)["suggestion"]["quote"] == "'"
    found = dry(imports, "id,name\n1,'t Hooft\n2,'s Gravenhage\n3,'x'\n", table=None, mapping=None)
    assert found["suggestion"]["quote"] == '"'


def test_the_header_of_a_short_file_is_found_below_lines_about_the_account(imports: Imports) -> None:
    above = "Bank X\nAccount;123\nFrom;2026-01-01\n\n"
    file = above + "Date;Amount;Text\n2026-01-02;5,00;a\n2026-01-03;6,00;b\n"
    assert dry(imports, file, table=None, mapping=None)["header"] == ["Date", "Amount", "Text"]


def test_what_is_suggested_may_be_asked_for(imports: Imports) -> None:
    file = "note\n" * 102 + "".join(f"{day},{day}.5,x\n" for day in range(150))
    found = dry(imports, file, table=None, mapping=None)
    assert found["suggestion"]["skipRows"] == 101
    assert dry(imports, file, table=None, **found["suggestion"])["rows"] == found["rows"]


def test_other_line_ends_in_the_middle_of_rows_are_bad_rows(imports: Imports) -> None:
    found = dry(imports, b"a,b\r1,2\r\n3,4\r5,6\r", table=None, mapping=None)
    assert found["rows"] == [{"a": "1", "b": "2"}, {"a": "5", "b": "6"}]
    assert "mixes CR with LF" in found["complaints"][0]["reason"]


SEVERAL = (
    "Meetings,,,\nMinister,Month,Guest,Purpose\nA,Oct-14,X,aid\n,,Y,\nB,Oct-14,Z,aid\n,,,\n,,,\n"
    "Travel,,,\nMinister,Date of trip,Place,Cost\n"
    + "".join(f"B,{day} October 2014,Cairo,{day}\n" for day in range(1, 9))
    + ",,,\n,,,\nGifts,,,\nMinister,Date,Gift,Value\nNil return,,,\n"
)


def test_an_import_that_takes_the_suggestion_tells_of_the_further_tables_of_its_file(
    imports: Imports,
) -> None:
    found = dry(imports, SEVERAL, table=None, mapping=None)
    assert found["suggestion"]["skipRows"] == 8
    columns = ", ".join(f"{name} text" for name in found["columns"])
    imports.connection.execute(f"DROP TABLE IF EXISTS travel; CREATE TABLE travel ({columns})")
    result = imports.run(SEVERAL.encode(), **found["suggestion"] | {"table": "travel"}).result
    assert result["warnings"] == [
        "row 9 is the header; the rows above it are left out; they look like a table of their own",
        "further tables seem to begin in these rows, and are taken for rows of this one (1 in all): 20",
    ]
    assert found["warnings"] == result["warnings"]


def test_blank_rows_a_footer_and_a_few_facts_above_are_no_further_tables(imports: Imports) -> None:
    facts = "Account,DE12\nFrom,2026-01-01\n\n"
    file = f"{facts}Id,Date,Amount,Memo\n1,2026-01-02,3,a\n\n\n2,2026-01-03,4,b\n\n2 rows,,,\n"
    assert "warnings" not in imports.run(file.encode(), skipRows=3, headerRows=1).result
