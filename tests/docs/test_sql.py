"""Every SQL statement that a page shows runs, through psql, and answers what the page says."""

from __future__ import annotations

import pytest

from tests.conftest import Connect
from tests.contract.hands import Connection, insert, read
from tests.docs.conftest import Psql, furnish
from tests.docs.pages import ROOT, Block, blocks

STATEMENTS = [block for block in blocks("sql") if block.marked("roles") is None]


@pytest.mark.parametrize("block", STATEMENTS, ids=str)
def test_the_statement_runs_and_answers(block: Block, furnished_url: str, psql: Psql) -> None:
    answer = psql(furnished_url, f"BEGIN;\n{block.marked('given') or ''}\n{block.text}\n;ROLLBACK;")
    expected = block.marked("prints")
    assert expected is None or expected in answer


@pytest.fixture
def furnished(connect: Connect) -> Connection:
    connection = connect()
    furnish(connection)
    return connection


COOKBOOK = ROOT / "docs" / "guides" / "sql-cookbook.md"


def cookbook(first_words: str) -> str:
    """The first statement of the cookbook that begins so."""
    return next(b.text for b in STATEMENTS if b.page == COOKBOOK and b.text.startswith(first_words))


def test_the_cookbook_cancels(furnished: Connection) -> None:
    furnished.execute(cookbook("UPDATE jobs SET status = 'cancelled' WHERE id = 42"))
    assert read(furnished, 42, "status") == ("cancelled",)


def test_the_cookbook_requeues(furnished: Connection) -> None:
    furnished.execute(cookbook("UPDATE jobs SET status = 'queued' WHERE id = 43"))
    assert read(furnished, 43, "status", "attempts", "finishedAt") == ("queued", 0, None)


def test_the_cookbook_reprioritises(furnished: Connection) -> None:
    furnished.execute(cookbook("UPDATE jobs SET priority = 20"))
    assert read(furnished, 42, "priority") == (20,)


def test_the_cookbook_tells_why_a_job_waits(furnished: Connection) -> None:
    statement = cookbook("SELECT id, type, queue, reason")
    why = {id: reason for id, _type, _queue, reason in furnished.execute(statement).fetchall()}
    assert (why[42], why[47]) == ("about-to-run", "scheduled")
    furnished.execute('UPDATE jobs SET "runAt" = now() WHERE id = 47')
    assert {row[0]: row[3] for row in furnished.execute(statement).fetchall()}[47] == "type-unknown"


def test_the_cookbook_requeues_in_bulk_and_leaves_out_a_job_whose_key_is_taken(furnished: Connection) -> None:
    bulk = cookbook("UPDATE jobs SET status = 'queued'\n WHERE id IN")
    furnished.execute("""UPDATE jobs SET "uniqueKey" = 'a key' WHERE id = 43""")
    live = insert(furnished, type="model_run", uniqueKey="a key")
    furnished.execute(bulk)
    assert read(furnished, 43, "status") == ("failed",)
    furnished.execute("UPDATE jobs SET status = 'cancelled' WHERE id = %s", [live])
    furnished.execute(bulk)
    assert read(furnished, 43, "status") == ("queued",)


def test_the_cookbook_spreads_requeued_jobs_over_time(furnished: Connection) -> None:
    furnished.execute(cookbook("WITH failed AS ("))
    due = """SELECT "runAt" - "updatedAt" BETWEEN '0 s' AND '30 min' FROM jobs WHERE id = 43"""
    assert furnished.execute(due).fetchone() == (True,)
    assert read(furnished, 43, "status", "attempts") == ("queued", 0)


def test_the_cookbook_enqueues_no_more_than_a_hundred_for_a_customer(furnished: Connection) -> None:
    one_more = cookbook("INSERT INTO jobs (type, payload)\nSELECT 'report', '{\"customer\": \"acme\"}'")
    counts = [furnished.execute(one_more).rowcount for _ in range(101)]
    assert counts == [1] * 100 + [0]


def test_the_cookbook_deletes_a_job_with_what_tells_of_its_attempts(furnished: Connection) -> None:
    furnished.execute(cookbook("WITH gone AS ("))
    left = furnished.execute(
        """SELECT 43 IN (SELECT id FROM jobs), 43 IN (SELECT "jobId" FROM job_attempts)"""
    )
    assert left.fetchone() == (False, False)
