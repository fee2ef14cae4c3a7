"""Every connection of ours answers as our code reads it, whatever the database prefers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest

from rig.databases import new_database
from rowcrew.client import enqueue, enqueue_async, get, get_async
from rowcrew.embedded import EmbeddedPostgres
from rowcrew.model.errors import SettingsError
from rowcrew.model.job import Job
from rowcrew.runner.transaction import RunTransaction
from rowcrew.table.link import Link, needs_new_link
from rowcrew.table.migrate import migrate
from rowcrew.table.opening import opened, opened_async

LOOK = "SELECT now(), interval '1 day 2 s', 'ü'::text, current_setting('application_name')"

pytestmark = pytest.mark.anyio


@pytest.fixture(
    params=[("SQL_ASCII", ()), (None, ("DateStyle = 'German'", "IntervalStyle = 'iso_8601'"))],
    ids=["encoding", "styles"],
)
def odd_url(
    request: pytest.FixtureRequest, server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The migrated database of somebody who likes other encodings or dates."""
    encoding, preferences = request.param
    with new_database(server, "odd", encoding=encoding) as name:
        url = server.url_of(name)
        with psycopg.connect(url, autocommit=True) as owner:
            for preference in preferences:
                owner.execute(f"ALTER DATABASE {name} SET {preference}".encode())
        migrate(url)
        monkeypatch.setenv("DATABASE_URL", url)
        yield url


async def test_every_door_reads_text_dates_and_intervals(odd_url: str) -> None:
    link = Link(odd_url, purpose="test")
    try:
        rows = [(await link.fetch(LOOK, {}))[0]]
    finally:
        await link.close()
    with opened(odd_url, name="test") as connection:
        rows += connection.execute(LOOK).fetchall()
    async with await opened_async(odd_url, name="test") as connection_async:
        rows += await (await connection_async.execute(LOOK)).fetchall()
    assert [row[1:] for row in rows] == [(timedelta(days=1, seconds=2), "ü", "rowcrew test")] * 3


async def test_a_link_looks_again_at_what_others_change_and_may_rest_whatever_the_database_prefers(
    database: str, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as owner:
        for preference in ("default_transaction_isolation = 'serializable'", "idle_session_timeout = '1min'"):
            owner.execute(f"ALTER DATABASE {database} SET {preference}".encode())
    link = Link(database_url, purpose="test", session={"synchronous_commit": "off"})
    try:
        settings = "SELECT current_setting('transaction_isolation'), current_setting('idle_session_timeout')"
        async with link.transaction():
            assert await link.fetch(settings, {}) == [("read committed", "0")]
    finally:
        await link.close()


def test_a_plan_that_a_migration_has_outdated_is_known_in_every_language(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE t (a int)")
        connection.execute("PREPARE p AS SELECT a FROM t")
        connection.execute("ALTER TABLE t ALTER a TYPE bigint")
        with pytest.raises(psycopg.errors.FeatureNotSupported) as raised:
            connection.execute("EXECUTE p")
        with pytest.raises(psycopg.errors.FeatureNotSupported) as another:
            connection.execute("SELECT count(*) FROM t FOR UPDATE")
    raised.value.args = ("gecachter Plan darf den Ergebnistyp nicht ändern",)
    assert needs_new_link(raised.value)
    assert not needs_new_link(another.value)


async def test_a_rollback_leaves_the_styles_as_they_were_settled(odd_url: str) -> None:
    with opened(odd_url, name="test") as connection:
        connection.execute("SELECT 1")
        connection.rollback()
        assert connection.execute(LOOK).fetchone() is not None


async def test_jobs_can_be_enqueued_and_read(odd_url: str) -> None:
    first, again = enqueue("x", {"an": "ü"}, unique_key="ü"), await enqueue_async("x", unique_key="ü")
    assert (first.created, again) == (True, (first.id, False))
    assert get(first.id) == await get_async(first.id)


async def test_a_job_can_be_read_on_the_caller_s_own_connection(odd_url: str) -> None:
    id = enqueue("x", unique_key="ü").id
    with psycopg.connect(odd_url) as connection:
        assert enqueue("x", unique_key="ü", on=connection) == (id, False)
        job = get(id, on=connection)
    async with await psycopg.AsyncConnection.connect(odd_url) as connection_async:
        assert await get_async(id, on=connection_async) == job
    assert job is not None
    assert job == get(id)


async def test_a_run_reads_dates_in_its_transaction(odd_url: str) -> None:
    job = Job(1, "", "x", "default", 0, 1, 1, 0, None, "", "{}")
    transactions = [RunTransaction(job, odd_url), RunTransaction(job, odd_url)]
    with transactions[0] as connection:
        assert connection.execute(LOOK).fetchall()[0][2:] == ("ü", "rowcrew job 1")
    async with transactions[1] as connection_async:
        assert await (await connection_async.execute(LOOK)).fetchone() is not None
    for transaction in transactions:
        await transaction.roll_back()


def test_a_producer_reads_only_what_it_needs(odd_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLL_INTERVAL", "soon")
    monkeypatch.setenv("JOB_QUEUE_NAME", "mail")
    job = get(enqueue("x").id)
    assert job is not None
    assert job.queue == "mail"
    monkeypatch.setenv("JOB_QUEUE_NAME", "no such name")
    with pytest.raises(SettingsError, match="JOB_QUEUE_NAME"):
        enqueue("x")
