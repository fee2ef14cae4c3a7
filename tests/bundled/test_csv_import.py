"""The type `csv_import` on real files and a real server."""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from rowcrew.family import own_tables
from rowcrew.model.outcome import Errored, Released
from tests.bundled.conftest import HEADER, Imports, permanent_error, report

NOTES = {"table": "notes", "mapping": {"first": "a", "second": "b", 'the "third" one': "c"}}


def file_of(rows: int) -> bytes:
    lines = (f'{row},2026-{row % 12 + 1:02}-01,{row}.50,"card payment, shop {row}"\n' for row in range(rows))
    return HEADER + "".join(lines).encode()


def test_rows_of_the_file_become_rows_of_the_table(imports: Imports) -> None:
    file = HEADER + b'1,2026-03-01,12.50,"Coffee, black"\n2,,,\n'
    result = imports.run(file, orgId="acme").result
    assert imports.rows() == [("1", "2026-03-01", "12.50", "Coffee, black"), ("2", None, None, None)]
    assert imports.rows('"orgId"') == [("acme",), ("acme",)]
    assert result == {
        "rows": 2,
        "inserted": 2,
        "duplicates": 0,
        "rejected": 0,
        "flagged": 0,
        "errorReportKey": None,
        "fileSha256": hashlib.sha256(file).hexdigest(),
    }


@pytest.mark.parametrize("file", [
    HEADER, file_of(100), HEADER + b'1,,,a "b" c\n' * 10, file_of(50).decode().encode("utf-16"),
    file_of(50).removesuffix(b"\n"), HEADER + b"1,never,,\n2,,,\n",
])  # fmt: skip
def test_the_hash_is_that_of_the_whole_file(
    imports: Imports, monkeypatch: pytest.MonkeyPatch, file: bytes
) -> None:
    monkeypatch.setattr("rowcrew.bundled.csv_import.encodings.CHUNK_BYTES", 256)
    assert imports.run(file).result["fileSha256"] == hashlib.sha256(file).hexdigest()


def test_the_same_file_through_psql_copy_gives_the_same_rows(imports: Imports, data: Path) -> None:
    awkward = [
        '"a",2026-02-28,"1.00","a ""quoted"" word"',
        'b,2026-02-28,2.00,"two\nlines, ""q"""',
        'c,,,""',
        "d,2026-02-28,4.00,café =1+1 \\. \\N '' \t 漢字 🙂",
        '"\\.",2026-02-28,-5,mid"dle, quo"te',
    ]
    file = file_of(30_000) + "\n".join(awkward).encode()
    path = data / "file.csv"
    path.write_bytes(file)
    imports.connection.execute("DROP TABLE IF EXISTS sibling; CREATE TABLE sibling (LIKE transactions)")
    imports.connection.execute('ALTER TABLE sibling DROP COLUMN id, DROP COLUMN "orgId"')
    copy = f"\\copy sibling (\"sourceId\", date, amount, description) from '{path}' (format csv, header)"
    imports.server.run("psql", "-X", f"--command={copy}", url=imports.url)

    assert imports.run_source({"path": "file.csv"}).result["inserted"] == 30_005

    columns = '"sourceId", date, amount, description'
    for one, other in (("transactions", "sibling"), ("sibling", "transactions")):
        difference = f"SELECT {columns} FROM {one} EXCEPT ALL SELECT {columns} FROM {other}"
        assert imports.connection.execute(difference).fetchall() == []
    assert imports.count("sibling") == 30_005


CELLS = st.text(
    st.characters(codec="utf-8", exclude_characters="\0") | st.sampled_from(",;\"\n\r\t\\.='é"), max_size=12
)
ROWS = st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=12)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=ROWS,
    delimiter=st.sampled_from(",;\t|"),
    line_end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1"]),
    ends_with_line_end=st.booleans(),
)
def test_every_cell_arrives_to_the_character(
    imports: Imports,
    rows: list[tuple[str, str, str]],
    delimiter: str,
    line_end: str,
    encoding: str,
    ends_with_line_end: bool,
) -> None:
    imports.clear()
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=line_end, quoting=csv.QUOTE_ALL)
    writer.writerows([("a", "b", "c"), *rows])
    try:
        file = text.getvalue().removesuffix("" if ends_with_line_end else line_end).encode(encoding)
    except UnicodeEncodeError:
        assume(False)
    given_encoding = "latin-1" if encoding == "latin-1" else "auto"

    result = imports.run(file, encoding=given_encoding, **NOTES).result

    assert result["inserted"] == len(rows)
    arrived = imports.connection.execute('SELECT first, second, "the ""third"" one" FROM notes').fetchall()
    assert arrived == rows


def test_latin_1_is_seen_where_utf_8_cannot_be(imports: Imports) -> None:
    imports.run(HEADER + "1,,,Café".encode("latin-1"))
    imports.run(HEADER + "2,,,Café".encode())
    imports.run(codecs.BOM_UTF8 + HEADER + "3,,,Café".encode())
    imports.run((HEADER.decode() + "4,,,Café").encode("utf-16"))
    assert imports.rows("description") == [("Café",)] * 4
    assert "not in the encoding utf-8" in imports.refusal(HEADER + b"5,,,Caf\xe9", encoding="utf-8")


def test_bad_rows_are_listed_by_number_and_the_good_ones_kept(imports: Imports) -> None:
    file = HEADER + b"\n".join(
        [
            b"1,2026-01-01,1,ok",
            b"2,2026-02-30,1,no such day",
            b"3,2026-01-01,1",
            b"4,2026-01-01,1,one,too many",
            b"5,2026-01-01,abc,no number",
            b"6,2026-01-01,1,N\0L",
            b"",
            b"8,2026-01-01,666,refused by a CHECK",
            b'9,2026-01-01,1,"two\nlines"',
            b"=10,2026-01-01,x,=cmd",
            b"11,2026-01-01,1,ok",
        ]
    )
    result = imports.run(file).result
    assert [row[0] for row in imports.rows('"sourceId"')] == ["1", "9", "11"]
    assert (result["rows"], result["inserted"], result["rejected"]) == (10, 3, 7)
    header, *bad = report(imports, result)
    assert header == ["row", "reason", "record"]
    assert [row for row, _, _ in bad] == ["3", "4", "5", "6", "7", "9", "11"]
    reasons = [reason for _, reason, _ in bad]
    assert "date/time field value out of range" in reasons[0]
    assert "missing data" in reasons[1]
    assert "extra data" in reasons[2]
    assert "invalid input syntax for type numeric" in reasons[3]
    assert "invalid byte sequence" in reasons[4]
    assert "violates check constraint" in reasons[5]
    assert bad[-1][2] == "'=10,2026-01-01,x,=cmd"  # no spreadsheet runs the report


def test_mixed_line_ends_are_all_read(imports: Imports) -> None:
    assert imports.run(b"Id,Date,Amount,Memo\r\n1,,,a\n2,,,b\r\n3,,,c\n").result["inserted"] == 3
    assert imports.run(HEADER.replace(b"\n", b"\r") + b"4,,,d\r5,,,e\r").result["inserted"] == 2
    assert [row[0] for row in imports.rows("description")] == list("abcde")


def test_too_many_bad_rows_leave_nothing_behind(imports: Imports) -> None:
    file = file_of(500) + b"x,never,1,bad\n" * 3
    error = imports.refusal(file, maxErrors=2)
    assert "more than maxErrors = 2 rows are bad; row 502: " in error
    assert imports.run(file, maxErrors=3).result["rejected"] == 3
    assert imports.count("transactions") == 500
    error = imports.refusal(file, onError="fail")
    assert "onError is fail; row 502: invalid input syntax for type date" in error
    assert imports.count("transactions") == 500


def test_a_file_without_one_good_row_fails(imports: Imports) -> None:
    assert "none of the 2 rows can be imported" in imports.refusal(HEADER + b"1,x,1,a\n2,y,1,b\n")


def test_duplicates_are_counted_and_not_imported_again(imports: Imports) -> None:
    dedupe: dict[str, Any] = {"dedupe": ["orgId", "sourceId"], "orgId": "acme"}
    file = file_of(300)
    assert imports.run(file + b"7,2026-01-01,1,again\n", **dedupe).result["duplicates"] == 1
    again = imports.run(file, **dedupe).result
    assert (again["inserted"], again["duplicates"]) == (0, 300)
    assert imports.run(file, **dedupe | {"orgId": "other"}).result["inserted"] == 300


@pytest.mark.parametrize(
    "payload", [{}, {"orgId": "acme"}, {"thousands": ","}, {"dateFormats": ["%Y-%m-%d"]}], ids=str
)
def test_rows_arrive_the_same_whether_they_are_converted_on_the_way_or_not(
    imports: Imports, payload: dict[str, Any]
) -> None:
    file = HEADER + b'1, 2026-03-01 ," 12.50 ",\n"2","","",""\n3,2026-3-1,-.5,  x \n4,2026-02-30,1,bad\n'
    result = imports.run(file, **payload).result
    assert (result["inserted"], result["rejected"]) == (3, 1)
    assert imports.rows() == [
        ("1", "2026-03-01", "12.50", None),
        ("2", None, None, ""),
        ("3", "2026-03-01", "-0.50", "  x "),
    ]


def test_duplicates_and_bad_rows_in_one_file_are_told_apart(imports: Imports, data: Path) -> None:
    imports.connection.execute('CREATE UNIQUE INDEX only_source_id ON transactions ("sourceId")')
    imports.run(file_of(5_000))
    (data / "file.csv").write_bytes(file_of(50_000) + b"7,2026-01-01,1,again\nx,never,1,bad\n")
    result = imports.run_source({"path": "file.csv"}).result
    assert (result["inserted"], result["duplicates"], result["rejected"]) == (45_000, 5_001, 1)
    assert report(imports, result)[1][0] == "50003"
    assert imports.count("transactions") == 50_000


def test_row_security_applies_to_imported_rows(imports: Imports) -> None:
    imports.connection.execute("""
        DROP ROLE IF EXISTS importer;
        CREATE ROLE importer LOGIN;
        GRANT SELECT, INSERT ON transactions, blobs TO importer;
        GRANT UPDATE ON blobs TO importer;
        ALTER TABLE transactions ENABLE ROW LEVEL SECURITY;
        CREATE POLICY small ON transactions FOR INSERT TO importer WITH CHECK (amount < 10)
    """)
    url = imports.url.replace("postgres@", "importer@", 1)
    as_importer = Imports(imports.server, url, imports.connection)
    assert as_importer.run(HEADER + b"1,,5,small\n").result["inserted"] == 1
    refused = as_importer.run(HEADER + b"2,,5,small\n3,,50,large\n").outcome
    assert isinstance(refused, Errored)
    assert "row-level security" in refused.error
    assert imports.count("transactions") == 1


def test_rows_that_a_trigger_leaves_out_are_not_counted_as_inserted(imports: Imports) -> None:
    imports.connection.execute("""
        CREATE OR REPLACE FUNCTION leave_out() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
        CREATE TRIGGER leave_out BEFORE INSERT ON transactions FOR EACH ROW WHEN (NEW.description = 'b')
            EXECUTE FUNCTION leave_out()
    """)
    assert imports.run(HEADER + b"1,,,a\n2,,,b\n3,,,c\n").result["inserted"] == 2
    assert imports.count("transactions") == 2


def test_a_column_that_the_database_numbers_itself_cannot_be_filled(imports: Imports) -> None:
    error = imports.refusal(b"Id\n1\n", mapping={"id": "Id"})
    assert "cannot insert a non-DEFAULT value into column" in error


def test_dedupe_needs_a_unique_index_on_its_columns(imports: Imports) -> None:
    assert "no unique index on exactly (sourceId)" in imports.refusal(file_of(1), dedupe=["sourceId"])


def test_dates_and_numbers_are_read_as_the_payload_says(imports: Imports) -> None:
    formats = ["%d/%m/%Y", "%d-%b-%y", "%Y%m%d"]
    file = HEADER + b'1,31/12/2026,"1.234.567,50",a\n2,02-Jan-26,"-5,5",b\n3,20260704,7,c\n4,,,d\n'
    result = imports.run(file, dateFormats=formats, decimal=",", thousands=".").result
    assert result["rejected"] == 0
    assert [row[1:3] for row in imports.rows()] == [
        ("2026-12-31", "1234567.50"),
        ("2026-01-02", "-5.50"),
        ("2026-07-04", "7.00"),
        (None, None),
    ]


@pytest.mark.parametrize(
    ("row", "payload"),
    [
        (b'1,2026-01-01,"1,50",a', {"thousands": ","}),
        (b"1,2026-01-01,1.50,a", {"thousands": ".", "decimal": ","}),
        (b'1,2026-01-01,"1,50",a', {}),
        (b"1,03/04/2026,1,a", {}),
        (b"1,03/04/26,1,a", {"dateFormats": ["%d/%m/%Y"]}),
        (b"1,31/04/2026,1,a", {"dateFormats": ["%d/%m/%Y"]}),
    ],
)
def test_what_could_be_misread_is_refused(imports: Imports, row: bytes, payload: dict[str, Any]) -> None:
    assert "none of the 1 rows can be imported" in imports.refusal(HEADER + row, **payload)


def test_a_value_too_long_is_refused_and_not_cut(imports: Imports) -> None:
    result = imports.run(b"a,b,c\n1," + b"x" * 41 + b",2\n1,ok,2\n", **NOTES).result
    assert (result["inserted"], result["rejected"]) == (1, 1)
    assert "too long" in report(imports, result)[1][1]


def test_cells_that_look_like_formulas_are_kept_and_counted(imports: Imports) -> None:
    cells = ["=cmd|' /C calc'!A0", "+1+2", "-2+3", "@SUM(A1)", "-5", "+1.50", "plain", "a=b"]
    file = HEADER + "".join(f'{row},,,"{cell}"\n' for row, cell in enumerate(cells)).encode()
    assert imports.run(file).result["flagged"] == 4
    assert [row[0] for row in imports.rows("description")] == cells


def test_only_what_is_stored_is_counted_as_a_formula(imports: Imports) -> None:
    options: dict[str, Any] = {"nulls": ["-", "=NA"], "trim": True}
    result = imports.run(HEADER + b'1,,,-\n2,,,=NA\n3,,," =1+1"\n', **options).result
    assert imports.rows("description") == [(None,), (None,), ("=1+1",)]
    assert result["flagged"] == 1


FORMULA_CELLS = st.text(st.sampled_from('=+-@\t\r"\n1.,; x'), max_size=6)


def is_formula(cell: str) -> bool:
    return cell[:1] in ("=", "+", "-", "@", "\t", "\r") and not re.fullmatch(r"[-+]?[0-9.,]+", cell)


def quoted(cell: str) -> str:
    needs_quotes = not cell or set(cell) & set('",;\t|\r\n')
    return '"' + cell.replace('"', '""') + '"' if needs_quotes else cell


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(rows=[("-", "1", "")], delimiter=",", line_end="\n")
@given(
    rows=st.lists(st.tuples(FORMULA_CELLS, FORMULA_CELLS, FORMULA_CELLS), max_size=6),
    delimiter=st.sampled_from(",;\t|"),
    line_end=st.sampled_from(["\n", "\r\n"]),
)
def test_no_cell_that_looks_like_a_formula_goes_uncounted(
    imports: Imports, rows: list[tuple[str, str, str]], delimiter: str, line_end: str
) -> None:
    imports.clear()
    lines = [delimiter.join(map(quoted, row)) for row in [("a", "b", "c"), *rows]]
    result = imports.run(line_end.join(lines).encode(), **NOTES).result
    assert result["flagged"] == sum(is_formula(cell) for row in rows for cell in row)


def test_negative_numbers_stay_numbers(imports: Imports) -> None:
    assert imports.run(HEADER + b"1,,-12.50,a\n").result["flagged"] == 0
    assert imports.rows("amount::text") == [("-12.50",)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(imports: Imports, delimiter: str) -> None:
    file = 'Id|Date|Amount|Memo\n1||2|"a,;\t|b"\n'.replace("|", delimiter)
    assert imports.run(file.encode()).result["inserted"] == 1


def test_headers_are_matched_in_any_order_and_others_ignored(imports: Imports) -> None:
    imports.run(b'Memo , Extra,"Amount",Date,Id\nm,x,1,2026-01-01,7\n')
    assert imports.rows() == [("7", "2026-01-01", "1.00", "m")]


def test_a_missing_or_doubled_header_fails_and_says_which_there_are(imports: Imports) -> None:
    error = imports.refusal(b"Id,Datum,Amount,Memo\n1,,,\n")
    assert "no column 'Date'; its columns are Id, Datum, Amount, Memo" in error
    assert "2 columns 'Id'" in imports.refusal(b"Id,Id,Date,Amount,Memo\n1,1,,,\n")
    assert "no column 'Id'; its columns are 1, 2026-01-01, 2, x" in imports.refusal(b"1,2026-01-01,2,x\n")


def test_an_empty_file_fails_and_a_header_alone_imports_nothing(imports: Imports) -> None:
    assert "the file is empty" in imports.refusal(b"")
    assert imports.run(HEADER).result["rows"] == 0
    assert imports.run(HEADER.rstrip()).result["rows"] == 0


def test_a_quote_left_open_fails_the_whole_file_at_its_row(imports: Imports) -> None:
    assert "row 3: a quote" in imports.refusal(HEADER + b'1,,,a\n2,,,"open\n3,,,c\n')


def test_a_record_without_end_is_refused_before_it_fills_the_memory(imports: Imports, data: Path) -> None:
    (data / "long.csv").write_bytes(HEADER + b'1,,,"' + b"x" * 10_000_000 + b'"\n')
    assert "row 2: longer than" in permanent_error(imports.run_source({"path": "long.csv"}))


def test_progress_tells_the_rows(imports: Imports, data: Path) -> None:
    (data / "file.csv").write_bytes(file_of(51_200))
    run = imports.run_source({"path": "file.csv"})
    told = [said["current"] for said in run.progress]
    assert told == sorted(told)
    assert len(told) > 2
    assert run.progress[-1] == {
        "current": 51_200,
        "total": 51_200,
        "message": "Imported 51,200 of 51,200 rows",
    }


def test_a_cancelled_import_leaves_no_row(imports: Imports, data: Path) -> None:
    (data / "file.csv").write_bytes(file_of(51_200))
    run = imports.run_source({"path": "file.csv"}, stop_at_progress=2)
    assert isinstance(run.outcome, Released)
    assert 0 < run.progress[-1]["current"] < 51_200
    assert imports.count("transactions") == 0


@pytest.mark.parametrize("name", ['"; DROP TABLE transactions; --', "select", "x" * 60, "Größe", "a%sb%(c)s"])
def test_any_column_name_is_only_a_name(imports: Imports, name: str) -> None:
    from psycopg import sql

    create = sql.SQL("DROP TABLE IF EXISTS odd; CREATE TABLE odd ({} text)").format(sql.Identifier(name))
    imports.connection.execute(create)
    header = io.StringIO()
    csv.writer(header).writerow([name, "x"])
    file = header.getvalue().encode() + b"1,2\n"
    assert imports.run(file, table="odd", mapping={name: name}).result["inserted"] == 1
    assert imports.count("odd") == 1


def test_rowcrews_own_tables_cannot_be_filled(imports: Imports) -> None:
    tables = imports.connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        " AND tablename NOT IN ('transactions', 'notes', 'sibling', 'odd')"
    ).fetchall()
    assert {name for (name,) in tables} <= own_tables()
    for (name,) in tables:
        assert "one of Rowcrew's own tables" in imports.refusal(b"a\n1\n", table=name, mapping={"id": "a"})


def test_tables_and_columns_must_exist(imports: Imports) -> None:
    assert "there is no table 'nowhere'" in imports.refusal(file_of(1), table="nowhere")
    assert "there is no table 'job_status'" in imports.refusal(file_of(1), table="job_status")  # a view
    error = imports.refusal(file_of(1), mapping={"nope": "Id"})
    assert "table 'transactions' has no column 'nope'; its columns are id, orgId, " in error
    assert "no column 'orgId'" in imports.refusal(b"a,b,c\n1,2,3\n", **NOTES, orgId="acme")


def test_the_setting_limits_the_tables(imports: Imports, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "not in schema public" in imports.refusal(file_of(1), table="pg_catalog.pg_class")
    monkeypatch.setenv("CSV_IMPORT_TABLES", "other,public.notes")
    assert "not in CSV_IMPORT_TABLES" in imports.refusal(file_of(1))
    assert imports.run(b"a,b,c\n1,2,3\n", **NOTES).result["inserted"] == 1


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({"mapping": {}}, "payload.mapping"),
        ({"dateFormats": ["%Q"]}, "%Q is unknown"),
        ({"unknown": 1}, "`unknown`"),
        ({"dateFormats": ["%d/%d"]}, "something twice"),
        ({"thousands": ".", "decimal": "."}, "thousands and decimal are both"),
        ({"onError": "ignore"}, "payload.onError"),
        ({"encoding": "ebcdic"}, "payload.encoding"),
        ({"orgId": "a", "mapping": {"orgId": "Id"}}, "mapping must not fill the column orgId"),
    ],
)
def test_a_wrong_payload_is_told_what_is_wrong(imports: Imports, payload: dict[str, Any], said: str) -> None:
    assert said in imports.refusal(file_of(1), **payload)
