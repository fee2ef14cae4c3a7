"""The chain under kill -9 at each moment that can be staged: every corpId ends in every table exactly once.

Victims are drawn with a seed, which is printed: KILL_SEED repeats it.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

import psutil
import psycopg
import pytest

from rig.fixtures import StartWorker
from rig.table import Table
from rig.waiting import eventually
from rig.worker_process import WorkerProcess
from rowcrew import enqueue_many
from rowcrew.bundled.announcements.sample.filings import samples
from rowcrew.bundled.announcements.sample.jobs import job_of

pytestmark = pytest.mark.long

SEED = os.environ.get("KILL_SEED", str(random.randrange(10**6)))
COUNT = 8
GATE = """
    CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock_shared(TG_ARGV[0]::bigint);
        RETURN NEW;
    END $$
"""
# Each is a statement and a condition; the two ends of types are told by what the row is of.
MOMENTS = {
    "a filing that was read completes": (
        "UPDATE ON jobs",
        "NEW.type = 'ai_processing' AND NEW.status = 'completed'",
    ),
    "a child appears": ("INSERT ON jobs", "NEW.type = 'supabase_upload'"),
    "an announcement is kept": ("INSERT ON announcements", "true"),
    "a figure is kept": ('INSERT ON "announcementFigures"', "NEW.position = 2"),
    "an upload completes": ("UPDATE ON jobs", "NEW.type = 'supabase_upload' AND NEW.status = 'completed'"),
    "an investor is created": ("INSERT ON investors", "true"),
    "a deal is kept": ('INSERT ON "investorDeals"', "true"),
    "investors complete": ("UPDATE ON jobs", "NEW.type = 'investor_processing' AND NEW.status = 'completed'"),
}
NUMBERS = {moment: number for number, moment in enumerate(MOMENTS, start=1)}
WAITING = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted"
# Of a worker that has been silent for long the next one need not watch a whole lease.
LONG_SILENT = """UPDATE workers SET "leaseSeconds" = 1, "heartbeatAt" = now() - interval '1 hour'"""
AT_ONCE = """UPDATE jobs SET "runAt" = now() WHERE status = 'queued' AND "runAt" > now()"""
ONCE = """
    SELECT a."corpId",
           (SELECT count(*) FROM jobs WHERE type = 'supabase_upload'
               AND payload ->> 'corpId' = a."corpId") AS uploads,
           (SELECT count(*) FROM jobs WHERE type = 'investor_processing'
               AND payload ->> 'corpId' = a."corpId") AS investors,
           (SELECT count(*) FROM "announcementFigures" f WHERE f."corpId" = a."corpId") AS figures,
           jsonb_array_length(processed -> 'financialData') AS "figuresRead",
           (SELECT count(*) FROM "announcementInvestors" i WHERE i."corpId" = a."corpId") AS named,
           (SELECT count(*) FROM "investorDeals" d WHERE d."corpId" = a."corpId") AS deals
      FROM announcements a
"""


def prepare(table: Table) -> None:
    with psycopg.connect(table.address, autocommit=True) as connection:
        connection.execute(GATE)
        for moment, (statement, condition) in MOMENTS.items():
            trigger = f"""
                CREATE TRIGGER "{moment}" BEFORE {statement} FOR EACH ROW WHEN ({condition})
                EXECUTE FUNCTION gate({NUMBERS[moment]})
            """
            connection.execute(trigger.encode())
        named = (sample for sample in samples(1_000) if sample.truth.investors)
        jobs = [job_of(sample) for sample in islice(named, COUNT)]
        enqueue_many([{**job_fields(job), "max_attempts": 50} for job in jobs], on=connection)


def job_fields(job: object) -> dict[str, object]:
    return {name: getattr(job, name) for name in ("type", "payload", "queue", "unique_key")}


@contextmanager
def held_at(address: str, moment: str) -> Iterator[None]:
    """Whoever comes to this moment waits until the block ends."""
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [NUMBERS[moment]])
        yield


def await_moment(table: Table, moment: str) -> None:
    eventually(lambda: table.rows(AT_ONCE) or bool(table.rows(WAITING, NUMBERS[moment])), 60)


def kill_runners(worker: WorkerProcess) -> None:
    for runner in worker.family():
        try:
            runner.kill()
        except psutil.NoSuchProcess:
            continue


@pytest.mark.timeout(300)
def test_a_chain_that_is_killed_at_any_moment_keeps_each_announcement_exactly_once(
    table: Table, start_worker: StartWorker
) -> None:
    prepare(table)
    dice = random.Random(SEED)
    worker: WorkerProcess | None = None
    for moment in MOMENTS:
        with held_at(table.address, moment):
            worker = worker or start_worker(crew="rowcrew.bundled:crew", POLL_INTERVAL=0.2)
            await_moment(table, moment)
            victim = dice.choice(["runner", "worker"])
            print(f"KILL_SEED={SEED}: the {victim} is killed when {moment}")  # noqa: T201
            if victim == "runner":
                kill_runners(worker)
            else:
                worker.clean_up()
                worker = None
        if worker is None:
            eventually(lambda: not table.connections_of_workers())
            table.rows(LONG_SILENT)
    worker = worker or start_worker(crew="rowcrew.bundled:crew", POLL_INTERVAL=0.2)
    eventually(
        lambda: table.rows(AT_ONCE) or table.count("completed") == len(table.rows("SELECT 1 FROM jobs")), 120
    )
    kept = table.rows(ONCE)
    assert len(kept) == len({row["corpId"] for row in kept}) == COUNT
    for row in kept:
        assert (row["uploads"], row["figures"]) == (1, row["figuresRead"]), row
        assert row["named"] == row["deals"], row
        assert row["investors"] == 1 or row["named"] == 0, row
    parents = """SELECT count(*) AS n FROM jobs WHERE type <> 'ai_processing' AND "parentId" IS NULL"""
    assert table.rows(parents) == [{"n": 0}]
