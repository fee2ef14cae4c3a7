"""A collection under kill -9 at each moment that can be staged: another run ends it, each row is there once.

Order and victims are drawn with a seed, which is printed: KILL_SEED repeats it.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import psycopg
import pytest

from rig.cost_explorer import CloudBill
from rig.fixtures import StartWorker
from rig.table import Table
from rig.waiting import eventually
from rig.worker_process import WorkerProcess
from tests.bundled.costs.conftest import DAY, KEY, SECRET, days_before

pytestmark = pytest.mark.long

SEED = os.environ.get("KILL_SEED", str(random.randrange(10**6)))
ACCOUNTS = ("a", "b", "c")
GATE = """
    CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock_shared(TG_ARGV[0]::bigint);
        RETURN NEW;
    END $$
"""
# In the order of a run, which comes back to no account that it has. Each is a statement and a condition.
MOMENTS = {
    "is being reserved": ("UPDATE ON jobs", "OLD.status = 'queued' AND NEW.status = 'processing'"),
    "keeps the first cost": ("INSERT ON costs", """NEW."accountId" = 'a'"""),
    "keeps an anomaly": ('INSERT ON "costAnomalies"', """NEW."accountId" = 'b'"""),
    "keeps a cost of the last account": ("INSERT ON costs", """NEW."accountId" = 'c'"""),
    "notes the last account": (
        'UPDATE ON "cloudAccounts"',
        """NEW.id = 'c' AND NEW."collectedAt" IS DISTINCT FROM OLD."collectedAt" """,
    ),
    "completes": ("UPDATE ON jobs", "OLD.status = 'processing' AND NEW.status = 'completed'"),
}
NUMBERS = {moment: number for number, moment in enumerate(MOMENTS, start=1)}
WAITING = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted"
AT_ONCE = """UPDATE jobs SET "runAt" = now() WHERE status = 'queued' AND "runAt" > now()"""
TWICE = """
    SELECT "accountId", day, service FROM costs GROUP BY 1, 2, 3 HAVING count(*) > 1
    UNION ALL
    SELECT "accountId", day, service FROM "costAnomalies" GROUP BY 1, 2, 3 HAVING count(*) > 1
"""


def prepare(table: Table, bill: CloudBill, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three accounts with a month behind them, each with an anomaly on the day; a gate at every moment."""
    from rowcrew.bundled.costs.admin import WayIn, add_account
    from rowcrew.bundled.costs.credentials import Credentials

    monkeypatch.setenv("ENCRYPTION_KEY", KEY)
    with psycopg.connect(table.address, autocommit=True) as connection:
        for account in ACCOUNTS:
            bill.let_in(account, f"AKIA{account}", SECRET)
            add_account(connection, account, WayIn(credentials=Credentials(f"AKIA{account}", SECRET)))
            for day in days_before(DAY):
                bill.set(account, day, "Amazon EC2", "100")
            bill.set(account, DAY, "Amazon EC2", "700")
        connection.execute(GATE)
        for moment, (statement, condition) in MOMENTS.items():
            trigger = f"""
                CREATE TRIGGER "{moment}" BEFORE {statement} FOR EACH ROW WHEN ({condition})
                EXECUTE FUNCTION gate({NUMBERS[moment]})
            """
            connection.execute(trigger.encode())


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
def test_a_collection_that_is_killed_at_any_moment_ends_as_if_nothing_had_happened(
    table: Table, start_worker: StartWorker, bill: CloudBill, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(table, bill, monkeypatch)
    dice = random.Random(SEED)
    payload = {"date": DAY.isoformat(), "recollectDays": 30}
    job = table.enqueue("cost_collection", payload, maxAttempts=50)
    settings = {
        "ENCRYPTION_KEY": KEY,
        "AWS_ENDPOINT_URL_COST_EXPLORER": bill.url,
        "AWS_ENDPOINT_URL_STS": bill.url,
        "POLL_INTERVAL": 0.2,
    }
    worker: WorkerProcess | None = None
    for moment in MOMENTS:
        with held_at(table.address, moment):
            worker = worker or start_worker(crew="rowcrew.bundled:crew", **settings)
            await_moment(table, moment)
            victim = dice.choice(["runner", "worker"])
            if moment == "completes":
                victim = "worker"  # control completes it, and would go on with that
            print(f"KILL_SEED={SEED}: the {victim} is killed when it {moment}")  # noqa: T201
            if victim == "runner":
                kill_runners(worker)
            else:
                worker.clean_up()
                worker = None
        if worker is None:
            eventually(lambda: not table.connections_of_workers())
        assert table.rows(TWICE) == []
        assert table.row(job)["status"] != "completed"
    start_worker(crew="rowcrew.bundled:crew", **settings)
    eventually(lambda: table.rows(AT_ONCE) or table.row(job)["status"] == "completed", 90)
    result = table.row(job)["result"]
    assert (result["accounts"], result["succeeded"], result["failed"]) == (3, 3, [])
    assert [one["accountId"] for one in result["anomalies"]] == list(ACCOUNTS)
    assert table.rows("SELECT count(*) AS n, sum(amount)::int AS sum FROM costs") == [
        {"n": 93, "sum": 11_100}
    ]
    assert table.rows("""SELECT "accountId", severity FROM "costAnomalies" ORDER BY 1""") == [
        {"accountId": account, "severity": "critical"} for account in ACCOUNTS
    ]


def test_two_collections_of_the_same_accounts_at_once_leave_each_row_once(
    table: Table, start_worker: StartWorker, bill: CloudBill, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(table, bill, monkeypatch)
    payload = {"date": DAY.isoformat(), "recollectDays": 30}
    with held_at(table.address, "keeps the first cost"):
        jobs = [table.enqueue("cost_collection", payload) for _ in range(3)]
        start_worker(
            crew="rowcrew.bundled:crew",
            ENCRYPTION_KEY=KEY,
            AWS_ENDPOINT_URL_COST_EXPLORER=bill.url,
            POLL_INTERVAL=0.2,
        )
        await_moment(table, "keeps the first cost")
        eventually(lambda: bill.seen >= 3)
    table.drained(60)
    assert [table.row(job)["status"] for job in jobs] == ["completed"] * 3
    news = [one["new"] for job in jobs for one in table.row(job)["result"]["anomalies"]]
    assert (len(news), news.count(True)) == (9, 3)
    assert table.rows("SELECT count(*) AS n FROM costs") == [{"n": 93}]


def test_a_cancelled_collection_stops_between_two_attempts_at_aws(
    table: Table, start_worker: StartWorker, bill: CloudBill, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(table, bill, monkeypatch)
    bill.troubles.extend([(400, "ThrottlingException")] * 1_000)
    worker = start_worker(
        crew="rowcrew.bundled:crew",
        ENCRYPTION_KEY=KEY,
        AWS_ENDPOINT_URL_COST_EXPLORER=bill.url,
        CANCEL_GRACE=60,
    )
    job = table.enqueue("cost_collection", {"date": DAY.isoformat()})
    eventually(lambda: bill.seen >= 1)
    runners = {process.pid for process in worker.family()}
    table.set_status(job, "cancelled")
    eventually(lambda: table.row(job)["workerId"] is None)
    assert runners <= {process.pid for process in worker.family()}, "none had to be killed"
    assert (table.row(job)["status"], table.row(job)["result"]) == ("cancelled", None)
    assert table.rows("SELECT 1 FROM costs") == []
