"""How files are laid out in the wild: encodings, quotes, line ends, headers, and what is no CSV at all."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path
from typing import Any, Literal
from unicodedata import normalize

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rowcrew.bundled.csv_import import encodings
from rowcrew.bundled.csv_import.encodings import found_encoding
from rowcrew.context import PermanentError
from tests.bundled.conftest import HEADER, Imports, report

AB = {"table": "notes", "mapping": {"first": "a", "second": "b"}}


def notes(imports: Imports) -> list[tuple[Any, ...]]:
    return imports.connection.execute("SELECT first, second FROM notes").fetchall()


def bring(imports: Imports, file: bytes | str, **payload: Any) -> dict[str, Any]:
    return dict(imports.run(file.encode() if isinstance(file, str) else file, **AB | payload).result)


def test_windows_1252_is_what_is_not_utf_8_and_the_result_says_so(imports: Imports) -> None:
    result = bring(imports, b"a,b\n1,5 \x80 \x96 \x93x\x94\n2,\x81\n")
    assert notes(imports) == [("1", "5 € – “x”"), ("2", "\x81")]  # noqa: RUF001
    assert "it was read as windows-1252" in result["warnings"][0]


@settings(max_examples=300)
@example(pieces=["a", b"\xc3", "bc", b"\xa9"])
@given(
    pieces=st.lists(
        st.sampled_from(["a", "bc", "é", "漢", "🙂", b"\xc3", b"\xa9", b"\xff", b"\xe6"]), max_size=6
    )
)
def test_a_file_is_utf_8_if_it_is_so_as_a_whole_wherever_it_is_cut(pieces: list[str | bytes]) -> None:
    file = b"".join([piece.encode() if isinstance(piece, str) else piece for piece in pieces])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encodings, "CHUNK_BYTES", 2)
        try:
            found_encoding(io.BytesIO(file), "utf-8")
            is_utf_8 = True
        except PermanentError:
            is_utf_8 = False
    assert is_utf_8 is (file.decode("utf-8", "replace").encode() == file)


def test_one_bad_byte_in_a_utf_8_file_costs_its_row_and_no_other(imports: Imports) -> None:
    lines = "".join(f"{row},Zoë\n" for row in range(20))
    result = bring(imports, b"a,b\n" + lines.encode() + b"x,caf\xe9\n")
    assert (result["inserted"], result["rejected"]) == (20, 1)
    assert notes(imports)[0] == ("0", "Zoë")
    assert "0xe9" in report(imports, result)[1][1]


@pytest.mark.parametrize("end", [b"x,caf\xe9\n", b"x,caf\xc3"])
def test_one_good_character_tells_utf_8_from_one_bad_byte(imports: Imports, end: bytes) -> None:
    result = bring(imports, "a,b\n1,Zoë\n".encode() + end)
    assert notes(imports) == [("1", "Zoë")]
    assert result["warnings"] == ["the file is UTF-8 but for a few bytes (1 in all), whose rows are bad rows"]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("windows-1250", "żółw"),
        ("windows-1251", "привет"),
        ("windows-1253", "γειά"),
        ("mac-roman", "café"),
        ("iso-8859-15", "5 €"),
        ("ibm850", "Müller"),
        ("shift_jis", "日本"),
        ("gb18030", "中文"),
        ("utf-16-le", "Zoë"),
    ],
)
def test_an_encoding_may_be_named(imports: Imports, encoding: str, text: str) -> None:
    bring(imports, f"a,b\n1,{text}\n".encode(encoding.replace("mac-roman", "mac_roman")), encoding=encoding)
    assert notes(imports) == [("1", text)]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_is_seen_without_its_mark(imports: Imports, encoding: str) -> None:
    bring(imports, "a,b\n1,Zoë\n".encode(encoding))
    assert notes(imports) == [("1", "Zoë")]


@pytest.mark.parametrize("text", ["Имя", "名前と金額", "שלום"])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_of_any_script_is_seen_without_its_mark(imports: Imports, encoding: str, text: str) -> None:
    bring(imports, f"{text},b\n{text},{text}\n".encode(encoding), mapping={"first": text, "second": "b"})
    assert notes(imports) == [(text, text)]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_that_is_cut_off_is_no_reason_to_try_again(imports: Imports, encoding: str) -> None:
    file = "Id,Date,Amount,Memo\n1,2026-01-02,5,x\n".encode(encoding)
    assert "cut off" in imports.refusal(file[:-1])


def workbook() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo("xl/workbook.xml"), "<workbook/>")
    return file.getvalue()


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (workbook(), "Excel workbook"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0), "gzip"),
        ("a,b\n1,2\n".encode("utf-32"), "UTF-32"),
        ("a,b\n1,2\n".encode("utf-32-le"), "UTF-32"),
        ("a,b\n1,2\n".encode("utf-32-be"), "UTF-32"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"\n<!DOCTYPE HTML>\n<html></html>", "an HTML page"),
        (b'<?xml version="1.0"?>', "an XML document"),
        (b"<table><tr><td>1</td></tr></table>", "an HTML page"),
        (b"a.csv".ljust(257, b"\0") + b"ustar\x0000", "a tar archive"),
        (b"Obj\x01\x04", "an Avro file"),
        (b"ARROW1\0\0", "an Arrow file"),
        (b"GIF89a\x01\0", "a GIF picture"),
        (b'{"a": 1}', "JSON"),
        (b'[\n  {"a": 1}]', "JSON"),
    ],
)
def test_what_is_no_csv_is_called_by_its_name(imports: Imports, file: bytes, said: str) -> None:
    assert f"the file is no CSV file but {said}" in imports.refusal(file) or said in imports.refusal(file)


def test_a_header_may_hold_a_line_break(imports: Imports) -> None:
    file = 'Date,"Amount\n(EUR)",Memo\n2026-01-02,5,x\n'
    mapping = {"date": "Date", "amount": "Amount (EUR)", "description": "Memo"}
    assert imports.run(file.encode(), mapping=mapping).result["inserted"] == 1
    assert imports.run(file.encode(), mapping={"description": "Memo"}).result["inserted"] == 1


@pytest.mark.parametrize("name", ["a ", "\u200ba", "\ufeffa", " a"])
def test_what_nobody_sees_in_a_header_or_mapping_does_not_count(imports: Imports, name: str) -> None:
    imports.run(f"\ufeff{name},b\n1,2\n".encode(), table="notes", mapping={"first": "a"})
    imports.run(b"a,b\n1,2\n", table="notes", mapping={"first": name})
    assert notes(imports) == [("1", None)] * 2


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_header_may_be_composed_or_not(imports: Imports, form: Literal["NFC", "NFD"]) -> None:
    name = normalize(form, "Café")
    result = bring(imports, f"{name},b\n{name},b\n1,2\n", mapping={"first": normalize("NFC", name)})
    assert (notes(imports), result["rejected"]) == ([("1", None)], 1)
    bring(imports, "Café,b\n1,2\n", mapping={"first": name})
    assert notes(imports) == [("1", None)] * 2


def test_the_first_line_end_outside_quotes_decides(imports: Imports) -> None:
    bring(imports, 'a,b\r1,"two\nlines"\r2,z\r')
    bring(imports, '"a\r",b\n3,x\n', mapping={"first": "a", "second": "b"})
    assert notes(imports) == [("1", "two\nlines"), ("2", "z"), ("3", "x")]


def test_the_report_can_be_read_whatever_the_row_held(imports: Imports) -> None:
    result = bring(imports, b"a,b\n1,a\0b\n2,ok\n")
    ((text,),) = imports.connection.execute(
        "SELECT convert_from(bytes, 'UTF8') FROM blobs WHERE key = %s", [result["errorReportKey"]]
    )
    assert "a␀b" in text


def test_a_quote_in_the_middle_of_a_cell_is_a_character(imports: Imports) -> None:
    result = bring(imports, 'a,b\n1,Monitor 27" black\n2,Monitor 24" white\n3,"plain, quoted"\n4,x\n')
    assert notes(imports) == [
        ("1", 'Monitor 27" black'),
        ("2", 'Monitor 24" white'),
        ("3", "plain, quoted"),
        ("4", "x"),
    ]
    assert result["warnings"] == ["quotes in the middle of cells were kept, in these rows (2 in all): 2, 3"]


def test_a_quoted_cell_that_goes_on_costs_its_line_and_no_other(imports: Imports) -> None:
    result = bring(imports, 'a,b\n"Table 48" round",1\nb,2\n"c\n""d""","multi\nline"\n')
    assert notes(imports) == [("b", "2"), ('c\n"d"', "multi\nline")]
    assert report(imports, result)[1][:1] == ["2"]
    assert "a quote inside a quoted cell is not doubled" in report(imports, result)[1][1]


@pytest.mark.parametrize("payload", [{}, {"escape": "\\"}])
def test_quotes_may_be_escaped_by_a_backslash(imports: Imports, payload: dict[str, Any]) -> None:
    lines = "".join(f'{row},"say \\"hi\\", {row}"\n' for row in range(84))
    result = bring(imports, "a,b\n" + lines, **payload)
    assert (result["inserted"], result["rejected"]) == (84, 0)
    assert notes(imports)[83] == ("83", 'say "hi", 83')


def test_other_quotes_are_given(imports: Imports) -> None:
    bring(imports, "a,b\n'it''s','x,\"y\"'\n", quote="'")
    bring(imports, 'a,b\n5",x"y\n', quote="")
    assert notes(imports) == [("it's", 'x,"y"'), ('5"', 'x"y')]


@pytest.mark.parametrize("payload", [{}, {"quote": "'"}])
def test_control_characters_are_told_however_the_file_is_read(
    imports: Imports, data: Path, payload: dict[str, Any]
) -> None:
    lines = "".join(f"{row},xxxxxxxx\n" for row in range(100_000))  # more than a block
    (data / "old.csv").write_text(f'a,b\n1,x"y\n{lines}2,\x96\n', encoding="utf-8")
    result = imports.run_source({"path": "old.csv"}, **AB | payload).result
    assert any("U+0096 (1 in all)" in warning for warning in result["warnings"])


def test_spaces_before_a_quote_do_not_make_it_a_character(imports: Imports) -> None:
    bring(imports, 'a, b\n1, "x, y"\n')
    assert notes(imports) == [("1", "x, y")]


def test_a_delimiter_at_the_end_of_every_row_is_no_cell(imports: Imports) -> None:
    assert bring(imports, "a;b\n1;2;\n3;4;\n")["inserted"] == 2
    assert bring(imports, "a;b;\n5;6\n")["inserted"] == 1
    result = bring(imports, "a;b\n" + "7;8;\n" * 300 + "9;10;lost\n")
    assert (result["inserted"], result["rejected"]) == (300, 1)
    assert "beyond them stands 'lost'" in report(imports, result)[1][1]


def test_an_empty_cell_too_many_may_have_moved_the_others(imports: Imports) -> None:
    result = bring(imports, "a;b\n1;2\n;3;\n4;5\n")
    assert notes(imports) == [("1", "2"), ("4", "5")]
    assert "extra data: the row has 3 cells" in report(imports, result)[1][1]


def test_the_header_is_the_first_row_with_all_mapped_names(imports: Imports) -> None:
    file = "Account;1\n\nfrom a;to b\na;b\n1;2\n"
    assert bring(imports, file)["inserted"] == 1
    assert notes(imports) == [("1", "2")]
    result = bring(imports, file + "3\n")
    assert report(imports, result)[1][0] == "6"


def test_rows_above_the_header_may_be_counted_instead(imports: Imports) -> None:
    file = "a;b\nfirst;table\na;b\n1;2\n"
    assert bring(imports, file, skipRows=2)["inserted"] == 1
    assert bring(imports, file)["inserted"] == 2
    assert "row 2 of the file has no column 'a'" in imports.refusal(file.encode(), **AB, skipRows=1)


def test_a_header_of_two_rows_is_joined(imports: Imports) -> None:
    file = "Sun,,Moon\nX,Y,X\n1,2,3\n"
    bring(imports, file, headerRows=2, mapping={"first": "Sun X", "second": "Moon X"})
    assert notes(imports) == [("1", "3")]


def test_a_file_without_header_is_mapped_by_number(imports: Imports) -> None:
    bring(imports, "1;2;3\n4;5;6\n", headerRows=0, mapping={"first": 3, "second": 1})
    assert notes(imports) == [("3", "1"), ("6", "4")]
    error = imports.refusal(b"1;2\n", **AB | {"mapping": {"first": 3}}, headerRows=0)
    assert "mapping.first: the file has 2 columns, no 3" in error


def test_columns_of_one_name_are_mapped_by_number(imports: Imports) -> None:
    bring(imports, "x,x\n1,2\n", headerRows=1, mapping={"first": 1, "second": 2})
    assert notes(imports) == [("1", "2")]


def test_a_line_that_names_the_delimiter_is_obeyed(imports: Imports) -> None:
    bring(imports, "sep=;\na;b\n1;2,5\n")
    bring(imports, '"sep=|"\r\na|b\r\n3|4\r\n')
    assert notes(imports) == [("1", "2,5"), ("3", "4")]


@pytest.mark.parametrize("sign", ["^", "~", "\x1f"])
def test_rarer_delimiters_are_found_and_obeyed(imports: Imports, sign: str) -> None:
    bring(imports, f"sep={sign}\na{sign}b\n1{sign}2,5\n")
    bring(imports, f"a{sign}b\n3{sign}4\n")
    assert notes(imports) == [("1", "2,5"), ("3", "4")]


def test_rows_of_nothing_but_delimiters_are_no_rows(imports: Imports) -> None:
    result = bring(imports, "a,b\n,\n1,2\n , \n\n3,4\n,\n")
    assert notes(imports) == [("1", "2"), ("3", "4")]
    assert result["rows"] == 2
    single = imports.run(b"a\n\n1\n\n2\n", table="notes", mapping={"first": "a"}).result
    assert single["rows"] == 2
    result = bring(imports, ",\n,\na,b\n5,6\n,\n7\n")
    assert [line[0] for line in report(imports, result)[1:]] == ["6"]


def test_a_header_in_the_middle_is_a_bad_row(imports: Imports) -> None:
    result = bring(imports, 'a,b\na,b\n1,2\n"a","b"\n3,4\n')
    assert notes(imports) == [("1", "2"), ("3", "4")]
    assert [line[:2] for line in report(imports, result)[1:]] == [
        ["2", "the row repeats the header"],
        ["4", "the row repeats the header"],
    ]


def test_a_wide_file_brings_the_columns_that_are_mapped(imports: Imports) -> None:
    names = ",".join(f"c{place}" for place in range(1, 1602))
    cells = ",".join(str(place) for place in range(1, 1602))
    file = f"{names}\n{cells}\n,,\n{cells},\n1,2\n"
    result = bring(imports, file, mapping={"first": "c2", "second": "c1601"})
    assert notes(imports) == [("2", "1601")] * 2
    assert "2 cells where the header has 1,601" in report(imports, result)[1][1]


def test_a_row_of_a_wide_file_is_one_though_its_mapped_cells_are_empty(imports: Imports) -> None:
    wide = ["z"] * 600
    rows = [",".join(["x", "y", *wide]), ",".join(["", "", *wide]), ",".join(["a", "b", *wide])]
    header = ",".join(["a", "b", *wide])
    result = bring(imports, "\n".join([header, *rows]))
    assert notes(imports) == [("x", "y"), (None, None)]
    assert report(imports, result)[1:] == [["4", "the row repeats the header", "a,b,…"]]


def test_texts_of_many_columns_need_no_room_in_one_row(imports: Imports) -> None:
    names = ",".join(f"c{place}" for place in range(1, 601))
    cells = ",".join(f"a text of some length, {place}".replace(",", ";") for place in range(1, 601))
    bring(imports, f"{names}\n{cells}\n", mapping={"first": "c2", "second": "c600"})
    assert notes(imports) == [("a text of some length; 2", "a text of some length; 600")]


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({"mapping": {"first": 1}}, "give headerRows"),
        ({"headerRows": 0}, "cannot name 'a'"),
        ({"mapping": {"first": 0}}, "mapping"),
        ({"mapping": None}, "mapping is missing"),
        ({"table": None}, "table is missing"),
    ],
)
def test_a_payload_that_leaves_the_layout_open_is_refused(
    imports: Imports, payload: dict[str, Any], said: str
) -> None:
    assert said in imports.refusal(b"a,b\n1,2\n", **AB | payload)


def test_the_header_row_is_never_imported_by_accident(imports: Imports) -> None:
    imports.run(HEADER + b"1,,,x\n")
    assert imports.rows('"sourceId"') == [("1",)]
