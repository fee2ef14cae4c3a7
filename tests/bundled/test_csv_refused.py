"""Plain-looking rows that the server refuses: COPY names each, and all is as if it had been searched."""

from __future__ import annotations

from typing import Any, Final

import psycopg
import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from rowcrew.bundled.csv_import import copy_in as copying
from rowcrew.bundled.csv_import import encodings, loading
from rowcrew.bundled.csv_import.copy_in import CopyIn, Loaded
from rowcrew.bundled.csv_import.examining import Records
from rowcrew.bundled.csv_import.refused import refused_record
from tests.bundled.conftest import Imports
from tests.bundled.test_csv_grouping import GOOD, OTHERS, TARGET, brought, file_of

BLOCK_ROWS: Final = 16
MOST_ROWS: Final = 5 * BLOCK_ROWS
DAY: Final = "{row:03},1.5,2026-02-30,shop"
CHECK: Final = "{row:03},666,2026-01-02,shop"
DOMAIN: Final = "{row:03},1.5,2026-01-02,"
REFUSED: Final = [
    DAY, CHECK, "{row:03},99999,2026-01-02,shop", DOMAIN, "000,1.5,2026-01-02,again",
    "{row:03},1.5,2026-01-02,barred", '{row:03},1.5,2026-02-30,"a\nb\n"', '{row:03},1.5,2026-01-02,"a\n\nb"',
    '{row:03},1.5,2026-01-02,"a\r\nb\rc"', '{row:03},666,2026-01-02,"\nCOPY refused, line 1"', ",,,",
]  # fmt: skip
BARRED: Final = """
    DROP TABLE IF EXISTS grouped CASCADE;
    DROP DOMAIN IF EXISTS filled;
    CREATE DOMAIN filled AS text NOT NULL;
    {target};
    CREATE OR REPLACE FUNCTION grouped() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'barred'; END $$;
    CREATE TRIGGER barring BEFORE INSERT ON grouped FOR EACH ROW WHEN (NEW.memo = 'barred')
        EXECUTE FUNCTION grouped()
""".format(target=TARGET.replace("memo text", "memo filled"))


@pytest.fixture(params=["judges", "searches"])
def target(request: pytest.FixtureRequest, imports: Imports, monkeypatch: pytest.MonkeyPatch) -> Imports:
    """Imports with small blocks; the server judges cells, or is too old to."""
    imports.connection.execute(TARGET)
    monkeypatch.setattr(encodings, "CHUNK_BYTES", BLOCK_ROWS * len(f"{GOOD}\n".format(row=1)))
    if request.param == "searches":
        monkeypatch.setattr(copying, "_SOFT_INPUT", 10**9)
    return imports


@pytest.fixture
def staged(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows were staged, each time."""
    found: list[int] = []
    stage = CopyIn.stage

    def noted(copy_in: CopyIn, data: bytes, rows: int, *, is_plain: bool = False) -> None:
        found.append(rows)
        stage(copy_in, data, rows, is_plain=is_plain)

    monkeypatch.setattr(CopyIn, "stage", noted)
    return found


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows `load` was given, each time."""
    found: list[int] = []
    load = CopyIn.load

    def noted(copy_in: CopyIn, records: Records) -> Loaded:
        found.append(records.rows)
        return load(copy_in, records)

    monkeypatch.setattr(CopyIn, "load", noted)
    return found


def named(patch: pytest.MonkeyPatch) -> list[int]:
    """How many bad rows COPY named, one in each place of the list."""
    found: list[int] = []
    refused = CopyIn.refused

    def noted(copy_in: CopyIn, error: psycopg.Error, records: Records, line_end: bytes) -> int | None:
        place = refused(copy_in, error, records, line_end)
        if place is not None:
            found.append(place)
        return place

    patch.setattr(CopyIn, "refused", noted)
    return found


def searched(target: Imports, file: bytes, **payload: Any) -> tuple[Any, ...]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CopyIn, "refused", lambda *_: None)
        patch.setattr(CopyIn, "can_suspect", lambda *_: False)
        return brought(target, file, **payload)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(others={3: DAY, 9: CHECK, 12: DAY}, rows=40, line_end="\n", table="SELECT", payload={}, many=2)
@example(others={0: REFUSED[6], 9: REFUSED[6]}, rows=40, line_end="\r\n", table="SELECT", payload={}, many=2)
@example(others={2: OTHERS[3], 3: DAY, 9: CHECK}, rows=40, line_end="\n", table="SELECT", payload={}, many=2)
@example(others={3: DAY, 9: REFUSED[4], 11: DAY}, rows=40, line_end="\r", table="SELECT", payload={}, many=2)
@example(
    others={0: CHECK, 1: DAY}, rows=2, line_end="\n", table="SELECT", payload={"onError": "fail"}, many=2
)
@example(
    others={3: OTHERS[3], 1: CHECK, 2: CHECK, 7: DAY},
    rows=9,
    line_end="\n",
    table="SELECT",
    payload={"maxErrors": 1},
    many=16,
)
@given(
    others=st.dictionaries(
        st.integers(0, MOST_ROWS - 1), st.sampled_from(REFUSED) | st.sampled_from(OTHERS), max_size=8
    ),
    rows=st.integers(0, MOST_ROWS),
    line_end=st.sampled_from(["\n", "\n", "\r\n", "\r"]),
    table=st.sampled_from([
        "SELECT", "SELECT", "CREATE UNIQUE INDEX ON grouped (n, day) WHERE n <> 1.5",
        "ALTER TABLE grouped ADD FOREIGN KEY (memo) REFERENCES grouped (id)",
    ]),
    payload=st.sampled_from([
        {}, {}, {"orgId": 'a"c,me'}, {"orgId": "a\nb"}, {"onError": "fail"}, {"maxErrors": 2},
        {"dedupe": ["id"]}, {"trim": True},
    ]),
    many=st.sampled_from([2, loading._MANY]),
)  # fmt: skip
def test_rows_around_a_refused_one_come_in_as_if_all_were_searched(
    target: Imports,
    others: dict[int, str],
    rows: int,
    line_end: str,
    table: str,
    payload: dict[str, Any],
    many: int,
) -> None:
    target.connection.execute(BARRED)
    target.connection.execute(table)
    file = file_of(rows, others, line_end)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "_MANY", many)
        places = named(patch)
        found = brought(target, file, **payload)
    event(f"rows named: {min(len(places), 3)}")
    assert searched(target, file, **payload) == found


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(others={0: CHECK, 1: DAY}, rows=3, payload={}, most=0)
@example(others={3: OTHERS[3], 1: CHECK, 2: CHECK, 7: DAY}, rows=9, payload={}, most=1)
@given(
    others=st.dictionaries(
        st.integers(0, MOST_ROWS - 1), st.sampled_from(REFUSED) | st.sampled_from(OTHERS), max_size=12
    ),
    rows=st.integers(0, MOST_ROWS),
    payload=st.sampled_from([{}, {"orgId": 'a"c,me'}, {"dedupe": ["id"]}, {"trim": True}]),
    most=st.integers(0, 4),
)
def test_an_import_that_fails_names_the_rows_that_would_head_its_report(
    target: Imports, others: dict[int, str], rows: int, payload: dict[str, Any], most: int
) -> None:
    target.connection.execute(BARRED)
    file = file_of(rows, others)
    whole = brought(target, file, **payload)
    report = whole[2][1:] if len(whole) == 3 else []  # none where no row is good
    fails: dict[str, Any] = {"maxErrors": most} if most else {"onError": "fail"}
    found = brought(target, file, **payload, **fails)
    event(f"too many: {len(report) > most}")
    if len(report) > most:
        first = "; ".join([f"row {row}: {reason}" for row, reason, *_ in report[: min(most + 1, 3)]])
        assert " ".join(found[0].split()).endswith(f"; {' '.join(first.split())}")
        assert found[1] == []
    elif report:
        assert found == whole


@pytest.mark.parametrize("share", [0, 0.3, 0.99])
def test_a_wrong_row_named_costs_no_row(
    target: Imports, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    file = file_of(MOST_ROWS, {2: DAY, 7: CHECK, 8: DAY, 30: OTHERS[8], 40: OTHERS[3], 43: DAY, 79: CHECK})
    expected = searched(target, file)
    monkeypatch.setattr(CopyIn, "refused", lambda copy_in, error, records, end: int(share * records.rows))
    assert brought(target, file) == expected


@pytest.mark.parametrize("bad", [DAY, CHECK, REFUSED[2], DOMAIN, REFUSED[5]])
def test_bad_rows_alone_are_staged_and_no_row_is_sent_more_than_twice(
    target: Imports, staged: list[int], sent: list[int], bad: str
) -> None:
    target.connection.execute(BARRED)
    others = dict.fromkeys([*range(3, MOST_ROWS, BLOCK_ROWS), 5, 6, MOST_ROWS - 1], bad)
    result, stored, complaints = brought(target, file_of(MOST_ROWS, others))
    assert (result["rejected"], len(stored)) == (len(others), MOST_ROWS - len(others))
    assert [int(row) for row, *_ in complaints[1:]] == [row + 2 for row in sorted(others)]
    assert staged == [1] * len(others)
    assert sent.count(1) <= 2


def test_an_odd_row_and_a_refused_one_in_a_block_are_both_staged_alone(
    target: Imports, staged: list[int]
) -> None:
    result, *_ = brought(target, file_of(BLOCK_ROWS, {2: OTHERS[3], 9: DAY, 12: CHECK}))
    assert result["rejected"] == 3
    assert staged == [1, 1, 1]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("memo", ["a", "a\nb", "\n\n", "a\r\nb", "a\rb", 'a\n""\r\n\n'])
def test_copy_names_the_right_row_also_where_cells_have_line_ends(
    target: Imports, staged: list[int], line_end: str, memo: str
) -> None:
    others = dict.fromkeys(range(0, 14, 2), f'{{row:03}},1.5,2026-01-02,"{memo}"')
    others |= dict.fromkeys((5, 8, 11), f'{{row:03}},1.5,2026-02-30,"{memo}"')
    result, *_ = brought(target, file_of(14, others, line_end))
    assert result["rejected"] == 3
    assert staged == [1, 1, 1]


@pytest.mark.parametrize("bad", [DAY, CHECK])
def test_many_rows_that_cannot_be_cast_or_that_a_check_refuses_are_found_together(
    target: Imports, staged: list[int], monkeypatch: pytest.MonkeyPatch, bad: str
) -> None:
    monkeypatch.setattr(loading, "_MANY", 3)
    result, *_ = brought(target, file_of(12, dict.fromkeys(range(1, 12, 2), bad)))
    assert result["rejected"] == 6
    judges = copying._SOFT_INPUT < 10**9
    assert staged == ([1, 1, 1, 6] if judges else [1] * 6)


@pytest.mark.parametrize("bad", [DOMAIN, REFUSED[5]])
def test_many_rows_that_a_domain_or_a_trigger_refuses_are_named_one_by_one(
    target: Imports, staged: list[int], monkeypatch: pytest.MonkeyPatch, bad: str
) -> None:
    target.connection.execute(BARRED.replace("text NOT NULL", "text CHECK (VALUE IS NOT NULL)"))
    monkeypatch.setattr(loading, "_MANY", 3)
    result, *_ = brought(target, file_of(12, dict.fromkeys(range(1, 12, 2), bad)))
    assert result["rejected"] == 6
    assert staged == [1] * 6


def test_an_import_that_fails_anyhow_sends_no_more(target: Imports, sent: list[int]) -> None:
    others = dict.fromkeys((5, 8, 11), CHECK)
    error, stored = brought(target, file_of(14, others), maxErrors=1)
    assert "more than maxErrors = 1 rows are bad; row 7: " in error
    assert stored == []
    assert sent == [14, 5, 8, 2]


def test_of_an_index_that_dedupe_does_not_name_copy_names_the_refused_rows(
    target: Imports, staged: list[int]
) -> None:
    target.connection.execute("CREATE UNIQUE INDEX ON grouped (n) WHERE n > 7")
    others = dict.fromkeys(range(2, MOST_ROWS, BLOCK_ROWS), "{row:03},8,2026-01-02,shop")
    result, stored, _ = brought(target, file_of(MOST_ROWS, others), dedupe=["id"])
    assert (result["rejected"], result["duplicates"]) == (len(others) - 1, 0)
    assert len(stored) == MOST_ROWS - len(others) + 1
    assert staged.count(1) >= len(others) - 2


@pytest.mark.parametrize(("context", "place"), [
    ('COPY payments, line 2, column day: "2026-02-30"', 1),
    ("COPY payments, Zeile 2, Spalte day: »2026-02-30«", 1),
    ("COPY payments, ligne 2", 1),
    ('paymentsのCOPY, 行 2, 列 day: "2026-02-30"', 1),
    ('PL/pgSQL function payments() line 1 at RAISE\nCOPY payments, line 2: "x"', 1),
    ('COPY payments, line 2, column memo: "\nCOPY payments, line 1"', 1),
    ("COPY payments, line 9", None),
    ("COPY payments, line 0", None),
    ("COPY others, line 2", None),
    ("", None),
])  # fmt: skip
def test_the_row_is_read_from_the_context_in_any_language(context: str, place: int | None) -> None:
    assert refused_record(context, "payments", b"a\nb\nc\n", 3, b"\n") == place
