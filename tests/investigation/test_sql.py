"""What `sql_readonly` lets a model ask: nothing that writes, sleeps, locks or reaches out."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

import msgspec
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.waiting import eventually
from rowcrew.bundled.investigation.conversation import Call
from rowcrew.bundled.investigation.statements import SQL
from rowcrew.bundled.investigation.tools import tools_of, used
from rowcrew.bundled.investigation.tools.sql_guard import FUNCTIONS, guarded
from rowcrew.bundled.investigation.tools.sql_readonly import LONGEST_ROW, MOST_ROWS
from rowcrew.bundled.investigation.tools.tool import CannotAnswer
from tests.investigation.conftest import Study

ALLOWED = [
    "SELECT name FROM documents ORDER BY name",
    "select count(*), max(place) from chunks;",
    "WITH d AS (SELECT id FROM documents) SELECT count(*) FROM d",
    "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT sum(i) FROM n",
    "VALUES (1), (2)",
    "TABLE documents",
    "SELECT d.name, c.n FROM documents d JOIN LATERAL (SELECT count(*) AS n FROM chunks) AS c(n) ON (true)",
    "SELECT upper(name) LIKE '%A%', name ~ '[a-z]+', 5 % 2 FROM documents",
    "SELECT CAST('1.25' AS numeric(10, 2)), '2026-01-01'::date, interval '1 day', 'it''s; -- no comment'",
    'SELECT count(*) FILTER (WHERE place > 1) OVER (PARTITION BY "documentId") FROM chunks',
    'SELECT * FROM documents WHERE id IN (SELECT "documentId" FROM chunks) AND EXISTS (SELECT 1)',
    "SELECT CASE WHEN (1 = 1) THEN (2) ELSE (3) END, (ARRAY[1, 2])[1], extract(year FROM now())",
    "SELECT substring('abc' FROM 1 FOR 2), position('b' IN 'abc')",
    "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY id) FROM documents",
    "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' LIMIT (3)",
]
REFUSED = [
    "",
    "   ;",
    "SELECT 1; SELECT 2",
    "SELECT ran\u212a(1)",
    "COMMIT; DROP TABLE documents",
    "SELECT 1) AS asked; COMMIT; DROP TABLE documents; SELECT 2 FROM (SELECT 3",
    "-- x\nDELETE FROM documents",
    "/* x */ DELETE FROM documents",
    "SELECT 1;;",
    "INSERT INTO documents DEFAULT VALUES",
    "UPDATE documents SET name = 'x'",
    "DELETE FROM documents",
    "TRUNCATE documents",
    "DROP TABLE documents",
    "COPY documents TO PROGRAM 'true'",
    "DO 'BEGIN END'",
    "CALL x()",
    "EXPLAIN ANALYZE SELECT 1",
    "SET ROLE postgres",
    "BEGIN",
    "WITH gone AS (DELETE FROM documents RETURNING id) SELECT * FROM gone",
    "WITH new AS (INSERT INTO documents DEFAULT VALUES RETURNING id) SELECT * FROM new",
    "SELECT * INTO copied FROM documents",
    "SELECT * FROM documents FOR UPDATE",
    "SELECT * FROM documents FOR NO KEY UPDATE",
    "SELECT * FROM documents FOR SHARE",
    "SELECT * FROM documents FOR KEY SHARE",
    "SELECT pg_sleep(9)",
    "SELECT pg_sleep (9)",
    "SELECT pg_sleep\n(9)",
    "SELECT pg_sleep/**/(9)",
    "SELECT pg_sleep--x\n(9)",
    "SELECT PG_SLEEP(9)",
    'SELECT "pg_sleep"(9)',
    "SELECT pg_catalog.pg_sleep(9)",
    'SELECT pg_catalog . "pg_sleep" (9)',
    r'SELECT U&"pg\005fsleep"(9)',
    "SELECT U&\"pg!005fsleep\" UESCAPE '!' (9)",
    "SELECT * FROM pg_sleep(9) AS s",
    "SELECT * FROM ROWS FROM (pg_sleep(9)) AS s",
    "SELECT 1 WHERE true AND pg_sleep(9) IS NULL",
    "SELECT dblink('', 'DROP TABLE documents')",
    "SELECT dblink_exec('DROP TABLE documents')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_export(1, '/tmp/x')",
    "SELECT lo_create(0)",
    "SELECT set_config('transaction_read_only', 'off', false)",
    "SELECT nextval('documents_id_seq')",
    "SELECT setval('documents_id_seq', 1)",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_ls_dir('/')",
    "SELECT pg_terminate_backend(1)",
    "SELECT pg_cancel_backend(1)",
    "SELECT pg_reload_conf()",
    "SELECT pg_notify('jobs', '')",
    "SELECT pg_advisory_lock(1)",
    "SELECT pg_try_advisory_xact_lock(1)",
    "SELECT pg_logical_emit_message(true, 'a', 'b')",
    "SELECT pg_export_snapshot()",
    "SELECT txid_current()",
    "SELECT pg_import_system_collations('pg_catalog')",
    "SELECT query_to_xml('DELETE FROM documents', true, true, '')",
    "SELECT * FROM ts_stat('SELECT pg_sleep(9)')",
    "SELECT cursor_to_xml('x', 1, true, true, '')",
    "SELECT generate_series(1, 1000000000)",
    "SELECT repeat('x', 1000000000)",
    "SELECT lpad('x', 1000000000)",
    "SELECT format('%1000000000s', 'x')",
    "SELECT current_setting('data_directory')",
    "SELECT E'\\x70'",
    "SELECT 'a\\'; DROP TABLE documents; --'",
    "SELECT $$a$$",
    "SELECT $1",
    "SELECT 1)) AS asked; DROP TABLE documents; --",
    "SELECT 1) AS asked, (SELECT 2",
    "SELECT (1",
    "SELECT 'a",
    'SELECT "a',
    "SELECT `a`",
    "LISTEN x",
    "NOTIFY x",
    "LOCK TABLE documents",
    "PREPARE p AS SELECT 1",
    "\\! true",
]


def ask(study: Study, sql: str) -> Any:
    tools = tools_of(["sql_readonly"], study.connection, "default", study.url)
    call = Call(id="one", tool="sql_readonly", arguments={"sql": sql})
    return msgspec.json.decode(used(call, tools, study.connection).content)


# What a read-only transaction lets through: the guard alone is there for these.
LET_THROUGH = re.compile("sleep|import_system|lock|notify|terminate|reload|emit|1000000000", re.IGNORECASE)
PIECES = (
    *("random", "(", ")", '"', "'", "''", '""', " ", "\n", "--", "/*", "*/", "$$", "$a$", "\\", ";", "."),
    *("U&", "u&", "E", "e'", "B'", "n", "as ", "select ", "1", ",", "||", "\u00e9", "\u00a0", "&", "::text"),
)


@pytest.mark.parametrize("sql", ALLOWED)
def test_a_question_that_reads_is_answered(study: Study, sql: str) -> None:
    study.add("a.txt", "one", "two")
    assert ask(study, sql)["rows"]


@pytest.mark.parametrize("sql", REFUSED)
def test_whatever_else_is_refused_before_it_is_sent(sql: str) -> None:
    with pytest.raises(CannotAnswer):
        guarded(sql)


@pytest.mark.parametrize("sql", [sql for sql in REFUSED if not LET_THROUGH.search(sql)])
def test_what_got_past_the_guard_would_change_nothing(
    study: Study, sql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second wall alone: a read-only transaction, one statement, inside a question of our own."""
    study.add("a.txt", "one")
    before = study.rows("SELECT * FROM documents, pg_sequences")
    monkeypatch.setattr("rowcrew.bundled.investigation.tools.sql_readonly.guarded", lambda text: text)
    ask(study, sql)
    assert study.rows("SELECT * FROM documents, pg_sequences") == before


def test_rows_are_few_and_short_and_the_model_hears_that_there_are_more(study: Study) -> None:
    study.add("a.txt", *map(str, range(MOST_ROWS + 1)))
    told = ask(study, "SELECT place FROM chunks ORDER BY place")
    assert (len(told["rows"]), told["rows"][0], told["thereIsMore"]) == (MOST_ROWS, '{"place":1}', True)
    study.connection.execute("UPDATE chunks SET content = repeat('x', 100000) WHERE place < 20")
    told = ask(study, "SELECT content FROM chunks ORDER BY place")
    assert {len(row) for row in told["rows"]} == {LONGEST_ROW}
    assert sum(map(len, told["rows"])) <= 4_000
    assert told["thereIsMore"]


def test_a_question_that_takes_too_long_is_ended_by_the_server(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rowcrew.bundled.investigation.tools.sql_readonly.guarded", lambda text: text)
    assert "statement timeout" in ask(study, "SELECT pg_sleep(60)")["error"]


def test_a_question_that_waits_for_a_lock_is_ended_by_the_server(study: Study, study_database: str) -> None:
    with psycopg.connect(study_database) as other:
        other.execute("LOCK TABLE documents IN ACCESS EXCLUSIVE MODE")
        assert "lock timeout" in ask(study, "SELECT * FROM documents")["error"]


def test_letters_arrive_whatever_encoding_the_address_or_the_database_has(study: Study) -> None:
    address = f"{study.url}{'&' if '?' in study.url else '?'}client_encoding=latin1"
    tools = tools_of(["sql_readonly"], study.connection, "default", address)
    call = Call(id="one", tool="sql_readonly", arguments={"sql": "SELECT length('é漢') AS letters"})
    assert msgspec.json.decode(used(call, tools, study.connection).content)["rows"] == ['{"letters":2}']


def test_what_the_database_refuses_is_told_in_its_first_line(study: Study) -> None:
    assert ask(study, "SELECT nothing FROM documents")["error"] == 'column "nothing" does not exist'


def test_no_session_is_left_behind(study: Study) -> None:
    ask(study, "SELECT 1")
    ask(study, "SELECT 1 / 0")
    left = "SELECT pid FROM pg_stat_activity WHERE application_name = 'rowcrew investigation'"
    eventually(lambda: study.rows(left) == [])


def test_every_function_that_is_allowed_neither_writes_nor_waits(study: Study) -> None:
    volatile = study.rows(
        "SELECT DISTINCT proname FROM pg_proc WHERE proname = ANY (%s) AND provolatile = 'v'"
        " AND pronamespace = 'pg_catalog'::regnamespace",
        sorted(FUNCTIONS),
    )
    assert volatile == []


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_no_text_makes_the_server_see_a_function_that_the_guard_did_not(
    study_database: str, text: str
) -> None:
    """What the guard lets through calls no unknown function in the plan that the server makes of it."""
    try:
        question = guarded("SELECT " + text)
    except CannotAnswer:
        return
    with psycopg.connect(study_database) as connection:
        explained = SQL["rows_of"].replace("{question}", question.replace("%", "%%"))
        with suppress(psycopg.Error):
            rows = connection.execute(b"EXPLAIN VERBOSE " + explained.encode(), {"longest": 9, "most": 9})
            plan = re.sub("'[^']*'|\"[^\"]*\"", "", "".join(row[0] for row in rows))
            assert "random" not in plan
