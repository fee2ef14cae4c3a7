"""Every bundled type under kill -9, and cancelled: another run finishes, and each thing is there once.

A run stands still at a moment of its life, at a lock that the test holds, while its runner or its whole
worker is killed. Moments and victims are drawn with a seed, which is printed: KILL_SEED repeats it, and
KILLS_PER_TYPE (3) asks for more of them.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import psycopg
import pytest

from rowcrew.jobs import crew
from rowcrew.table.blobs import put_blob
from rowcrew.testing import run_handler
from tests.jobs.saas_payload import REFERENCE
from tests.waiting import eventually
from tests.worker.conftest import StartWorker
from tests.worker.harness import Table, WorkerProcess

SEED = os.environ.get("KILL_SEED", str(random.randrange(10**6)))
KILLS_PER_TYPE = int(os.environ.get("KILLS_PER_TYPE", "3"))

ROWS = 150_000
BAD_ROWS = 3
GATE = """
    CREATE TABLE transactions ("sourceId" text UNIQUE, amount numeric(12, 2));
    CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock_shared(TG_ARGV[0]::bigint);
        RETURN NEW;
    END $$
"""
# The moments of a run at which the test can hold it, in the order of its life. At work it is not held.
AT_WORK = "is at work"
HELD: dict[str, tuple[str, str]] = {
    "is being reserved": ("UPDATE ON jobs", "OLD.status = 'queued' AND NEW.status = 'processing'"),
    "imports the first row": ("INSERT ON transactions", """NEW."sourceId" = '0'"""),
    "imports a row": ("INSERT ON transactions", f"""NEW."sourceId" = '{ROWS // 2}'"""),
    "imports the last row": ("INSERT ON transactions", f"""NEW."sourceId" = '{ROWS - 1}'"""),
    "keeps the run": ('INSERT ON "modelRuns"', "true"),
    "stores its file": ("INSERT ON blobs", "true"),
    "completes": ("UPDATE ON jobs", "OLD.status = 'processing' AND NEW.status = 'completed'"),
    "enqueues children": ("INSERT ON jobs", 'NEW."parentId" IS NOT NULL'),
}
NUMBERS = {moment: number for number, moment in enumerate([AT_WORK, *HELD])}
WAITING = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted"
WORKING = "SELECT 1 FROM jobs WHERE id = %s AND status = 'processing' AND progress IS NOT NULL"
AT_ONCE = """UPDATE jobs SET "runAt" = now() WHERE status = 'queued' AND "runAt" > now()"""
HALF_WRITTEN = "SELECT key FROM blobs WHERE sha256 <> sha256(bytes) OR size <> length(bytes)"
NAMED_FILES = """
    SELECT key FROM (SELECT coalesce(result->>'key', result->>'errorReportKey') AS key FROM jobs) AS results
    WHERE key IS NOT NULL ORDER BY key
"""
STORED_FILES = "SELECT key FROM blobs WHERE key LIKE 'jobs/%%' ORDER BY key"

CHILDREN: list[dict[str, Any]] = [
    {"type": "pdf_export"},
    {"type": "pptx_export"},
    {
        "type": "monte_carlo",
        "payload": {
            "drivers": [{"distribution": "uniform", "path": "cogsPct", "min": 0.1, "max": 0.3}],
            "simulations": 100,
        },
    },
]
OPTION = {"spot": 100, "strike": 95, "rate": 0.03, "volatility": 0.2, "maturityYears": 1}


def long_table(rows: int) -> dict[str, Any]:
    table = {"columns": ["Day", "Amount"], "rows": [[f"Day {row}", row * 1.5] for row in range(rows)]}
    return {"source": {"document": {"title": "Ledger", "sections": [{"heading": "All", "table": table}]}}}


PAYLOADS: dict[str, dict[str, Any]] = {
    "model_run": REFERENCE | {"children": CHILDREN},
    "monte_carlo": {"model": "european_option", "paths": 20_000_000, **OPTION},
    "pdf_export": long_table(400),
    "pptx_export": long_table(60),
    "csv_import": {
        "source": {"blob": "file.csv"},
        "table": "transactions",
        "mapping": {"sourceId": "Id", "amount": "Amount"},
    },
}
MOMENTS = {
    "model_run": ["is being reserved", "keeps the run", "completes", "enqueues children"],
    "monte_carlo": ["is being reserved", AT_WORK, "completes"],
    "pdf_export": ["is being reserved", AT_WORK, "stores its file", "completes"],
    "pptx_export": ["is being reserved", AT_WORK, "stores its file", "completes"],
    "csv_import": [
        "is being reserved",
        AT_WORK,
        *(moment for moment in HELD if "row" in moment),
        "completes",
    ],
}


def prepare(address: str) -> None:
    """The target and the file of imports, and a gate at every moment."""
    good = (f"{row},{row}.50\n" for row in range(ROWS))
    bad = (f"bad {row},never\n" for row in range(BAD_ROWS))
    file = "Id,Amount\n" + "".join(good) + "".join(bad)
    with psycopg.connect(address) as connection:
        connection.execute(GATE)
        for moment, (statement, condition) in HELD.items():
            trigger = f"""
                CREATE TRIGGER "{moment}" BEFORE {statement} FOR EACH ROW WHEN ({condition})
                EXECUTE FUNCTION gate({NUMBERS[moment]})
            """
            connection.execute(trigger.encode())
        put_blob(connection, "file.csv", file.encode(), "text/csv")


@contextmanager
def held_at(address: str, moment: str) -> Iterator[None]:
    """Whoever comes to this moment waits until the block ends."""
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [NUMBERS[moment]])
        yield


def at_work(table: Table, job: int) -> bool:
    return bool(table.rows(WORKING, job))


def reached(table: Table, job: int, moment: str) -> bool:
    """Whether a run of the job stands at the moment now."""
    return at_work(table, job) if moment == AT_WORK else bool(table.rows(WAITING, NUMBERS[moment]))


def await_moment(table: Table, job: int, moment: str) -> None:
    """Wait until a run stands there, or, by a kill that came too late for it, all is over already."""

    def stands_there_or_ended() -> bool:
        table.rows(AT_ONCE)
        return reached(table, job, moment) or table.row(job)["status"] == "completed"

    eventually(stands_there_or_ended, 60)


@pytest.fixture(scope="module")
def calm(shared_table: Table) -> Table:
    """A database in which nobody is killed. Its first job is the one that `run_handler` runs."""
    prepare(shared_table.address)
    shared_table.set_status(shared_table.enqueue("csv_import"), "cancelled")
    return shared_table


@pytest.fixture(scope="module")
def calm_worker(calm: Table, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    directory = tmp_path_factory.mktemp("calm")
    worker = WorkerProcess(
        calm.address,
        log=directory / "worker.log",
        journal=directory / "journal",
        crew="rowcrew.jobs:crew",
        POLL_INTERVAL=0.2,
        CANCEL_GRACE=120,
    )
    yield worker.ready()
    worker.clean_up()


def kill_runners(worker: WorkerProcess) -> None:
    for runner in worker.family():
        try:
            runner.kill()
        except psutil.NoSuchProcess:
            continue


@pytest.mark.timeout(300)
@pytest.mark.parametrize("type", PAYLOADS)
def test_what_is_killed_at_any_moment_ends_as_if_nothing_had_happened(
    table: Table, start_worker: StartWorker, calm: Table, type: str
) -> None:
    dice = random.Random(f"{SEED} {type}")
    moments = sorted(
        dice.sample(MOMENTS[type], min(KILLS_PER_TYPE, len(MOMENTS[type]))), key=MOMENTS[type].index
    )
    prepare(table.address)
    job = table.enqueue(type, PAYLOADS[type], maxAttempts=50)
    worker: WorkerProcess | None = None
    for moment in moments:
        with held_at(table.address, moment):
            worker = worker or start_worker(crew="rowcrew.jobs:crew", POLL_INTERVAL=0.2)
            await_moment(table, job, moment)
            victim = dice.choice(["runner", "worker"])
            print(f"KILL_SEED={SEED}: the {victim} of a {type} is killed when it {moment}")  # noqa: T201
            if victim == "runner":
                kill_runners(worker)
            else:
                worker.clean_up()
                worker = None
        if worker is None:
            # What the dead worker had asked of the server is done or undone before another one looks.
            eventually(lambda: not table.connections_of_workers())
    if worker is None:
        start_worker(crew="rowcrew.jobs:crew", POLL_INTERVAL=0.2)
    table.until(job, "completed", seconds=90)
    table.drained(90)
    assert_as_if_nothing_had_happened(table, job, calm)


def assert_as_if_nothing_had_happened(table: Table, job: int, calm: Table) -> None:
    row = table.row(job)
    unkilled = run_handler(crew, row["type"], row["payload"], database_url=calm.address)
    assert without_ids(row["result"]) == without_ids(unkilled.result)
    children = table.rows('SELECT type, status FROM jobs WHERE "parentId" = %s ORDER BY id', job)
    assert children == [{"type": child.type, "status": "completed"} for child in unkilled.children]
    assert table.rows('SELECT count(*) AS n FROM "modelRuns"') == [{"n": int(row["type"] == "model_run")}]
    assert table.rows('SELECT count(*) AS n, count(DISTINCT "sourceId") AS different FROM transactions') == [
        {"n": ROWS, "different": ROWS} if row["type"] == "csv_import" else {"n": 0, "different": 0}
    ]
    assert table.rows(STORED_FILES) == table.rows(NAMED_FILES)
    assert table.rows(HALF_WRITTEN) == []


def without_ids(result: dict[str, Any]) -> dict[str, Any]:
    """A killed attempt has used up a number of "modelRuns"."""
    return {name: value for name, value in result.items() if name != "modelRunId"}


# Cancelled with SQL.

# By type: a payload that takes a while, when it is cancelled, and a moment that it must never come to, where
# it would be held.
CANCELS: dict[str, tuple[dict[str, Any], str, str]] = {
    "model_run": (
        REFERENCE | {"months": 600, "scenarios": {f"s{number}": [] for number in range(50)}},
        AT_WORK,
        "keeps the run",
    ),
    "monte_carlo": (PAYLOADS["monte_carlo"] | {"paths": 50_000_000}, AT_WORK, "completes"),
    "pdf_export": (long_table(6_000), AT_WORK, "stores its file"),
    "pptx_export": (long_table(2_000), AT_WORK, "stores its file"),
    "csv_import": (PAYLOADS["csv_import"], "imports the first row", "imports the last row"),
}


@pytest.mark.parametrize("type", CANCELS)
def test_a_cancelled_run_stops_by_itself_and_leaves_nothing(
    calm: Table, calm_worker: WorkerProcess, type: str
) -> None:
    payload, moment, never = CANCELS[type]
    with held_at(calm.address, never):
        with held_at(calm.address, moment):
            job = calm.enqueue(type, payload)
            eventually(lambda: reached(calm, job, moment))
            runners = {process.pid for process in calm_worker.family()}
            calm.set_status(job, "cancelled")
            calm_worker.said("job.stopping", job_id=job)
        eventually(lambda: calm.row(job)["workerId"] is None)
        assert runners <= {process.pid for process in calm_worker.family()}, "none had to be killed"
    assert (calm.row(job)["status"], calm.row(job)["result"]) == ("cancelled", None)
    assert calm.rows("SELECT key FROM blobs WHERE key LIKE %s", f"jobs/{job}/%") == []
    assert calm.rows('SELECT id FROM "modelRuns" WHERE "jobId" = %s', job) == []
    assert calm.rows('SELECT id FROM jobs WHERE "parentId" = %s', job) == []
