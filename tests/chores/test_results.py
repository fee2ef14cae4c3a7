"""Which results are emptied when their time is over, and that everything else of their rows stays."""

from __future__ import annotations

import io

import psycopg
import pytest

from rowcrew import ResultGone, wait, watch
from rowcrew.control.chores import results as results_module
from rowcrew.control.chores import walk as walk_module
from rowcrew.control.chores.results import EmptyResults
from rowcrew.log import Log
from rowcrew.table.link import Link
from tests.conftest import Connect

pytestmark = pytest.mark.anyio


async def emptied(address: str, keep_seconds: int | None = None) -> int:
    """One walk through the whole table; how many results went."""
    link = Link(address, purpose="prune")
    try:
        return await EmptyResults(
            link=link, keep_seconds=keep_seconds, log=Log("text", io.StringIO())
        ).everything()
    finally:
        await link.close()


def insert(
    connect: Connect,
    *,
    age: str = "1 hour",
    status: str = "completed",
    queue: str = "default",
    type: str = "noop",
) -> int:
    rows = connect().execute(
        """
        INSERT INTO jobs (type, status, queue, result, "finishedAt")
        VALUES (%s, %s, %s, '{"a": 1}', now() - %s::interval) RETURNING id
        """,
        (type, status, queue, age),
    )
    return int(rows.fetchall()[0][0])


def with_result(connect: Connect) -> list[int]:
    return [row[0] for row in connect().execute("SELECT id FROM jobs WHERE result IS NOT NULL ORDER BY id")]


async def test_a_result_is_readable_for_its_time_then_empty_and_its_row_stays_completed(
    database_url: str, connect: Connect
) -> None:
    old, young = insert(connect, age="25 hours"), insert(connect, age="23 hours")
    before = connect().execute("SELECT * FROM jobs WHERE id = %s", (old,)).fetchone()
    assert await emptied(database_url, 86_400) == 1
    assert with_result(connect) == [young]
    row = (
        connect()
        .execute(
            """SELECT status, "finishedAt", "resultEmptiedAt" > now() - interval '1 minute',
                  "updatedAt" > "createdAt"
           FROM jobs WHERE id = %s""",
            (old,),
        )
        .fetchone()
    )
    assert row is not None
    assert before is not None
    assert row[0] == "completed"
    assert row[1] in before
    assert row[2:] == (True, True)


async def test_results_stay_as_long_as_their_rows_where_nothing_says_otherwise(
    database_url: str, connect: Connect
) -> None:
    kept = insert(connect, age="6 days")
    assert await emptied(database_url) == 0
    assert with_result(connect) == [kept]


async def test_the_type_goes_before_its_queue_and_the_queue_before_the_setting(
    database_url: str, connect: Connect
) -> None:
    connect().execute(
        """INSERT INTO queues (queue, "keepResultSeconds") VALUES ('short', 60), ('long', 99999999)"""
    )
    connect().execute(
        """INSERT INTO job_types (type, "keepResultSeconds") VALUES ('brief', 60), ('lasting', 99999999)"""
    )
    insert(connect, queue="short")
    insert(connect, type="brief", queue="long")
    kept = [
        insert(connect, queue="long"),
        insert(connect, type="lasting", queue="short"),
        insert(connect, age="1 minute"),
    ]
    insert(connect)
    assert await emptied(database_url, 1_800) == 3
    assert with_result(connect) == kept
    assert await emptied(database_url) == 0


@pytest.mark.parametrize("status", ["queued", "processing", "failed", "cancelled"])
async def test_only_completed_rows_are_emptied(database_url: str, connect: Connect, status: str) -> None:
    kept = insert(connect, status=status)
    assert await emptied(database_url, 1) == 0
    assert with_result(connect) == [kept]


async def test_a_locked_row_waits_for_the_next_round(database_url: str, connect: Connect) -> None:
    locked, free = insert(connect), insert(connect)
    with psycopg.connect(database_url) as holder:
        holder.execute("SELECT FROM jobs WHERE id = %s FOR UPDATE", (locked,))
        assert await emptied(database_url, 1) == 1
        assert with_result(connect) == [locked]
    assert await emptied(database_url, 1) == 1
    assert free not in with_result(connect)


async def test_a_row_that_takes_no_change_keeps_no_other_from_being_emptied(
    database_url: str, connect: Connect
) -> None:
    rows = [insert(connect) for _ in range(5)]
    connect().execute(
        """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'mine'; END $$
        """
    )
    connect().execute(
        f"CREATE TRIGGER refuse BEFORE UPDATE ON jobs FOR EACH ROW WHEN (OLD.id = {rows[2]})"
        " EXECUTE FUNCTION refuse()"
    )
    assert await emptied(database_url, 1) == 4
    assert with_result(connect) == [rows[2]]


async def test_a_requeued_job_has_no_result_that_is_gone(database_url: str, connect: Connect) -> None:
    job = insert(connect)
    await emptied(database_url, 1)
    connect().execute("UPDATE jobs SET status = 'queued' WHERE id = %s", (job,))
    row = connect().execute('SELECT "resultEmptiedAt" FROM jobs WHERE id = %s', (job,)).fetchone()
    assert row == (None,)


async def test_emptying_counts_as_a_worker_s_own_change(database_url: str, connect: Connect) -> None:
    """No trigger in plpgsql for each of a million rows."""
    job = insert(connect)
    connect().execute(
        """
        CREATE OR REPLACE FUNCTION jobs_by_hand() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'by hand'; END $$
        """
    )
    assert await emptied(database_url, 1) == 1
    assert job not in with_result(connect)


def test_who_waits_for_an_emptied_result_hears_it(
    database_url: str, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setattr(watch, "IDLE_SECONDS", 0.0)
    job = insert(connect)
    assert wait(job, timeout=30) == {"a": 1}
    connect().execute("""UPDATE jobs SET result = NULL, "resultEmptiedAt" = now() WHERE id = %s""", (job,))
    with pytest.raises(
        ResultGone, match=rf"job {job} \(noop\) has completed; its result was kept for its time and is gone"
    ):
        wait(job, timeout=30)


async def test_a_worker_goes_on_where_it_last_emptied_something(
    database_url: str, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that it has emptied lie before those that fall due: it need not read them again each minute."""
    monkeypatch.setattr(results_module, "IDLE_BATCHES", 2)
    monkeypatch.setattr(walk_module, "BATCH", 2)
    link = Link(database_url, purpose="prune")
    chore = EmptyResults(link=link, keep_seconds=1_800, log=Log("text", io.StringIO()))
    for _ in range(12):
        insert(connect)
    await chore.once()
    assert with_result(connect) == []
    insert(connect)
    connect().execute("UPDATE jobs SET result = '1' WHERE id = (SELECT min(id) FROM jobs)")
    await chore.once()
    assert len(with_result(connect)) == 1
    for _ in range(4):  # what lies behind comes in its turn
        await chore.once()
    assert with_result(connect) == []
    await link.close()


async def test_the_longest_time_that_the_setting_takes_empties_nothing_and_fails_nowhere(
    database_url: str, connect: Connect
) -> None:
    kept = insert(connect)
    assert await emptied(database_url, 3_153_600_000) == 0
    assert with_result(connect) == [kept]
