"""Bad rows taken out of a block beforehand: all that can be seen is as if the block had been searched."""

from __future__ import annotations

import io
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, event, example, given, reject, settings
from hypothesis import strategies as st

from rowcrew.bundled.csv_import import copy_in as copying
from rowcrew.bundled.csv_import import csv_file, encodings, parting
from rowcrew.bundled.csv_import.copy_in import CopyIn
from rowcrew.bundled.csv_import.csv_file import Block, Facts, QuoteLeftOpen
from rowcrew.bundled.csv_import.examining import Examining
from rowcrew.bundled.csv_import.loading import Loading, Rejected
from tests.bundled.conftest import Imports
from tests.bundled.test_csv_grouping import GOOD, OTHERS, TARGET, brought, file_of
from tests.bundled.test_csv_plain import RECORD, examining

BLOCK_ROWS: Final = 16
MOST_ROWS: Final = 5 * BLOCK_ROWS
BAD: Final = "{row:03},n/a,2026-01-02,shop"
ODD_AND_REFUSED: Final = "{row:03},666,2026-01-02,=1+1"
MORE: Final = [
    BAD, BAD, "{row:03},n/a,today,shop", '{row:03},n/a,2026-01-02,"a\nb"', "{row:03},NaN,2026-01-02,shop,",
    '{row:03},"1\r\n5",2026-01-02,shop', '{row:03},n/a,2026-01-02,"a\n{row:03},1.5,2026-01-02,shop\n"',
    '{row:03},n/a,2026-01-02,sh"op', "{row:03}, n/a ,2026-01-02,shop\r", "{row:03}", "x" * 400, "",
    '"{row:03}",1.5,2026-01-02,"a ""b"", c"', "{row:03},n/a,2026-01-02,=1+1", " , , ,",
]  # fmt: skip


@pytest.fixture(params=["judges", "searches"])
def target(request: pytest.FixtureRequest, imports: Imports, monkeypatch: pytest.MonkeyPatch) -> Imports:
    """Imports with small blocks, of which half may be odd; the server judges cells, or is too old to."""
    imports.connection.execute(TARGET)
    monkeypatch.setattr(encodings, "CHUNK_BYTES", BLOCK_ROWS * len(f"{GOOD}\n".format(row=1)))
    monkeypatch.setattr(parting, "_FEW", 2)
    if request.param == "searches":
        monkeypatch.setattr(copying, "_SOFT_INPUT", 10**9)
    return imports


class Apart:
    """How many blocks came in without their odd rows, and the numbers of these."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.blocks = 0
        self.rows: list[int] = []
        load_apart = Loading._load_apart

        def noted(loading: Loading, block: Block) -> list[Rejected] | None:
            bad = load_apart(loading, block)
            self.blocks += bad is not None
            self.rows += [each.row for each in bad or ()]
            return bad

        monkeypatch.setattr(Loading, "_load_apart", noted)


def searched(target: Imports, file: bytes, **payload: Any) -> tuple[Any, ...]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Examining, "parted", lambda *_: None)
        return brought(target, file, **payload)


ROW: Final = st.integers(0, MOST_ROWS - 1)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(others={3: BAD, 9: OTHERS[0]}, rows=40, line_end="\n", table="SELECT", payload={})
@example(others={3: BAD, 9: OTHERS[9]}, rows=40, line_end="\n", table="SELECT", payload={})
@example(others={3: BAD, 9: OTHERS[10]}, rows=40, line_end="\r\n", table="SELECT", payload={"orgId": "a"})
@example(others={3: BAD, 9: ODD_AND_REFUSED}, rows=40, line_end="\n", table="SELECT", payload={})
@example(others={3: MORE[6], 9: "", 12: BAD}, rows=40, line_end="\n", table="SELECT", payload={})
@given(
    others=st.dictionaries(ROW, st.sampled_from([*OTHERS, *MORE]) | st.sampled_from(MORE[:10]), max_size=8),
    rows=st.integers(0, MOST_ROWS),
    line_end=st.sampled_from(["\n", "\n", "\r\n", "\r"]),
    table=st.sampled_from([
        "SELECT", "SELECT", "ALTER TABLE grouped ADD FOREIGN KEY (memo) REFERENCES grouped (id)",
        "ALTER TABLE grouped ENABLE ROW LEVEL SECURITY",
    ]),
    payload=st.sampled_from([
        {}, {}, {"orgId": 'a"c,me'}, {"onError": "fail"}, {"maxErrors": 2}, {"dedupe": ["id"]},
        {"decimal": ",", "thousands": "."}, {"nulls": ["n/a"]}, {"trim": True},
    ]),
)  # fmt: skip
def test_a_block_without_its_odd_rows_gives_the_same_as_one_that_is_searched(
    target: Imports, others: dict[int, str], rows: int, line_end: str, table: str, payload: dict[str, Any]
) -> None:
    target.connection.execute(TARGET)
    target.connection.execute(table)
    file = file_of(rows, others, line_end)
    with pytest.MonkeyPatch.context() as patch:
        apart = Apart(patch)
        found = brought(target, file, **payload)
    event(f"blocks without their odd rows: {min(apart.blocks, 2)}")
    assert searched(target, file, **payload) == found


def test_of_a_block_with_bad_rows_those_alone_are_staged(
    target: Imports, monkeypatch: pytest.MonkeyPatch
) -> None:
    apart, staged = Apart(monkeypatch), []
    stage = CopyIn.stage

    def noted(copy_in: CopyIn, data: bytes, rows: int, *, is_plain: bool = False) -> None:
        staged.append(rows)
        stage(copy_in, data, rows, is_plain=is_plain)

    monkeypatch.setattr(CopyIn, "stage", noted)
    others = dict.fromkeys(range(3, MOST_ROWS, BLOCK_ROWS), BAD)
    result, stored, _ = brought(target, file_of(MOST_ROWS, others))
    assert (result["rejected"], len(stored)) == (len(others), MOST_ROWS - len(others))
    assert apart.rows == [row + 2 for row in others]
    assert staged == [1] * len(others)


def test_a_block_with_many_bad_rows_is_searched(target: Imports, monkeypatch: pytest.MonkeyPatch) -> None:
    apart = Apart(monkeypatch)
    others = dict.fromkeys(range(1, MOST_ROWS), BAD)
    result, *_ = brought(target, file_of(MOST_ROWS, others))
    assert result["rejected"] == MOST_ROWS - 1
    assert len(apart.rows) <= 1  # the last block may have a single row


@settings(max_examples=400, deadline=None)
@example(records=[["1", "2026-01-02", "a", "t\r1", "x"]], delimiter=",", line_end="\n", ends=True)
@given(
    records=st.lists(RECORD, min_size=1, max_size=9),
    delimiter=st.sampled_from(",;\t| ^:"),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    ends=st.booleans(),
)
def test_plain_and_odd_records_are_all_there_are_and_numbered_as_before(
    records: list[list[str]], delimiter: str, line_end: str, ends: bool
) -> None:
    file = line_end.join(map(delimiter.join, records)).encode() + line_end.encode() * ends
    try:
        blocks = [*csv_file.blocks(io.BytesIO(file), Facts("utf-8", line_end[-1:].encode()))]
    except QuoteLeftOpen:
        reject()
    looked_at = examining(delimiter)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parting, "_FEW", 1)
        for block in blocks:
            if found := looked_at.parted(block):
                plain, odd = found
                rows = dict(block.records())
                others = Block(1, plain.rows, plain.data, block.line_end)
                expected = [record for row, record in rows.items() if row not in dict(odd)]
                assert [record for _, record in others.records()] == (expected or [b""])
                assert [(row, rows[row]) for row, _ in odd] == odd
                assert plain.rows == len(expected)
            event(f"parted: {found is not None}")
