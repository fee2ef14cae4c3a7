"""Whose jobs a worker takes over, and whose never."""

from __future__ import annotations

import asyncio
import io
import os
import socket
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from rig.clock import MovedClock
from rig.fixtures import StartWorker
from rig.journal import Gate, Journal
from rig.table import Table
from rig.waiting import eventually
from rowcrew import settings
from rowcrew.control.care.rescue import Rescue
from rowcrew.control.chores.chore import Routine
from rowcrew.control.clock import MonotonicClock
from rowcrew.control.identity import Identity
from rowcrew.control.set_aside import SetAside
from rowcrew.log import Log
from rowcrew.model.tally import Tally
from rowcrew.process_key import process_key
from rowcrew.table.link import Link
from tests.conftest import Connect

pytestmark = pytest.mark.anyio


class Rescuer:
    """A worker's rescue chore with its surroundings, and no worker around it."""

    def __init__(self, database_url: str) -> None:
        self.output = io.StringIO()
        values = settings.read({"DATABASE_URL": database_url, "WORKER_HEARTBEAT_INTERVAL": "0.1"})
        log = Log("text", self.output)
        self.link = Link(database_url, purpose="chores")
        self.identity = Identity(link=self.link, types=(), settings=values, log=log)
        self.clock = MovedClock()
        self.rescue = Rescue(
            seconds=0.1,
            link=self.link,
            identity=self.identity,
            set_aside=SetAside(link=self.link, identity=self.identity, log=log),
            tally=Tally(),
            clock=self.clock,
            log=log,
        )
        self.routine = Routine(self.rescue, link=self.link, clock=MonotonicClock(), log=log)

    async def said(self, words: str) -> None:
        await asyncio.to_thread(eventually, lambda: words in self.output.getvalue())


@asynccontextmanager
async def looking(rescuer: Rescuer) -> AsyncIterator[None]:
    """The chore runs, as in a worker."""
    chore = asyncio.create_task(rescuer.routine.run())
    yield
    chore.cancel()


@pytest.fixture
async def rescuer(database_url: str) -> AsyncIterator[Rescuer]:
    rescuer = Rescuer(database_url)
    await rescuer.identity.enter()
    yield rescuer
    await rescuer.link.close()


def worker(connect: Connect, **given: Any) -> int:
    """Another worker's row that holds one processing job of attempt 1 of 3."""
    columns = {"bootId": uuid.uuid4(), "host": "elsewhere", "processKey": None, "silent": "0 s", **given}
    row = connect().execute(
        """
        INSERT INTO workers ("bootId", host, "processKey", "heartbeatAt")
        VALUES (%(bootId)s, %(host)s, %(processKey)s, clock_timestamp() - %(silent)s::interval) RETURNING id
        """,
        columns,
    )
    ((id,),) = row.fetchall()
    connect().execute("INSERT INTO jobs (type, \"uniqueKey\") VALUES ('held', %s)", (str(id),))
    connect().execute(
        """
        UPDATE jobs SET status = 'processing', attempts = 1, "workerId" = %s, "leaseId" = gen_random_uuid(),
               revision = revision + 1
         WHERE "uniqueKey" = %s
        """,
        (id, str(id)),
    )
    return int(id)


def status(connect: Connect, worker: int) -> tuple[Any, ...]:
    row = (
        connect()
        .execute('SELECT status, attempts, crashes FROM jobs WHERE "uniqueKey" = %s', (str(worker),))
        .fetchone()
    )
    assert row is not None
    return row


async def test_at_the_start_a_young_heartbeat_protects_its_worker(rescuer: Rescuer, connect: Connect) -> None:
    other = worker(connect, silent="50 s")
    await rescuer.rescue.at_start()
    assert status(connect, other) == ("processing", 1, 0)


async def test_at_the_start_a_server_that_came_up_lately_proves_nothing_about_old_heartbeats(
    rescuer: Rescuer, connect: Connect
) -> None:
    connection = connect()
    (young,) = connection.execute("SELECT now() - pg_postmaster_start_time() < '60 s'").fetchone() or (None,)
    other = worker(connect, silent="10 minutes")
    await rescuer.rescue.at_start()
    assert status(connect, other)[0] == ("processing" if young else "queued")


async def test_at_the_start_the_jobs_of_a_dead_process_of_this_host_go_back_at_once(
    rescuer: Rescuer, connect: Connect
) -> None:
    mine = process_key(os.getpid())
    assert mine is not None
    boot, namespace, pid, _ = mine.split(":")
    reused_pid = worker(connect, host=socket.gethostname(), processKey=f"{boot}:{namespace}:{pid}:1")
    alive = worker(connect, host=socket.gethostname(), processKey=mine)
    other_boot = worker(connect, host=socket.gethostname(), processKey=f"x:{namespace}:{pid}:1")
    await rescuer.rescue.at_start()
    assert status(connect, reused_pid) == ("queued", 0, 1)
    assert status(connect, alive) == ("processing", 1, 0)
    assert status(connect, other_boot) == ("processing", 1, 0)


async def test_a_worker_seen_silent_for_a_whole_lease_is_declared_lost_and_blames_nobody(
    rescuer: Rescuer, connect: Connect
) -> None:
    other = worker(connect)
    for _ in range(6):
        await rescuer.rescue.once()
        assert status(connect, other)[0] == "processing"
        rescuer.clock.move(5)
    await rescuer.rescue.once()
    assert status(connect, other) == ("queued", 0, 1)
    assert "Rescued job" in rescuer.output.getvalue()
    rows = connect().execute("SELECT outcome, attempt FROM job_attempts").fetchall()
    assert rows == [("lost", 1)]


async def test_one_beat_in_between_saves_a_worker(rescuer: Rescuer, connect: Connect) -> None:
    other = worker(connect)
    await rescuer.rescue.once()
    rescuer.clock.move(29)
    connect().execute("UPDATE workers SET beats = beats + 1 WHERE id = %s", (other,))
    await rescuer.rescue.once()
    rescuer.clock.move(29)
    await rescuer.rescue.once()
    assert status(connect, other)[0] == "processing"


async def test_a_worker_of_slow_heartbeats_has_a_lease_of_three_of_them(
    rescuer: Rescuer, connect: Connect, database_url: str
) -> None:
    slow = settings.read({"DATABASE_URL": database_url, "WORKER_HEARTBEAT_INTERVAL": "30"})
    other = Identity(link=rescuer.link, types=(), settings=slow, log=Log("text", io.StringIO()))
    await other.enter()
    await rescuer.rescue.once()
    for seconds, lost in ((89, False), (1, True)):
        rescuer.clock.move(seconds)
        await rescuer.rescue.once()
        found = connect().execute(
            'SELECT "lostAt" IS NOT NULL FROM workers WHERE id = %s', (other.worker_id,)
        )
        assert found.fetchone() == (lost,)


async def test_a_job_of_ten_leases_is_never_taken_from_a_worker_that_beats(
    rescuer: Rescuer, connect: Connect, start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    start_worker(WORKER_HEARTBEAT_INTERVAL=0.1).ready()
    job = table.enqueue("hold", {"gate": gate.path}, maxAttempts=1)
    journal.has("start", job=job)

    (lease,) = table.rows('SELECT "leaseSeconds" FROM workers WHERE id = (SELECT "workerId" FROM jobs)')

    def beats() -> int:
        (row,) = table.rows('SELECT beats FROM workers WHERE id = (SELECT "workerId" FROM jobs)')
        return int(row["beats"])

    def beats_again() -> None:
        before = beats()
        eventually(lambda: beats() > before)

    for _ in range(10):
        await rescuer.rescue.once()
        beats_again()
        rescuer.clock.move(lease["leaseSeconds"] - 1)
    assert "Rescued job" not in rescuer.output.getvalue()
    gate.open()
    assert table.until(job, "completed")["attempts"] == 1
    assert table.outcomes(job) == []


async def test_what_was_seen_before_the_own_connection_broke_counts_no_more(
    rescuer: Rescuer, connect: Connect
) -> None:
    other = worker(connect)
    await rescuer.rescue.once()
    await rescuer.link.close()
    rescuer.clock.move(60)
    await rescuer.rescue.once()
    assert status(connect, other)[0] == "processing"


async def test_a_chores_connection_that_dies_is_told_once_also_when_the_rescue_meets_it_first(
    rescuer: Rescuer, connect: Connect
) -> None:
    connect().execute(
        """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = 'rowcrew chores'
        """
    )
    async with looking(rescuer):
        await rescuer.said("connection is back (rescue)")
    assert rescuer.output.getvalue().count("connection lost (rescue)") == 1


async def test_trouble_that_is_no_outage_is_told(rescuer: Rescuer, connect: Connect) -> None:
    connect().execute("ALTER TABLE queues RENAME TO somewhere_else")
    async with looking(rescuer):
        await rescuer.said('Database refuses, trying again (rescue): relation "queues" does not exist')


async def test_a_job_out_of_attempts_fails_when_it_had_the_lost_worker_alone(
    rescuer: Rescuer, connect: Connect
) -> None:
    mine = process_key(os.getpid()) or ""
    boot, namespace, pid, _ = mine.split(":")
    other = worker(connect, host=socket.gethostname(), processKey=f"{boot}:{namespace}:{pid}:1")
    connect().execute('UPDATE jobs SET "maxAttempts" = 1, revision = revision + 1')
    connect().execute('UPDATE workers SET "aloneWith" = (SELECT "leaseId" FROM jobs)')
    await rescuer.rescue.at_start()
    assert status(connect, other)[0] == "failed"


async def test_rows_that_another_program_left_in_processing_go_back_only_where_their_queue_asks_for_it(
    rescuer: Rescuer, connect: Connect
) -> None:
    connection = connect()
    connection.execute("""INSERT INTO queues (queue, "rescueForeignSeconds") VALUES ('shared', 600)""")
    connection.execute(
        """
        INSERT INTO jobs (type, status, queue, "updatedAt")
        VALUES ('foreign', 'processing', 'shared', now() - interval '11 minutes'),
               ('foreign', 'processing', 'shared', now() - interval '9 minutes'),
               ('foreign', 'processing', 'default', now() - interval '11 minutes')
        """
    )
    await rescuer.rescue.once()
    rows = connection.execute("SELECT queue, status, attempts FROM jobs ORDER BY id").fetchall()
    assert rows == [("shared", "queued", 1), ("shared", "processing", 0), ("default", "processing", 0)]


async def test_a_foreign_row_that_nobody_can_give_back_is_set_aside_and_the_others_go_back(
    rescuer: Rescuer, connect: Connect
) -> None:
    connection = connect()
    connection.execute(
        """
        INSERT INTO queues (queue, "rescueForeignSeconds") VALUES ('shared', 600);
        INSERT INTO jobs (type, status, queue, priority, "updatedAt")
        SELECT 'foreign', 'processing', 'shared', n, now() - interval '11 minutes'
          FROM generate_series(1, 5) AS n;
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'this one stays'; END $$;
        CREATE TRIGGER refuse BEFORE UPDATE ON jobs FOR EACH ROW WHEN (OLD.priority = 3)
        EXECUTE FUNCTION refuse()
        """
    )
    for _ in range(2):
        await rescuer.rescue.once()
        rescuer.clock.move(61)
    rows = connection.execute("SELECT status FROM jobs ORDER BY priority").fetchall()
    assert [status for (status,) in rows] == ["queued", "queued", "processing", "queued", "queued"]
    ((reason,),) = connection.execute("SELECT reason FROM jobs_set_aside").fetchall()
    assert "this one stays" in reason
    assert rescuer.output.getvalue().count("Job set aside") == 1
