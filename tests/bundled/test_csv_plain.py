"""What needs no closer look, told in one pass: it comes in as it would with a closer look."""

from __future__ import annotations

import csv
import io
import re
from functools import cache
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from rowcrew.bundled.csv_import import encodings, grouping
from rowcrew.bundled.csv_import.cells import Cells, TargetColumn
from rowcrew.bundled.csv_import.csv_file import Block, quotes_in_order
from rowcrew.bundled.csv_import.examining import Examining, Records
from rowcrew.bundled.csv_import.staging import Plan
from rowcrew.model.outcome import Errored
from tests.bundled.conftest import Imports, report
from tests.bundled.test_csv_import import is_formula

TARGET: Final = """
    DROP TABLE IF EXISTS plain;
    CREATE TABLE plain (
        at bigint GENERATED ALWAYS AS IDENTITY, n numeric, day date, memo text, yes boolean, "orgId" text
    )
"""
MAPPING: Final = {"n": "N", "day": "Day", "memo": "Memo", "yes": "Yes"}
# Cells as they stand in a file, in quotes or not, in order or not.
CELL: Final = (
    st.sampled_from(
        ["", " ", "1", "-2.50", ".5", "1e3", "1.2.3", "NaN", "0x1F", "+", "2026-01-02", "20260102"]
    )
    | st.sampled_from(
        ["03/04/2026", "3/4/26", "today", "t", "true", "=1", "-x", "@", "\t", "a", "é", "\\.", "\0"]
    )
    | st.sampled_from(
        ['""', '"1"', '" 1 "', '"a,b"', '"a;b"', '"a\nb"', '"\n"', '"a""b"', '"""', '"a', 'a"', '"a"b']
    )
    | st.text(st.sampled_from('",;\n\r\t =-+1a'), max_size=4)
)
GOOD: Final = st.tuples(
    st.sampled_from(["1", '"1"', " -2.5 ", '" 7"', ".5", ""]),
    st.sampled_from(["2026-01-02", '"20260102"', ""]),
    st.sampled_from(["a", "é", '"a,b"', '"a""b"', '"a\nb"', '"""a"""', '""', ""]) | CELL,
    st.sampled_from(["t", '"f"', ""]),
).map(list)
RECORD: Final = st.one_of(GOOD, GOOD, st.lists(CELL, max_size=6))
LINE_END: Final = st.sampled_from(["\n", "\r\n", "\r"])
PAYLOADS: Final = st.sampled_from(
    [{}, {"orgId": 'a"c,me'}, {"dateFormats": ["%d/%m/%Y", "%Y-%m-%d"]}, {"thousands": ","}, {"trim": True}]
)


@pytest.fixture
def target(imports: Imports) -> Imports:
    imports.connection.execute(TARGET)
    return imports


@pytest.fixture
def closer_looks(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The blocks that an import looked at closely."""
    seen: list[bytes] = []
    examined = Examining.examined

    def noted(self: Examining, block: Block) -> Records:
        seen.append(block.data)
        return examined(self, block)

    monkeypatch.setattr(Examining, "examined", noted)
    return seen


def brought(target: Imports, file: bytes, payload: dict[str, Any]) -> tuple[Any, ...]:
    """Everything that can be seen of an import: how it ended, what is stored, and the complaints."""
    target.connection.execute("TRUNCATE plain RESTART IDENTITY")
    run = target.run(file, table="plain", mapping=MAPPING, maxErrors=1_000, **payload)
    stored = target.connection.execute('SELECT n, day, memo, yes, "orgId" FROM plain ORDER BY at').fetchall()
    if isinstance(run.outcome, Errored):
        return run.outcome.error, stored
    complaints = report(target, run.result) if run.result["rejected"] else []
    return {**run.result, "errorReportKey": None}, stored, complaints


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(records=[["1", "2026-01-02", "a", "t"]] * 1_001, delimiter=",", line_end="\n", payload={})
@given(
    records=st.lists(RECORD, max_size=5),
    delimiter=st.sampled_from(",;\t|"),
    line_end=LINE_END,
    payload=PAYLOADS,
)
def test_one_pass_and_a_closer_look_give_the_same_rows_and_complaints(
    target: Imports, records: list[list[str]], delimiter: str, line_end: str, payload: dict[str, Any]
) -> None:
    lines = ["N,Day,Memo,Yes".replace(",", delimiter), *map(delimiter.join, records)]
    file = line_end.join(lines).encode()
    found = brought(target, file, payload)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Examining, "plain", lambda self, block: None)
        assert brought(target, file, payload) == found


COLUMNS: Final = {
    "n": TargetColumn("numeric", "N", False, "N"),
    "day": TargetColumn("date", "D", False, "D"),
    "memo": TargetColumn("text", "S", False, "S"),
    "yes": TargetColumn("boolean", "B", False, "B"),
}


@cache
def examining(delimiter: str) -> Examining:
    plan = Plan(
        schema="public", table="plain", columns=COLUMNS | {"orgId": COLUMNS["memo"]},
        fields={name: place for place, name in enumerate(COLUMNS)}, constants={"orgId": "acme"}, dedupe=(),
        field_count=4, column_count=4, delimiter=delimiter, cells=Cells(),
    )  # fmt: skip
    return Examining(plan, all_staged=False)


@settings(max_examples=400, deadline=None)
@given(
    records=st.lists(RECORD, max_size=5),
    delimiter=st.sampled_from(",;\t| ^:"),
    line_end=LINE_END,
    ends=st.booleans(),
)
def test_a_closer_look_finds_nothing_in_what_is_plain(
    records: list[list[str]], delimiter: str, line_end: str, ends: bool
) -> None:
    text = line_end.join(map(delimiter.join, records)) + line_end * ends
    split = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    block = Block(1, len(split), text.encode(), b"\r" if line_end == "\r" else b"\n")
    looked_at = examining(delimiter)
    plain = looked_at.plain(block)
    event(f"plain: {plain is not None and bool(text)}")
    if plain is None or not text:
        return
    assert not looked_at.has_blank_rows(block)
    assert looked_at.examined(
        Block(1, len(split), f"{text.removesuffix(line_end)}{line_end}".encode(), block.line_end)
    ).is_plain
    assert {len(cells) for cells in split} == {4}
    assert not any(is_formula(cells[2]) for cells in split)
    assert plain.straight is not None
    straight = io.StringIO(plain.straight.decode(), newline="")
    assert list(csv.reader(straight, delimiter=delimiter)) == [["acme", *cells] for cells in split]
    assert quotes_in_order(delimiter).fullmatch(block.data)


@pytest.mark.parametrize(("memo", "payload"), [
    ("a", {}), ('"a, ""b""\n"', {}), ("", {}), ("a", {"orgId": "acme"}), ("a", {"dateFormats": ["%d/%m/%Y"]}),
])  # fmt: skip
def test_a_plain_file_gets_no_closer_look(
    target: Imports, closer_looks: list[bytes], memo: str, payload: dict[str, Any]
) -> None:
    day = "21/04/2026" if "dateFormats" in payload else "2026-04-21"
    file = "N,Day,Memo,Yes\n" + f'1,{day},{memo},t\n" -1.5 ", {day} ,{memo},\n,,,f\n' * 700
    assert brought(target, file.encode(), payload)[0]["inserted"] == 2_100
    assert closer_looks == []


@pytest.mark.parametrize("line", [
    "today,2026-01-02,a,t", "1,today,a,t", "1,2026-01-02,=a,t", '1,2026-01-02,"\t",t', "1,2026-01-02,a",
    "1,2026-01-02,a,t,", ", , ,",
])  # fmt: skip
@pytest.mark.parametrize("before", [0, 1_500])
def test_a_line_that_is_not_plain_gets_one(
    target: Imports, closer_looks: list[bytes], line: str, before: int
) -> None:
    file = "N,Day,Memo,Yes\n" + "1,2026-01-02,a,t\n" * before + line + "\n1,,,\n"
    brought(target, file.encode(), {})
    assert len(closer_looks) == 1


def has_stray_quotes(text: str, delimiter: str) -> bool:
    """The same told by the splitting of whole records at their quotes."""
    outside = '"'.join(text.split('"')[::2])
    outside = re.sub('"+', '"', outside)
    return '"' in re.sub(rf'(?:(?<=[{delimiter}\r\n])|\A)"(?=[{delimiter}\r\n]|\Z)', "", outside)


@settings(max_examples=400)
@given(text=st.text(st.sampled_from('"",,;\n\ra'), max_size=20), delimiter=st.sampled_from(",;"))
def test_quotes_in_order_stand_around_cells_or_are_doubled(text: str, delimiter: str) -> None:
    text += '"' * (text.count('"') % 2)
    in_order = quotes_in_order(delimiter).fullmatch(text.encode()) is not None
    assert in_order is not has_stray_quotes(text, delimiter)


# Files after their header, and the numbers of the rows that are stored.
BARE_CR: Final[dict[str, tuple[str, list[int]]]] = {
    "in a cell": ("1,,x{cr}2,,y,{end}", []),
    "between two records": ("1,,x,{cr}2,,y,{end}", []),
    "behind the first line": ("1,,a,{end}2,,x{cr}3,,y,{end}", [1]),
    "before good lines": ("1,,x,{cr}2,,y,{end}3,,b,{end}", [3]),
    "at the end of the file": ("1,,x,{cr}", [1]),
    "where the last line has no end": ("1,,a,{end}2,,x,{cr}3,,y,", [1]),
    "in quotes": ('1,,"x{cr}y",{end}2,,z,{end}', [1, 2]),
    "at the beginning of a line": ("1,,x,{end}{cr}2,,y,{end}", [1]),
}


@pytest.mark.parametrize("payload", [{}, {"orgId": "acme"}], ids=str)
@pytest.mark.parametrize("chunk_bytes", [2**20, 16])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("name", BARE_CR)
def test_a_bare_cr_ends_no_record_with_a_closer_look_or_without(
    target: Imports,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    line_end: str,
    chunk_bytes: int,
    payload: dict[str, Any],
) -> None:
    monkeypatch.setattr(encodings, "CHUNK_BYTES", chunk_bytes)
    text, kept = BARE_CR[name]
    file = f"N,Day,Memo,Yes{line_end}{text}".format(cr="\r", end=line_end).encode()
    found = brought(target, file, payload)
    assert [row[0] for row in found[1]] == kept
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Examining, "plain", lambda self, block: None)
        patch.setattr(grouping, "MOST_BYTES", 0)
        assert brought(target, file, payload) == found


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_line_with_a_bare_cr_is_one_bad_row(target: Imports, line_end: str) -> None:
    file = f"N,Day,Memo,Yes{line_end}1,,x\r2,,y,{line_end}3,,z,{line_end}"
    result, stored, complaints = brought(target, file.encode(), {})
    assert (result["inserted"], result["rejected"]) == (1, 1)
    assert [row[0] for row in stored] == [3]
    assert complaints[1][:2] == [
        "2",
        "a line end in the middle of the row: the file mixes CR with LF or CRLF",
    ]
