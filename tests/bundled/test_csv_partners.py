"""Rows whose foreign key has no partner: one statement finds them, and all is as if it had been searched."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import psycopg
import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from rowcrew.bundled.csv_import import copy_in as copying
from rowcrew.bundled.csv_import import encodings, loading
from rowcrew.bundled.csv_import.copy_in import CopyIn, Loaded
from tests.bundled.conftest import Imports, report
from tests.bundled.test_csv_grouping import GOOD, MAPPING, OTHERS, TARGET, brought, file_of
from tests.bundled.test_csv_refused import BARRED, BLOCK_ROWS, CHECK, MOST_ROWS, REFUSED, searched

PARTNERS: Final = """
    DROP TABLE IF EXISTS partners CASCADE;
    CREATE TABLE partners (
        org text, name varchar(20), n numeric(8, 2), day date,
        UNIQUE (name), UNIQUE (org, name), UNIQUE (name, day), UNIQUE (n, day)
    );
    INSERT INTO partners VALUES ('acme', 'shop', 1.5, '2026-01-02'), ('acme', 'again', NULL, NULL),
        ('other', 'barred', 7, NULL), ('other', 'left out', 8, NULL);
"""
OWN: Final = "ALTER TABLE grouped ADD FOREIGN KEY (memo) REFERENCES grouped (id)"
ROOT: Final = "shop,1.5,2026-01-02,shop"
KEYS: Final = [
    "ALTER TABLE grouped ADD FOREIGN KEY (memo) REFERENCES partners (name)",
    "ALTER TABLE grouped ADD FOREIGN KEY (memo) REFERENCES partners (name) DEFERRABLE INITIALLY DEFERRED",
    "ALTER TABLE grouped ADD FOREIGN KEY (memo, day) REFERENCES partners (name, day)",
    "ALTER TABLE grouped ADD FOREIGN KEY (n, day) REFERENCES partners (n, day) MATCH FULL",
    'ALTER TABLE grouped ADD FOREIGN KEY ("orgId", memo) REFERENCES partners (org, name)',
    """ALTER TABLE grouped ADD FOREIGN KEY (memo) REFERENCES partners (name),
        ADD FOREIGN KEY (n, day) REFERENCES partners (n, day)""",
    OWN,
]
ORPHANS: Final = [
    "{row:03},1.5,2026-01-02,nobody", "{row:03},1.5,2027-01-02,shop", "{row:03},1.5,,shop", "{row:03},,,shop",
    "{row:03},,2026-01-02,", "{row:03},2.5,2026-01-02,shop", "000,1.5,2026-01-02,nobody",
    "first,1.5,2026-01-02,nobody", "{row:03},1.5,2026-01-02,first", "{row:03},1.50,2026-01-02,{row:03}",
    "{row:03},1.5,today,nobody", "{row:03},1.5,2026-01-02,=1+1", '{row:03},1.5,2026-01-02,"a\nb"',
    "first,1.5,2026-01-02,shop", "{row:03},1.5,2026-01-02,000",
]  # fmt: skip


def set_apart(patch: pytest.MonkeyPatch) -> list[int]:
    """How many suspects each block came in without."""
    found: list[int] = []
    load_beside = CopyIn.load_beside

    def noted(*given: Any) -> tuple[Loaded, list[psycopg.Error]]:
        taken = load_beside(*given)
        found.append(len(given[4]))
        return taken

    patch.setattr(CopyIn, "load_beside", noted)
    return found


@pytest.fixture(params=["judges", "searches"])
def target(request: pytest.FixtureRequest, imports: Imports, monkeypatch: pytest.MonkeyPatch) -> Imports:
    """Imports with small blocks and a table of partners; the server judges cells, or is too old to."""
    imports.connection.execute(TARGET)
    imports.connection.execute(PARTNERS)
    monkeypatch.setattr(encodings, "CHUNK_BYTES", BLOCK_ROWS * len(f"{GOOD}\n".format(row=1)))
    if request.param == "searches":
        monkeypatch.setattr(copying, "_SOFT_INPUT", 10**9)
    return imports


@pytest.fixture
def clerk(target: Imports) -> Iterator[str]:
    """A role that may import and may not read the partners."""
    name = f"clerk_{uuid.uuid4().hex}"
    target.connection.execute(f"""
        CREATE ROLE {name} LOGIN;
        GRANT SELECT, INSERT ON grouped, blobs TO {name};
        GRANT UPDATE ON blobs TO {name}
    """)
    yield name
    target.connection.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many suspects each block came in without."""
    return set_apart(monkeypatch)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(
    others={3: ORPHANS[0], 9: CHECK, 12: ORPHANS[0]}, rows=40, line_end="\n", key=KEYS[0], payload={}, many=2
)
@example(others={3: ORPHANS[6], 9: ORPHANS[0]}, rows=40, line_end="\r\n", key=KEYS[0], payload={}, many=2)
@example(others={3: ORPHANS[7], 9: ORPHANS[13]}, rows=40, line_end="\n", key=KEYS[0], payload={}, many=2)
@example(others={3: ORPHANS[8], 9: ORPHANS[7]}, rows=40, line_end="\r", key=OWN, payload={}, many=2)
@example(others={3: ORPHANS[4], 9: ORPHANS[3]}, rows=40, line_end="\n", key=KEYS[3], payload={}, many=2)
@given(
    others=st.dictionaries(
        st.integers(0, MOST_ROWS - 1),
        st.sampled_from(ORPHANS) | st.sampled_from(ORPHANS) | st.sampled_from([*REFUSED, *OTHERS]),
        max_size=10,
    ),
    rows=st.integers(0, MOST_ROWS),
    line_end=st.sampled_from(["\n", "\n", "\r\n", "\r"]),
    key=st.sampled_from(KEYS),
    payload=st.sampled_from([
        {}, {}, {"orgId": "acme"}, {"onError": "fail"}, {"maxErrors": 2}, {"dedupe": ["id"]},
        {"thousands": ","}, {"trim": True},
    ]),
    many=st.sampled_from([2, loading._MANY]),
)  # fmt: skip
def test_rows_beside_those_without_a_partner_come_in_as_if_all_were_searched(
    target: Imports,
    others: dict[int, str],
    rows: int,
    line_end: str,
    key: str,
    payload: dict[str, Any],
    many: int,
) -> None:
    target.connection.execute(BARRED.replace("text NOT NULL", "text"))
    target.connection.execute(PARTNERS)
    target.connection.execute(key)
    if key == OWN:
        others = {**others, 0: ROOT}
    file = file_of(rows, others, line_end)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "_MANY", many)
        apart = set_apart(patch)
        found = brought(target, file, **payload)
    event(f"blocks that came in beside their suspects: {min(len(apart), 3)}")
    assert searched(target, file, **payload) == found


ORPHAN: Final = "{row:03},1.5,2026-01-02,nobody"
PARTITIONED: Final = """
    DROP TABLE grouped;
    CREATE TABLE grouped (
        at bigserial, id text, n numeric(6, 2), day date, memo text REFERENCES partners (name), "orgId" text
    ) PARTITION BY HASH (at);
    CREATE TABLE grouped_0 PARTITION OF grouped FOR VALUES WITH (MODULUS 2, REMAINDER 0);
    CREATE TABLE grouped_1 PARTITION OF grouped FOR VALUES WITH (MODULUS 2, REMAINDER 1)
"""


def other_partners(name: str, more: str = "") -> str:
    """A table of partners whose name is of this type."""
    return f"""
        DROP TABLE IF EXISTS others CASCADE;
        CREATE TABLE others (name {name}) {more};
        CREATE TABLE others_below {"PARTITION OF others DEFAULT" if more else "() INHERITS (others)"};
        INSERT INTO others VALUES ('shop');
        ALTER TABLE grouped ADD FOREIGN KEY (memo) REFERENCES others
    """


@pytest.mark.parametrize("key", [
    *KEYS[:2],
    other_partners('text COLLATE "C" PRIMARY KEY'),
    other_partners("char(9) PRIMARY KEY"),
    other_partners("text PRIMARY KEY", "PARTITION BY LIST (name)"),
    other_partners("text PRIMARY KEY") + "; INSERT INTO others_below VALUES ('nobody')",
    PARTITIONED,
    f"ALTER TABLE grouped ALTER memo SET NOT NULL; {KEYS[0]} ON DELETE CASCADE",
])  # fmt: skip
@pytest.mark.parametrize("payload", [{}, {"thousands": ","}, {"orgId": "acme"}])
def test_whatever_the_partners_are_they_are_found_at_once(
    target: Imports, apart: list[int], key: str, payload: dict[str, Any]
) -> None:
    target.connection.execute(key)
    others = dict.fromkeys([3, 9, 10, 40], ORPHAN)
    result, stored, complaints = brought(target, file_of(MOST_ROWS, others), **payload)
    assert sum(apart) == result["rejected"] == 4
    assert [int(row) for row, *_ in complaints[1:]] == [row + 2 for row in others]
    assert len(stored) == MOST_ROWS - 4


@pytest.mark.parametrize(
    "orphan", ["{row:03},1.5,,shop", "{row:03},,2026-01-02,shop", "{row:03},9,2026-01-02,shop"]
)
def test_a_key_that_is_null_in_part_has_no_partner_where_all_of_it_must_match(
    target: Imports, apart: list[int], orphan: str
) -> None:
    target.connection.execute(KEYS[3])
    others = dict.fromkeys([3, 9, 10], orphan) | {4: "{row:03},,,shop"}
    result, stored, _ = brought(target, file_of(BLOCK_ROWS, others))
    assert (apart, result["rejected"], len(stored)) == ([3], 3, BLOCK_ROWS - 3)


def test_the_reason_names_the_key(target: Imports) -> None:
    target.connection.execute(KEYS[2])
    *_, complaints = brought(target, file_of(9, {3: ORPHAN}))
    [(row, reason, record)] = complaints[1:]
    assert (row, record) == ("5", ORPHAN.format(row=3))
    assert reason.startswith('insert or update on table "grouped" violates foreign key constraint')
    assert reason.endswith('Key (memo, day)=(nobody, 2026-01-02) is not present in table "partners"')


@pytest.mark.parametrize(("granted", "found"), [
    ("SELECT", 0),
    ("GRANT SELECT (name) ON partners TO {clerk}", 1),
    ("GRANT SELECT (n) ON partners TO {clerk}", 0),
    ("GRANT SELECT ON partners TO {clerk}; ALTER TABLE partners ENABLE ROW LEVEL SECURITY", 0),
])  # fmt: skip
def test_partners_that_the_role_may_not_read_are_searched_for(
    target: Imports, clerk: str, monkeypatch: pytest.MonkeyPatch, granted: str, found: int
) -> None:
    apart = set_apart(monkeypatch)
    tried: list[tuple[Any, ...]] = []
    suspects = CopyIn.suspects

    def noted(*given: Any) -> dict[int, str]:
        tried.append(given)
        return suspects(*given)

    monkeypatch.setattr(CopyIn, "suspects", noted)
    target.connection.execute(KEYS[0])
    target.connection.execute(granted.format(clerk=clerk))
    as_clerk = Imports(target.server, target.url.replace("postgres@", f"{clerk}@", 1), target.connection)
    result = as_clerk.run(file_of(BLOCK_ROWS, {3: ORPHAN}), table="grouped", mapping=MAPPING).result
    assert (result["inserted"], result["rejected"]) == (BLOCK_ROWS - 1, 1)
    assert (sum(apart), len(tried)) == (found, found)  # who cannot be told is not asked for in vain


def test_a_suspect_that_a_trigger_gives_a_partner_comes_in(target: Imports, apart: list[int]) -> None:
    target.connection.execute(KEYS[0])
    target.connection.execute("""
        CREATE OR REPLACE FUNCTION give() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN NEW.memo := 'shop'; RETURN NEW; END $$;
        CREATE TRIGGER give BEFORE INSERT ON grouped FOR EACH ROW WHEN (NEW.memo = 'anybody')
            EXECUTE FUNCTION give()
    """)
    file = file_of(BLOCK_ROWS, {3: ORPHAN, 9: ORPHAN.replace("nobody", "anybody")})
    _, stored, complaints = brought(target, file)
    assert ([row for row, *_ in complaints[1:]], apart) == (["5"], [])
    assert [row[0] for row in stored] == [f"{row:03}" for row in range(BLOCK_ROWS) if row != 3]


def test_a_partner_may_stand_below_its_row_in_a_block_with_bad_rows(
    target: Imports, apart: list[int]
) -> None:
    target.connection.execute(OWN)
    child, orphan = "{row:03},1.5,2026-01-02,014", "{row:03},1.5,2026-01-02,003"
    others = dict.fromkeys(range(16), child) | {3: ORPHAN, 4: orphan, 9: orphan}
    _, stored, complaints = brought(target, file_of(16, others))
    assert ([row for row, *_ in complaints[1:]], apart) == (["5", "6", "11"], [3])
    assert len(stored) == 13


def test_a_long_chain_of_rows_without_a_first_partner_is_refused_as_a_whole(target: Imports) -> None:
    target.connection.execute(OWN)
    chain = {row: f"{{row:03}},1.5,2026-01-02,{row - 1:03}" for row in range(1, 40)}
    others = chain | {0: ORPHAN, 40: "root,1,2026-01-02,root"}
    result, stored, _ = brought(target, file_of(41, others))
    assert (result["rejected"], [row[0] for row in stored]) == (40, ["root"])


def test_an_import_that_fails_anyhow_judges_no_more_suspects(
    target: Imports, monkeypatch: pytest.MonkeyPatch
) -> None:
    target.connection.execute(KEYS[0])
    judged: list[str] = []
    refusal = CopyIn._refusal_by_rules

    def noted(copy_in: CopyIn, place: str) -> psycopg.Error:
        judged.append(place)
        return refusal(copy_in, place)

    monkeypatch.setattr(CopyIn, "_refusal_by_rules", noted)
    error, stored = brought(target, file_of(BLOCK_ROWS, dict.fromkeys(range(12), ORPHAN)), maxErrors=2)
    assert "more than maxErrors = 2 rows are bad; row 2: " in error
    assert (stored, len(judged)) == ([], 3)


def test_a_foreign_key_that_is_not_enforced_refuses_no_row(target: Imports, apart: list[int]) -> None:
    if target.connection.info.server_version < 180000:
        pytest.skip("NOT ENFORCED came with PostgreSQL 18")
    target.connection.execute(KEYS[0])
    target.connection.execute(
        "ALTER TABLE grouped ADD FOREIGN KEY (id) REFERENCES partners (name) NOT ENFORCED"
    )
    result, *_ = brought(target, file_of(BLOCK_ROWS, {3: ORPHAN}))
    assert (result["rejected"], apart) == (1, [1])


class Report(NamedTuple):
    """What somebody reported of another program: tables, a file, and which rows are bad here."""

    tables: str
    file: str
    mapping: dict[str, str]
    bad: list[int]
    key: str = ""


REPORTS: Final = {
    "pgloader-836-the-error-names-no-line": Report(
        """CREATE TABLE partners (id_loja varchar, id_categoria varchar, PRIMARY KEY (id_loja, id_categoria));
        INSERT INTO partners VALUES ('001', '7');
        CREATE TABLE grouped (id_loja varchar, id_categoria varchar, codigo varchar(50), unidade bpchar(2),
            FOREIGN KEY (id_loja, id_categoria) REFERENCES partners)""",
        '"L";"C";"B";"U"\n"001";"9999";"0000003656105";"CX"\n"001";"7";"0000003656106";"CX"\n',
        {"id_loja": "L", "id_categoria": "C", "codigo": "B", "unidade": "U"},
        [1],
        "Key (id_loja, id_categoria)=(001, 9999)",
    ),
    "pgloader-1333-some-refused-rows-are-not-listed": Report(
        """CREATE TABLE partners (id int PRIMARY KEY); INSERT INTO partners SELECT generate_series(1, 3);
        CREATE TABLE grouped (a int, b int REFERENCES partners)""",
        "A,B\n" + "".join([f"{row},{row % 4}\n" for row in range(1, 1_601)]),
        {"a": "A", "b": "B"},
        [*range(4, 1_601, 4)],
    ),
    "csvlint-192-a-key-that-is-missing-twice-is-told-once": Report(
        """CREATE TABLE partners (id int PRIMARY KEY);
        CREATE TABLE grouped (a int, b int REFERENCES partners)""",
        "A,B\n1,\n2,77\n3,\n4,77\n",
        {"a": "A", "b": "B"},
        [2, 4],
        "(77)",
    ),
    "dolt-2108-csvimport-28-an-empty-cell-is-no-partner": Report(
        """CREATE TABLE partners (id char(2) PRIMARY KEY); INSERT INTO partners VALUES ('CA');
        CREATE TABLE grouped (a int, b char(2) REFERENCES partners, c int REFERENCES unlike)""",
        'A,B,C\n1,,\n2,CA," "\n3,ZZ,\n4,,9\n',
        {"a": "A", "b": "B", "c": "C"},
        [3, 4],
    ),
    "duckdb-10574-partners-stand-below-in-the-same-file": Report(
        "CREATE TABLE grouped (person varchar PRIMARY KEY, father varchar REFERENCES grouped)",
        "P,F\nbart,omer\nlisa,omer\nmaggie,omer\nmilhouse,kirk\nomer,grampa\ngrampa,\n",
        {"person": "P", "father": "F"},
        [4],
        "(kirk)",
    ),
    "obevo-198-a-tree-of-uuids": Report(
        "CREATE TABLE grouped (name varchar(50), parent uuid REFERENCES grouped, id uuid PRIMARY KEY)",
        """N,P,I
TEAMB,A4448D97-14f8-419b-8946-fa00a6eb9a83,59BCECC9-2DB7-45D1-B5CA-78CB3E6B2440
HQ,,705B9DB2-7A8E-48C6-8DDC-5781BFE2CFB9
D2,705b9db2-7A8E-48C6-8DDC-5781BFE2CFB9,a4448d97-14f8-419b-8946-fa00a6eb9a83
D3,705b9db2-7A8E-48C6-8DDC-5781BFE2CFB0,{a4448d9714f8419b8946fa00a6eb9a84}
TEAMC,a4448d97-14f8-419b-8946-fa00a6eb9a84,a4448d97-14f8-419b-8946-fa00a6eb9a85
""",
        {"name": "N", "parent": "P", "id": "I"},
        [4, 5],
    ),
    "courtlistener-6099-one-missing-key-ends-a-day-of-loading": Report(
        """CREATE TABLE partners (id int PRIMARY KEY); INSERT INTO partners VALUES (1);
        CREATE TABLE grouped (id int PRIMARY KEY, cluster_id int NOT NULL REFERENCES partners)""",
        "I,C\n" + "".join([f"{row},{10621804 if row == 700 else 1}\n" for row in range(1, 1_001)]),
        {"id": "I", "cluster_id": "C"},
        [700],
        "Key (cluster_id)=(10621804)",
    ),
    "onsides-82-the-columns-stand-in-another-order": Report(
        """CREATE TABLE partners (id int PRIMARY KEY); INSERT INTO partners VALUES (5);
        CREATE TABLE grouped (ingredient int REFERENCES partners, product int)""",
        "product_id,ingredient_id\n573193,5\n573194,6\n",
        {"ingredient": "ingredient_id", "product": "product_id"},
        [2],
        "Key (ingredient)=(6)",
    ),
}


@pytest.mark.parametrize("name", REPORTS)
def test_of_the_file_of_a_report_the_rows_without_a_partner_are_bad(imports: Imports, name: str) -> None:
    given = REPORTS[name]
    imports.connection.execute("""
        DROP TABLE IF EXISTS grouped, partners, unlike CASCADE; CREATE TABLE unlike (id int PRIMARY KEY)
    """)
    imports.connection.execute(given.tables)
    result = imports.run(given.file.encode(), table="grouped", mapping=given.mapping, maxErrors=400).result
    complaints = report(imports, result)[1:]
    assert [int(row) - 1 for row, *_ in complaints] == given.bad  # the header is row 1
    assert all(given.key in reason for _, reason, _ in complaints)
    assert imports.count("grouped") == result["inserted"] == result["rows"] - len(given.bad)
