"""Every SQL statement that a page shows runs, through psql, and answers what the page says."""

from __future__ import annotations

import pytest

from tests.conftest import Connect
from tests.contract.hands import Connection, read
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
    rows = furnished.execute(cookbook("SELECT job.id, job.type, job.queue,")).fetchall()
    why = {id: reason for id, _type, _queue, reason in rows}
    assert why[42] == "every slot is taken"
    assert why[47].startswith("due at 2199")
    furnished.execute('UPDATE jobs SET "runAt" = now() WHERE id = 47')
    rows = furnished.execute(cookbook("SELECT job.id, job.type, job.queue,")).fetchall()
    assert {row[0]: row[3] for row in rows}[47] == "no live worker serves this type in this queue"
