"""Who holds vacuum up is named: by workers in the log, by the doctor with the way out."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest

from rig.logins import Login
from rig.ports import free_port
from rig.standby import StandBy
from rig.waiting import eventually
from rowcrew.admin.database_checks import vacuum_checks
from rowcrew.control.chores.old_snapshots import OldSnapshots
from rowcrew.embedded import EmbeddedPostgres
from rowcrew.log import Log
from rowcrew.model.holder import MOST_NAMED, OLD_TRANSACTIONS, Holder
from rowcrew.table import worker as table
from rowcrew.table.link import Link
from tests.conftest import Connect

pytestmark = pytest.mark.anyio


@pytest.fixture
async def link(database_url: str) -> AsyncIterator[Link]:
    link = Link(database_url, purpose="test")
    yield link
    await link.close()


@pytest.fixture
def output() -> io.StringIO:
    return io.StringIO()


def chore(link: Link, output: io.StringIO, *, seconds: float = 0, transactions: int = 0) -> OldSnapshots:
    return OldSnapshots(link=link, log=Log("text", output), seconds=seconds, transactions=transactions)


@pytest.fixture
def report(connect: Connect) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A transaction that only reads, and keeps its snapshot."""
    report = connect(autocommit=False, application_name="monthly report")
    report.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    report.execute("SELECT count(*) FROM jobs")
    yield report
    report.rollback()


async def test_a_held_snapshot_is_told_once_by_a_worker_and_again_when_it_is_another(
    link: Link, output: io.StringIO, report: psycopg.Connection[tuple[object, ...]]
) -> None:
    snapshots = chore(link, output)
    for _ in range(2):
        await snapshots.once()
    pid = report.info.backend_pid
    said = output.getvalue()
    assert said.count("\n") == 1
    assert f"session 'monthly report' (pid {pid}) of the role postgres, idle in transaction for" in said
    assert f"pg_terminate_backend({pid})" in said
    report.commit()
    await snapshots.once()
    report.execute("SELECT count(*) FROM jobs")
    await snapshots.once()
    assert output.getvalue().count("monthly report") == 2


async def test_a_holder_that_others_push_from_the_list_is_not_told_again_when_it_is_back(
    link: Link, output: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def holders(_link: Link, **_: object) -> list[Holder]:
        return [Holder("session", pid, None, "report", "idle", None, 1.0, 1) for pid in listed]

    monkeypatch.setattr(table, "snapshot_holders", holders)
    snapshots = chore(link, output)
    first, others = 1, list(range(2, 2 + MOST_NAMED))
    listed: list[int] = []
    for order in ([first, *others], [*others, first], [first, *others]):
        listed[:] = order
        await snapshots.once()
    said = output.getvalue()
    assert [said.count(f"(pid {pid})") for pid in [first, *others]] == [1] * (1 + MOST_NAMED)
    (*_, last) = await vacuum_checks(link)
    assert f"pid {others[-2]}" in last.what


async def test_a_young_snapshot_is_not_told(
    link: Link, output: io.StringIO, report: psycopg.Connection[tuple[object, ...]]
) -> None:
    await chore(link, output, seconds=3600).once()
    assert output.getvalue() == ""


async def test_an_idle_transaction_that_holds_nothing_is_not_told(
    link: Link, output: io.StringIO, connect: Connect
) -> None:
    connect(autocommit=False).execute("SELECT 1")
    await chore(link, output).once()
    assert output.getvalue() == ""


async def test_a_transaction_that_has_written_is_told_though_it_keeps_no_snapshot(
    link: Link, output: io.StringIO, connect: Connect
) -> None:
    connect(autocommit=False).execute("INSERT INTO jobs (type) VALUES ('quick')")
    await chore(link, output).once()
    assert "idle in transaction" in output.getvalue()


async def test_prepared_transactions_stand_bys_and_their_slots_are_told(output: io.StringIO) -> None:
    allowed = {"max_prepared_transactions": "2"}
    follows = {**allowed, "hot_standby_feedback": "on", "wal_receiver_status_interval": "1"}
    with (
        EmbeddedPostgres(durable=False, port=free_port(), settings=allowed) as primary,
        StandBy(primary, settings=follows) as stand_by,
        psycopg.connect(primary.url, autocommit=True) as owner,
        psycopg.connect(stand_by.server.url, autocommit=True) as follower,
    ):
        link = Link(primary.url, purpose="test")
        for statement in ("BEGIN", "SELECT pg_current_xact_id()", "PREPARE TRANSACTION 'half'"):
            owner.execute(statement)
        feedback = "SELECT 1 FROM pg_stat_replication WHERE backend_xmin IS NOT NULL"
        eventually(lambda: owner.execute(feedback).fetchall())
        await chore(link, output).once()
        assert "prepared transaction 'half' of the role postgres, prepared for" in output.getvalue()
        assert "ROLLBACK PREPARED 'half'" in output.getvalue()
        assert "stand-by 'rowcrew-" in output.getvalue()
        owner.execute("SELECT pg_create_physical_replication_slot('forgotten')")
        follower.execute("ALTER SYSTEM SET primary_slot_name = 'forgotten'")
        follower.execute("SELECT pg_reload_conf()")
        kept = "SELECT 1 FROM pg_replication_slots WHERE xmin IS NOT NULL"
        eventually(lambda: owner.execute(kept).fetchall())
        await chore(link, output).once()
        assert "replication slot 'forgotten'" in output.getvalue()
        assert "pg_drop_replication_slot('forgotten')" in output.getvalue()
        young = io.StringIO()
        await chore(link, young, seconds=3600, transactions=OLD_TRANSACTIONS).once()
        assert young.getvalue() == ""
        await link.close()


async def test_the_doctor_names_the_holder_and_the_way_out(
    link: Link, report: psycopg.Connection[tuple[object, ...]]
) -> None:
    (found,) = await vacuum_checks(link, seconds=0)
    assert (found.name, found.result) == ("vacuum", "warning")
    assert "monthly report" in found.what
    assert f"pg_terminate_backend({report.info.backend_pid})" in found.remedies[0].words
    (found,) = await vacuum_checks(link)
    assert (found.result, found.what) == ("ok", "no old transaction holds it up")


async def test_a_role_that_may_not_see_the_holder_is_told_what_lets_it(
    login: Login, report: psycopg.Connection[tuple[object, ...]], connect: Connect
) -> None:
    link = Link(login("worker"), purpose="test")
    try:
        assert await table.snapshot_holders(link, seconds=0, transactions=0) == []
        (found,) = await vacuum_checks(link, seconds=0)
        assert "other roles' sessions are hidden" in found.what
        assert "GRANT pg_read_all_stats" in found.remedies[0].words
        connect().execute("GRANT pg_read_all_stats TO a_worker")
        (found,) = await vacuum_checks(link, seconds=0)
        assert "monthly report" in found.what
    finally:
        await link.close()
