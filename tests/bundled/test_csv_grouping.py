"""Several blocks in one COPY: everything that can be seen is as if each block had a COPY of its own."""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterable
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from rowcrew.bundled.csv_import import encodings, grouping
from rowcrew.bundled.csv_import.copy_in import CopyIn, Loaded
from rowcrew.bundled.csv_import.examining import Records
from rowcrew.model.outcome import Errored, Released
from tests.bundled.conftest import Imports, report

HEADER: Final = "Id,N,Day,Memo\n"
MAPPING: Final = {"id": "Id", "n": "N", "day": "Day", "memo": "Memo"}
TARGET: Final = """
    DROP TABLE IF EXISTS grouped CASCADE;
    CREATE TABLE grouped (
        at bigint GENERATED ALWAYS AS IDENTITY, id text UNIQUE, n numeric(6, 2) CHECK (n <> 666), day date,
        memo text, "orgId" text
    );
    CREATE OR REPLACE FUNCTION leave_out() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TRIGGER leave_out BEFORE INSERT ON grouped FOR EACH ROW WHEN (NEW.memo = 'left out')
        EXECUTE FUNCTION leave_out()
"""
GOOD: Final = "{row:03},1.5,2026-01-02,shop"
BLOCK_ROWS: Final = 8
BLOCK_BYTES: Final = BLOCK_ROWS * len(f"{GOOD}\n".format(row=1))
GROUP_BLOCKS: Final = 8
# Some look plain and are refused by the server alone, some want a closer look, and some are good after all.
OTHERS: Final = [
    "{row:03},666,2026-01-02,shop", "{row:03},1.5,2026-02-30,shop", "{row:03},99999,2026-01-02,",
    "{row:03},1.5,today,shop", "{row:03},1.5", "{row:03},1.5,2026-01-02,shop,", ",,,", "Id,N,Day,Memo",
    "000,1.5,2026-01-02,again", "{row:03},1.5,2026-01-02,left out", "{row:03},1.5,2026-01-02,=1+1",
    "{row:03},1.5,2026-01-02,sh\rop", "{row:03},1.5,2026-01-02,shop\r", '{row:03},1.5,2026-01-02,"a\nb"',
    "{row:03},1.5,2026-01-02,\0", "\\.",
]  # fmt: skip


@pytest.fixture
def target(imports: Imports, monkeypatch: pytest.MonkeyPatch) -> Imports:
    """Imports whose blocks have eight good rows, and groups eight such blocks."""
    imports.connection.execute(TARGET)
    monkeypatch.setattr(encodings, "CHUNK_BYTES", BLOCK_BYTES)
    monkeypatch.setattr(grouping, "MOST_BYTES", GROUP_BLOCKS * BLOCK_BYTES)
    return imports


class Copies:
    """The rows of every COPY into a target, tried or done."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tried: list[int] = []
        self.done: list[int] = []
        load_together = CopyIn.load_together

        def noted(target: CopyIn, group: Iterable[Records]) -> Loaded:
            kept: list[int] = []

            def sent() -> Iterable[Records]:
                for records in group:
                    kept.append(records.rows)
                    yield records

            try:
                loaded = load_together(target, sent())
            finally:
                self.tried.append(sum(kept))
            self.done.append(loaded.inserted)
            return loaded

        monkeypatch.setattr(CopyIn, "load_together", noted)

    @property
    def in_vain(self) -> int:
        return sum(self.tried) - sum(self.done)


@pytest.fixture
def copies(target: Imports, monkeypatch: pytest.MonkeyPatch) -> Copies:
    return Copies(monkeypatch)


def file_of(rows: int, others: dict[int, str], line_end: str = "\n") -> bytes:
    lines = [others.get(row, GOOD).format(row=row) for row in range(rows)]
    return (HEADER.replace("\n", line_end) + "".join([line + line_end for line in lines])).encode()


def brought(target: Imports, file: bytes, **payload: Any) -> tuple[Any, ...]:
    """All that can be seen of an import: how it ended, what is stored in which order, the complaints."""
    target.connection.execute("TRUNCATE grouped")
    run = target.run(file, table="grouped", mapping=MAPPING, **payload)
    stored = target.connection.execute('SELECT id, n, day, memo, "orgId" FROM grouped ORDER BY at').fetchall()
    told = [said["current"] for said in run.progress]
    assert told == sorted(told)
    if isinstance(run.outcome, Errored):
        return run.outcome.error, stored
    complaints = report(target, run.result) if run.result["rejected"] else []
    return {**run.result, "errorReportKey": None}, stored, complaints


ROW: Final = st.integers(0, 40 * BLOCK_ROWS - 1)
AT_BORDERS: Final = st.builds(
    lambda block, step: max(0, block * BLOCK_ROWS + step), st.integers(0, 40), st.integers(-2, 2)
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(others={}, rows=200, line_end="\n", payload={})
@example(others={100: OTHERS[0], 101: OTHERS[8]}, rows=200, line_end="\n", payload={})
@given(
    others=st.dictionaries(AT_BORDERS | ROW, st.sampled_from(OTHERS), max_size=6),
    rows=st.integers(0, 40 * BLOCK_ROWS),
    line_end=st.sampled_from(["\n", "\n", "\r\n", "\r"]),
    payload=st.sampled_from(
        [{}, {"orgId": 'a"c,me'}, {"onError": "fail"}, {"maxErrors": 1}, {"dedupe": ["id"]}]
    ),
)
def test_blocks_together_and_one_by_one_give_the_same_rows_and_complaints(
    target: Imports, others: dict[int, str], rows: int, line_end: str, payload: dict[str, Any]
) -> None:
    file = file_of(rows, others, line_end)
    with pytest.MonkeyPatch.context() as patch:
        copies = Copies(patch)
        found = brought(target, file, **payload)
    event(f"a group was taken: {max(copies.done, default=0) > 2 * BLOCK_ROWS}")
    event(f"a group was refused: {copies.in_vain > 2 * BLOCK_ROWS}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grouping, "MOST_BYTES", 0)
        assert brought(target, file, **payload) == found


def test_a_good_file_goes_in_few_copies(target: Imports, copies: Copies) -> None:
    blocks = 1 + 3 * GROUP_BLOCKS
    brought(target, file_of(blocks * BLOCK_ROWS, {}))
    assert sum(copies.done) == blocks * BLOCK_ROWS
    assert len(copies.tried) <= 5
    assert max(copies.done) <= GROUP_BLOCKS * BLOCK_ROWS


TRIGGER: Final = "CREATE TRIGGER minding {} INSERT ON {} FOR EACH {} EXECUTE FUNCTION leave_out()"
PARTITIONED: Final = """
    DROP TABLE grouped;
    CREATE TABLE grouped (at bigserial, id text, n numeric, day date, memo text, "orgId" text)
        PARTITION BY LIST ("orgId");
    CREATE TABLE grouped_others PARTITION OF grouped DEFAULT;
"""


@pytest.mark.parametrize("minding", [
    "ALTER TABLE grouped ADD FOREIGN KEY (memo) REFERENCES grouped (id)",
    TRIGGER.format("BEFORE", "grouped", "STATEMENT"),
    TRIGGER.format("AFTER", "grouped", "STATEMENT"),
    TRIGGER.format("AFTER", "grouped", "ROW"),
    PARTITIONED + TRIGGER.format("AFTER", "grouped_others", "ROW"),
])  # fmt: skip
def test_a_table_that_minds_statements_gets_one_for_each_block(
    target: Imports, copies: Copies, minding: str
) -> None:
    target.connection.execute(minding)
    result, *_ = brought(target, file_of(20 * BLOCK_ROWS, {}).replace(b"shop", b""))
    assert result["inserted"] == sum(copies.done) == 20 * BLOCK_ROWS
    assert max(copies.tried) <= 2 * BLOCK_ROWS


@pytest.mark.parametrize("other", [
    "SELECT", TRIGGER.format("BEFORE", "grouped", "ROW").replace("EXECUTE", "WHEN (NEW.n = 7) EXECUTE"),
    TRIGGER.format("AFTER", "grouped", "ROW").replace("INSERT", "DELETE"), PARTITIONED,
    "ALTER TABLE grouped ADD FOREIGN KEY (memo) REFERENCES notes_of (first)",
])  # fmt: skip
def test_any_other_table_gets_its_blocks_together(target: Imports, copies: Copies, other: str) -> None:
    target.connection.execute(
        "DROP TABLE IF EXISTS notes_of CASCADE; CREATE TABLE notes_of (first text UNIQUE)"
    )
    target.connection.execute(other)
    brought(target, file_of(20 * BLOCK_ROWS, {}).replace(b"shop", b""))
    assert sum(copies.done) == 20 * BLOCK_ROWS
    assert max(copies.tried) > 2 * BLOCK_ROWS


def test_a_long_constant_makes_groups_no_larger(target: Imports, copies: Copies) -> None:
    brought(target, file_of(20 * BLOCK_ROWS, {}), orgId="a" * 4 * len(GOOD))
    assert sum(copies.done) == 20 * BLOCK_ROWS
    assert max(copies.done) <= GROUP_BLOCKS * BLOCK_ROWS // 4


def test_a_bad_row_in_each_block_lets_no_row_be_sent_more_than_twice(target: Imports, copies: Copies) -> None:
    others = dict.fromkeys(range(3, 40 * BLOCK_ROWS, BLOCK_ROWS), OTHERS[0])
    result, *_ = brought(target, file_of(40 * BLOCK_ROWS, others))
    assert result["rejected"] == 40
    assert sum(copies.tried) <= 2 * 40 * BLOCK_ROWS


@pytest.mark.parametrize("every", [3, 10, 20])
def test_bad_rows_now_and_then_cost_at_most_an_eighth_more(
    target: Imports, copies: Copies, monkeypatch: pytest.MonkeyPatch, every: int
) -> None:
    rows = 200 * BLOCK_ROWS
    others = dict.fromkeys(range(every * BLOCK_ROWS, rows, every * BLOCK_ROWS), OTHERS[0])
    file = file_of(rows, others)
    result, *_ = brought(target, file)
    assert result["rejected"] == len(others)
    together, copies.tried, copies.done = copies.in_vain, [], []
    monkeypatch.setattr(grouping, "MOST_BYTES", 0)
    brought(target, file)
    assert together <= copies.in_vain + GROUP_BLOCKS * BLOCK_ROWS + rows // 8


@pytest.mark.parametrize("payload", [{}, {"onError": "fail"}], ids=str)
def test_threads_switch_quickly_while_rows_come_in_and_not_longer(
    target: Imports, monkeypatch: pytest.MonkeyPatch, payload: dict[str, Any]
) -> None:
    before, during = sys.getswitchinterval(), []
    load = CopyIn.load

    def noted(copy_in: CopyIn, records: Records) -> Loaded:
        during.append(sys.getswitchinterval())
        return load(copy_in, records)

    monkeypatch.setattr(CopyIn, "load", noted)
    brought(target, file_of(BLOCK_ROWS, {5: OTHERS[0]}), **payload)
    assert max(during) < 0.001 < sys.getswitchinterval() == before


@pytest.mark.parametrize("progress", range(2, 7))
def test_a_cancel_amid_a_group_leaves_no_row(target: Imports, copies: Copies, progress: int) -> None:
    source = {"inlineBase64": base64.b64encode(file_of(160, {})).decode()}
    run = target.run_source(source, table="grouped", mapping=MAPPING, stop_at_progress=progress)
    assert isinstance(run.outcome, Released)
    assert len(run.progress) == progress
    assert (len(copies.tried), len(copies.done)) == ((1, 1) if progress == 2 else (2, 1))
    assert target.count("grouped") == 0
