"""The database goes away and comes back in every way it can."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, LiteralString

import psycopg
import pytest
import uvloop

from rig.fixtures import StartWorker
from rig.journal import Gate, Journal
from rig.ports import free_port
from rig.proxy import Proxy
from rig.table import Table
from rig.waiting import eventually
from rig.worker_process import WorkerProcess, is_gone
from rowcrew.embedded import EmbeddedPostgres, StopMode
from rowcrew.table import link as link_module
from rowcrew.table import listening as listening_module
from rowcrew.table.link import Link
from rowcrew.table.listening import listen
from rowcrew.table.statements import SQL

PURPOSES = ("reserve", "record", "heartbeat", "chores", "listen")


@pytest.fixture
def proxy(tcp_database_url: str) -> Iterator[Proxy]:
    with Proxy(tcp_database_url) as proxy:
        yield proxy


def backend(table: Table, purpose: str) -> int | None:
    """The server process of one of the worker's connections."""
    found = [row["pid"] for row in table.connections_of_workers() if row["name"] == f"rowcrew {purpose}"]
    return found[0] if found else None


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_connection_that_is_ended_comes_back_and_no_run_notices(
    standing_worker: WorkerProcess, shared_table: Table, shared_journal: Journal, gate: Gate, purpose: str
) -> None:
    table = shared_table
    job = table.enqueue("hold", {"gate": gate.path})
    shared_journal.has("start", job=job)
    runners = standing_worker.runners()
    before = eventually(lambda: backend(table, purpose))
    table.rows("SELECT pg_terminate_backend(%s)", before)
    during = table.enqueue("noop")
    gate.open()
    for ended in (job, during):
        assert table.until(ended, "completed")["attempts"] == 1
    eventually(lambda: backend(table, purpose) not in (None, before))
    assert len(shared_journal.entries("start", job=job)) == 1
    assert standing_worker.runners() == runners
    table.until(table.enqueue("noop"), "completed")


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_restart_of_the_server_costs_no_run(
    start_worker: StartWorker,
    server: EmbeddedPostgres,
    table: Table,
    journal: Journal,
    gate: Gate,
    mode: StopMode,
) -> None:
    worker = start_worker(WORKER_CONCURRENCY=3).ready()
    types = ("hold", "hold_thread", "hold_process")
    running = [table.enqueue(type, {"gate": gate.path}) for type in types]
    journal.has("start", times=3)
    runners = sorted(worker.runners() + worker.runners("solo"))
    table.rows("INSERT INTO jobs (type) SELECT 'tick' FROM generate_series(1, 200)")
    table.rows("CHECKPOINT")
    server.restart(mode)
    worker.said("wake_up.lost")
    gate.open()
    for job in running:
        row = table.until(job, "completed")
        assert (row["attempts"], row["crashes"], row["result"]) == (1, 0, "let go")
        assert table.outcomes(job) == []
    table.drained()
    assert table.count("completed") == 203
    for job in running:
        assert len(journal.entries("start", job=job)) == 1
    assert sorted(worker.runners() + worker.runners("solo")) == runners
    assert worker.heard("fence.closed") == []
    assert worker.stop() == 0


def test_ends_that_come_while_the_server_is_down_are_recorded_once_when_it_is_back(
    start_worker: StartWorker, server: EmbeddedPostgres, table: Table, journal: Journal, gate: Gate
) -> None:
    worker = start_worker().ready()
    jobs = [table.enqueue("hold", {"gate": gate.path}) for _ in range(4)]
    journal.has("start", times=4)
    server.halt("fast")
    try:
        gate.open()
        journal.has("end", times=4)
        worker.said("database.lost", purpose="record")
    finally:
        server.resume()
    for job in jobs:
        assert table.until(job, "completed")["attempts"] == 1
    assert len(journal.entries("start")) == 4


# By purpose: what is refused.
REFUSED: dict[str, LiteralString] = {
    "reserve": "UPDATE ON jobs FOR EACH ROW WHEN (OLD.status = 'queued' AND NEW.status = 'processing')",
    "record": "UPDATE ON jobs FOR EACH ROW WHEN (NEW.status = 'completed')",
    "progress": "UPDATE ON jobs FOR EACH ROW WHEN (NEW.progress IS NOT NULL AND NEW.status = 'processing')",
    "heartbeat": "UPDATE ON workers FOR EACH ROW WHEN (NEW.beats > OLD.beats)",
}
REFUSE: LiteralString = """
    CREATE SEQUENCE tries;
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM nextval('tries');
        RAISE EXCEPTION 'not now' USING ERRCODE = TG_ARGV[0];
    END $$
"""


@pytest.mark.parametrize(
    ("purpose", "condition"),
    [
        *itertools.product(REFUSED, ["disk_full", "query_canceled"]),
        ("heartbeat", "insufficient_privilege"),  # a worker that may not write jobs ends, and says so
    ],
)
def test_what_the_server_refuses_is_told_once_and_done_when_it_no_longer_does(
    start_worker: StartWorker, table: Table, gate: Gate, purpose: str, condition: LiteralString
) -> None:
    """The connection stays open meanwhile."""
    worker = start_worker(WORKER_HEARTBEAT_INTERVAL=0.5).ready()
    table.rows(REFUSE)
    table.rows(f"CREATE TRIGGER refuse BEFORE {REFUSED[purpose]} EXECUTE FUNCTION refuse('{condition}')")
    job = table.enqueue("tells", {"gate": gate.path})
    if purpose == "record":
        gate.open()
    said = worker.said("database.refuses", purpose=purpose)
    assert "not now" in said["reason"]
    eventually(lambda: table.rows("SELECT last_value AS n FROM tries")[0]["n"] >= 4)
    table.rows("DROP FUNCTION refuse CASCADE")
    worker.said("database.back", purpose=purpose)
    gate.open()
    assert table.until(job, "completed")["attempts"] == 1
    assert len(worker.heard("database.refuses")) == 1
    assert worker.heard("database.lost") == []


def test_a_worker_told_to_stop_while_the_server_is_down_leaves_all_the_same(
    start_worker: StartWorker, server: EmbeddedPostgres, table: Table, journal: Journal, gate: Gate
) -> None:
    worker = start_worker(SHUTDOWN_GRACE=0.5, CANCEL_GRACE=0.5).ready()
    job = table.enqueue("hold", {"gate": gate.path})
    journal.has("start", job=job)
    family = worker.family()
    server.halt("fast")
    try:
        assert worker.stop() == 0
    finally:
        server.resume()
    assert all(is_gone(child.pid) for child in family)
    second = start_worker().ready()
    gate.open()
    assert table.until(job, "completed")["attempts"] == 1
    second.said("job.rescued", job_id=job)


@contextmanager
def while_reserving(table: Table) -> Iterator[None]:
    """A new job of which the reservation is under way in the block, and commits at its end."""
    table.rows(
        """
        CREATE FUNCTION wait_for_test() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NULL; END $$;
        CREATE TRIGGER wait_for_test AFTER UPDATE ON jobs FOR EACH ROW EXECUTE FUNCTION wait_for_test();
        """
    )
    reserving: LiteralString = """
        SELECT pid FROM pg_stat_activity WHERE application_name = 'rowcrew reserve'
           AND datname = current_database() AND wait_event_type = 'Lock'
    """
    with table.another() as other:
        other.execute("SELECT pg_advisory_xact_lock(1)")
        job = table.enqueue("tick")
        eventually(lambda: table.rows(reserving))
        yield
        other.commit()
    table.until(job, "processing")


def test_a_job_whose_reservation_was_not_heard_of_goes_back_and_runs_once(
    start_worker: StartWorker, table: Table, journal: Journal, proxy: Proxy
) -> None:
    worker = start_worker(url=proxy.url).ready()
    with while_reserving(table):
        proxy.mute()
    proxy.cut()
    proxy.heal()
    table.drained()
    assert len(journal.entries("start")) == 1
    ((job, row),) = [(row["id"], row) for row in table.rows("SELECT id, attempts, status FROM jobs")]
    assert (row["attempts"], row["status"]) == (1, "completed")
    assert table.outcomes(job) == ["released"]
    assert worker.heard("worker.crashed") == []


def test_a_job_of_which_the_answer_is_late_is_not_given_back_meanwhile(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate, proxy: Proxy
) -> None:
    start_worker(url=proxy.url, WORKER_HEARTBEAT_INTERVAL=0.5).ready()
    running = table.enqueue("hold", {"gate": gate.path})
    journal.has("start", job=running)
    with while_reserving(table):
        proxy.hold("reserve")
    ((before,),) = [row.values() for row in table.rows("SELECT max(beats) FROM workers")]
    eventually(lambda: table.rows("SELECT 1 FROM workers WHERE beats >= %s", before + 4))
    proxy.heal()
    gate.open()
    table.drained()
    for row in table.rows("SELECT id, attempts, status FROM jobs"):
        assert (row["attempts"], row["status"]) == (1, "completed")
        assert table.outcomes(row["id"]) == []
        assert len(journal.entries("start", job=row["id"])) == 1


def test_ends_are_written_within_seconds_though_a_fifth_of_the_answers_gets_lost(
    start_worker: StartWorker, table: Table, journal: Journal, proxy: Proxy
) -> None:
    worker = start_worker(url=proxy.url, WORKER_CONCURRENCY=4).ready()
    table.until(table.enqueue("noop"), "completed")
    proxy.lose(0.2, seed=11, purpose="record")
    jobs = [table.enqueue("tick")]
    while proxy.swallowed < 4:
        worker.said("job.completed", job_id=jobs[-1], seconds=60)
        jobs.append(table.enqueue("tick"))
    proxy.heal()
    for job in jobs:
        worker.said("job.completed", job_id=job)
        assert table.until(job, "completed")["attempts"] == 1
        assert len(journal.entries("start", job=job)) == 1
    reasons = [line["reason"] for line in worker.heard("database.lost", purpose="record")]
    assert "no answer within 2 seconds" in reasons
    assert worker.heard("job.stale") == []


def test_a_worker_never_has_more_than_five_connections(
    start_worker: StartWorker, table: Table, proxy: Proxy
) -> None:
    worker = start_worker(url=proxy.url, WORKER_CONCURRENCY=50, WORKER_RUNNERS=2).ready()
    table.rows("INSERT INTO jobs (type) SELECT 'noop' FROM generate_series(1, 3000)")
    table.drained()
    assert proxy.most_connections == 5
    assert worker.stop() == 0


def test_a_run_whose_commit_is_seen_before_it_is_reported_is_told_as_completed(
    start_worker: StartWorker, table: Table, gate: Gate, proxy: Proxy
) -> None:
    worker = start_worker(url=proxy.url, WORKER_HEARTBEAT_INTERVAL=0.5).ready()
    table.rows(
        """
        CREATE FUNCTION wait_for_test() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NULL; END $$;
        CREATE TABLE written (job bigint);
        CREATE CONSTRAINT TRIGGER wait_for_test AFTER INSERT ON written
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait_for_test();
        """
    )
    committing: LiteralString = """
        SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'rowcrew job %%'
           AND datname = current_database() AND wait_event_type = 'Lock'
    """
    with table.another() as other:
        other.execute("SELECT pg_advisory_xact_lock(1)")
        job = table.enqueue("transacts", {"gate": gate.path})
        gate.open()
        eventually(lambda: table.rows(committing))
        proxy.hold("job")
        other.commit()
    table.until(job, "completed")
    worker.said("job.stopping", job_id=job)
    proxy.heal()
    worker.said("job.completed", job_id=job)


@pytest.mark.slow
def test_a_worker_cut_off_from_the_database_stops_its_runs_before_others_take_them(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate, proxy: Proxy
) -> None:
    cut_off = start_worker(url=proxy.url).ready()
    job = table.enqueue("hold_thread", {"gate": gate.path})
    first = journal.has("start", job=job)
    other = start_worker().ready()
    proxy.stall()
    cut_off.said("fence.closed", seconds=60)
    eventually(lambda: is_gone(first["pid"]))
    assert other.heard("worker.rescued") == [], "the fence must close before the lease ends"
    second = journal.has("start", job=job, times=2, seconds=40)
    assert second["attempt"] == 1
    proxy.heal()
    cut_off.said("worker.declared_lost", seconds=60)
    gate.open()
    row = table.until(job, "completed")
    assert (row["attempts"], table.outcomes(job)) == (1, ["lost"])
    assert len(journal.entries("end", job=job)) == 1
    assert other.stop() == 0
    table.until(table.enqueue("noop"), "completed")
    assert cut_off.exit_code is None


def test_a_stall_shorter_than_the_fence_costs_no_run(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate, proxy: Proxy
) -> None:
    worker = start_worker(url=proxy.url, WORKER_HEARTBEAT_INTERVAL=0.5).ready()
    job = table.enqueue("hold", {"gate": gate.path})
    journal.has("start", job=job)
    proxy.stall()
    worker.said("database.lost", purpose="heartbeat")
    proxy.heal()
    worker.said("database.back", purpose="heartbeat")
    gate.open()
    assert table.until(job, "completed")["attempts"] == 1
    assert worker.heard("fence.closed") == []


def test_no_server_at_the_start_is_a_readable_reason_and_exit_code_one(start_worker: StartWorker) -> None:
    url = f"postgresql://somebody:hunter2@127.0.0.1:{free_port()}/nowhere"
    worker = start_worker(url=url, DB_CONNECT_TIMEOUT=1)
    assert worker.exited() == 1
    assert worker.heard("database.failed")
    (line,) = worker.heard("database.failed_reason")
    assert "refused" in line["message"]
    assert "hunter2" not in worker.log.read_text()
    assert "Traceback" not in worker.log.read_text()


def test_a_worker_waits_for_a_server_that_comes_up_later(
    start_worker: StartWorker, server: EmbeddedPostgres, table: Table
) -> None:
    server.halt("fast")
    try:
        worker = start_worker()
        worker.said("worker.starting")
    finally:
        server.resume()
    worker.ready()
    table.until(table.enqueue("noop"), "completed")


@pytest.mark.parametrize("what", ["line", "listening"])
def test_a_network_that_falls_silent_right_after_the_handshake_is_given_up(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """The first words on a new connection have a deadline too, and whoever waits hears of it."""
    for module in (link_module, listening_module):
        monkeypatch.setattr(module, "CALL_SECONDS", 0.2)
    connect = psycopg.AsyncConnection.connect

    async def silent(*given: Any, **options: Any) -> psycopg.AsyncConnection[Any]:
        connection = await connect(*given, **options)
        proxy.mute()
        return connection

    async def ask() -> None:
        link = Link(proxy.url, purpose="test")
        async with asyncio.timeout(30):
            with monkeypatch.context() as patched, pytest.raises(psycopg.OperationalError):
                patched.setattr(psycopg.AsyncConnection, "connect", silent)
                if what == "line":
                    await link.fetch(SQL["worker/schema_revision"], {})
                else:
                    await listen(proxy.url, listening=lambda: None, receive=lambda *_: None)
            assert not link.is_open
            proxy.heal()
            assert await link.fetch(SQL["worker/schema_revision"], {})
        await link.close()

    uvloop.run(ask())


def test_a_worker_that_leaves_a_frozen_server_says_so_in_lines_of_its_log_alone(
    start_worker: StartWorker, table: Table, proxy: Proxy, gate: Gate
) -> None:
    """The driver has a word of its own about calls that are broken off."""
    worker = start_worker(url=proxy.url, WORKER_HEARTBEAT_INTERVAL=0.5, SHUTDOWN_GRACE=1).ready()
    worker.said("job.processing", job_id=table.enqueue("hold", {"gate": gate.path}))
    proxy.stall()
    table.enqueue("noop")
    worker.stop()
    assert worker.heard("other") == []
    assert worker.heard("worker.crashed") == []


def test_a_worker_goes_on_by_itself_when_the_database_takes_writes_again(
    start_worker: StartWorker, table: Table
) -> None:
    """What a fail-over looks like: sessions that were opened meanwhile stay read-only."""
    worker = start_worker(WORKER_HEARTBEAT_INTERVAL=0.5, POLL_INTERVAL=0.5).ready()
    ((name,),) = [row.values() for row in table.rows("SELECT current_database()::text AS name")]
    table.rows(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    table.rows(
        """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name LIKE 'rowcrew %%'
        """
    )
    job = table.enqueue("noop")
    for purpose in ("heartbeat", "reserve"):
        worker.said("database.lost", purpose=purpose)
    eventually(lambda: "read-only" in worker.log.read_text())
    table.rows(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    assert table.until(job, "completed")["attempts"] == 1
    worker.said("database.back", purpose="heartbeat")
