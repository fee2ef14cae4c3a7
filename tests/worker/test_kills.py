"""Every bundled type under kill -9, and cancelled: another run finishes, and each thing is there once.

One job of a type is killed ten times before it may end: its runner, or the whole worker. At each moment of a
run that can be staged it stands still, at a lock that the test holds; the other kills come whenever the dice
say. Order, moments and victims are drawn with a seed, which is printed: KILL_SEED repeats it, and
KILLS_PER_TYPE (10) asks for more.
"""

from __future__ import annotations

import hashlib
import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import psycopg
import pytest

from rig.bucket import Bucket, moto_server
from rig.fixtures import StartWorker
from rig.table import Table
from rig.waiting import eventually
from rig.worker_process import WorkerProcess
from rowcrew.bundled import crew
from rowcrew.bundled.files.blobs import put_blob
from rowcrew.testing import run_handler
from tests.bundled.saas_payload import REFERENCE

pytestmark = pytest.mark.long

SEED = os.environ.get("KILL_SEED", str(random.randrange(10**6)))
KILLS_PER_TYPE = int(os.environ.get("KILLS_PER_TYPE", "10"))
LONGEST_DELAY_SECONDS = 1.0

ROWS = 100_000
BAD_ROWS = 3
GATE = """
    CREATE TABLE transactions ("sourceId" text UNIQUE, amount numeric(12, 2));
    CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock_shared(TG_ARGV[0]::bigint);
        RETURN NEW;
    END $$
"""
# Two moments of a run that can only be seen, and those at which the test can hold it, in their order. Each of
# those is a statement and what makes it this moment.
AT_ANY_TIME = "has begun"
AT_WORK = "is at work"
HELD: dict[str, tuple[str, str]] = {
    "is being reserved": ("UPDATE ON jobs", "OLD.status = 'queued' AND NEW.status = 'processing'"),
    "imports the first row": ("INSERT ON transactions", """NEW."sourceId" = '0'"""),
    "imports a row": ("INSERT ON transactions", f"""NEW."sourceId" = '{ROWS // 2}'"""),
    "imports the last row": ("INSERT ON transactions", f"""NEW."sourceId" = '{ROWS - 1}'"""),
    "keeps the run": ('INSERT ON "modelRuns"', "true"),
    "stores its file": ("INSERT ON blobs", "true"),
    # Before it has locked the row of its job, where progress can still be written.
    "begins to complete": ("UPDATE ON jobs", "current_setting('application_name') LIKE 'rowcrew job %'"),
    "completes": ("UPDATE ON jobs", "OLD.status = 'processing' AND NEW.status = 'completed'"),
    "enqueues children": ("INSERT ON jobs", 'NEW."parentId" IS NOT NULL'),
}
NUMBERS = {moment: number for number, moment in enumerate([AT_WORK, *HELD])}
WAITING = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted"
WORKING = "SELECT 1 FROM jobs WHERE id = %s AND status = 'processing' AND progress IS NOT NULL"
# A retry, whose backoff has grown by then, comes now.
AT_ONCE = """UPDATE jobs SET "runAt" = now() WHERE status = 'queued' AND "runAt" > now()"""
HALF_WRITTEN = "SELECT key FROM blobs WHERE sha256 <> sha256(bytes) OR size <> length(bytes)"
NAMED_FILES = """
    SELECT key FROM (SELECT coalesce(result->>'key', result->>'errorReportKey') AS key FROM jobs) AS results
    WHERE key IS NOT NULL ORDER BY key
"""
STORED_FILES = "SELECT key FROM blobs WHERE key <> 'file.csv' ORDER BY key"

CHILD_ROWS = 'SELECT id FROM jobs WHERE "parentId" IS NOT NULL'

CHILDREN: list[dict[str, Any]] = [
    {"type": "pdf_export", "payload": {"template": "investor"}},
    {"type": "pptx_export", "payload": {"template": "investor"}},
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


# Types whose files go to S3 here; those of the others go to the table.
WITH_BUCKET = {"pptx_export"}
PAYLOADS: dict[str, dict[str, Any]] = {
    # Large enough for a file of its own.
    "model_run": REFERENCE
    | {"months": 120, "scenarios": {f"s{number}": [] for number in range(6)}, "children": CHILDREN},
    "monte_carlo": {"model": "european_option", "paths": 50_000_000, "antithetic": False, **OPTION},
    "pdf_export": long_table(400),
    "pptx_export": long_table(60),
    "csv_import": {
        "source": {"blob": "file.csv"},
        "table": "transactions",
        "mapping": {"sourceId": "Id", "amount": "Amount"},
    },
}
MOMENTS = {
    "model_run": ["is being reserved", "stores its file", "keeps the run", "completes", "enqueues children"],
    "monte_carlo": ["is being reserved", AT_WORK, "completes"],
    "pdf_export": ["is being reserved", AT_WORK, "stores its file", "completes"],
    "pptx_export": ["is being reserved", AT_WORK, "completes"],
    "csv_import": [
        "is being reserved",
        AT_WORK,
        "stores its file",
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
            each = "STATEMENT" if moment == "begins to complete" else "ROW"
            trigger = f"""
                CREATE TRIGGER "{moment}" BEFORE {statement} FOR EACH {each} WHEN ({condition})
                EXECUTE FUNCTION gate({NUMBERS[moment]})
            """
            connection.execute(trigger.encode())
        put_blob(connection, "file.csv", file.encode(), "text/csv")


@contextmanager
def held_at(address: str, *moments: str) -> Iterator[None]:
    """Whoever comes to one of these moments waits until the block ends."""
    with psycopg.connect(address, autocommit=True) as connection:
        for moment in moments:
            connection.execute("SELECT pg_advisory_lock(%s)", [NUMBERS[moment]])
        yield


def at_work(table: Table, job: int) -> bool:
    return bool(table.rows(WORKING, job))


def runs_begun(worker: WorkerProcess, job: int) -> int:
    return len(worker.heard("job.processing", job_id=job))


def reached(table: Table, job: int, moment: str) -> bool:
    """Whether a run of the job stands at the moment now."""
    return at_work(table, job) if moment == AT_WORK else bool(table.rows(WAITING, NUMBERS[moment]))


def await_moment(table: Table, worker: WorkerProcess, job: int, moment: str, runs: int) -> None:
    """Wait until a run stands there; at the moments that cannot be held, one after the first so many runs."""

    def stands_there() -> bool:
        table.rows(AT_ONCE)
        if moment in HELD:
            return reached(table, job, moment)
        return runs_begun(worker, job) > runs and (moment == AT_ANY_TIME or at_work(table, job))

    eventually(stands_there, 60)


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
        crew="crew_at_a_gate:crew",
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


def drawn_moments(dice: random.Random, type: str) -> list[str]:
    """Each staged moment once, as far as the kills go, the others at any time; the completion at last.

    A run without a transaction is completed by its worker, which goes on with that when its runner is killed.
    """
    staged = dice.sample(MOMENTS[type], min(KILLS_PER_TYPE, len(MOMENTS[type])))
    moments = [*staged, *[AT_ANY_TIME] * (KILLS_PER_TYPE - len(staged))]
    dice.shuffle(moments)
    return sorted(moments, key="completes".__eq__)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    with moto_server() as address:
        yield Bucket(address, monkeypatch)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("type", PAYLOADS)
def test_what_is_killed_at_any_moment_ends_as_if_nothing_had_happened(
    table: Table, start_worker: StartWorker, calm: Table, request: pytest.FixtureRequest, type: str
) -> None:
    bucket: Bucket | None = request.getfixturevalue("bucket") if type in WITH_BUCKET else None
    dice = random.Random(f"{SEED} {type}")
    prepare(table.address)
    job = table.enqueue(type, PAYLOADS[type], maxAttempts=50)
    worker: WorkerProcess | None = None
    runs = 0
    left: set[tuple[str, str]] = set()
    for moment in drawn_moments(dice, type):
        with held_at(table.address, *([moment] if moment in HELD else ["begins to complete", "completes"])):
            worker = worker or start_worker(crew="rowcrew.bundled:crew", POLL_INTERVAL=0.2)
            await_moment(table, worker, job, moment, runs)
            if moment == AT_ANY_TIME:
                time.sleep(dice.uniform(0, LONGEST_DELAY_SECONDS))
            victim = dice.choice(["runner", "worker"])
            print(f"KILL_SEED={SEED}: the {victim} of a {type} is killed when it {moment}")  # noqa: T201
            if victim == "runner":
                kill_runners(worker)
                runs = runs_begun(worker, job)
            else:
                worker.clean_up()
                worker, runs = None, 0
        if worker is None:
            # What the dead worker had asked of the server is done or undone before another one looks.
            eventually(lambda: not table.connections_of_workers())
        assert_nothing_is_there(table)
        left |= objects(bucket)
    if worker is None:
        start_worker(crew="rowcrew.bundled:crew", POLL_INTERVAL=0.2)
    eventually(lambda: table.rows(AT_ONCE) or table.row(job)["status"] == "completed", 90)
    table.drained(90)
    assert_each_thing_is_there_once(table, job, bucket)
    assert left <= objects(bucket), "a killed run left half an object"
    assert_as_if_nothing_had_happened(table, job, calm)


def objects(bucket: Bucket | None) -> set[tuple[str, str]]:
    """Key and SHA-256 of every object."""
    if bucket is None:
        return set()
    keys = bucket.keys()
    return {(key, hashlib.sha256(bucket.get(key)["Body"].read()).hexdigest()) for key in keys}


def assert_nothing_is_there(table: Table) -> None:
    """What belongs to a completion is not seen before it."""
    for rows in (
        'SELECT id FROM "modelRuns"',
        "SELECT * FROM transactions LIMIT 1",
        STORED_FILES,
        CHILD_ROWS,
    ):
        assert table.rows(rows) == []


def assert_each_thing_is_there_once(table: Table, job: int, bucket: Bucket | None) -> None:
    type = table.row(job)["type"]
    assert table.rows('SELECT count(*) AS n FROM "modelRuns"') == [{"n": int(type == "model_run")}]
    assert table.rows('SELECT count(*) AS n, count(DISTINCT "sourceId") AS different FROM transactions') == [
        {"n": ROWS, "different": ROWS} if type == "csv_import" else {"n": 0, "different": 0}
    ]
    if bucket is None:
        assert table.rows(STORED_FILES) == table.rows(NAMED_FILES)
        assert table.rows(HALF_WRITTEN) == []
    else:
        assert table.rows(STORED_FILES) == []
        result = table.row(job)["result"]
        assert objects(bucket) == {(result["key"], result["sha256"])}


def assert_as_if_nothing_had_happened(table: Table, job: int, calm: Table) -> None:
    row = table.row(job)
    unkilled = run_handler(crew, row["type"], row["payload"], database_url=calm.address)
    assert without_ids(row["result"]) == without_ids(unkilled.result)
    children = table.rows('SELECT type, status FROM jobs WHERE "parentId" = %s ORDER BY id', job)
    assert children == [{"type": child.type, "status": "completed"} for child in unkilled.children]


def without_ids(result: dict[str, Any]) -> dict[str, Any]:
    """A killed attempt has used up a number of "modelRuns"."""
    return {name: value for name, value in result.items() if name != "modelRunId"}


# Cancelled with SQL.

# By type: a payload that takes a while, and a moment that it must never come to, where it would be held.
CANCELS: dict[str, tuple[dict[str, Any], str]] = {
    "model_run": (
        REFERENCE | {"months": 600, "scenarios": {f"s{number}": [] for number in range(50)}},
        "keeps the run",
    ),
    "monte_carlo": (PAYLOADS["monte_carlo"], "completes"),
    "pdf_export": (long_table(6_000), "stores its file"),
    "pptx_export": (long_table(2_000), "stores its file"),
    "csv_import": (PAYLOADS["csv_import"], "imports the last row"),
}


@pytest.mark.parametrize("type", CANCELS)
def test_a_cancelled_run_stops_by_itself_and_leaves_nothing(
    calm: Table, calm_worker: WorkerProcess, type: str
) -> None:
    payload, never = CANCELS[type]
    with held_at(calm.address, never):
        with held_at(calm.address, "imports the first row"):
            job = calm.enqueue(type, payload)
            gate = calm_worker.journal.parent
            if type == "csv_import":
                eventually(lambda: reached(calm, job, "imports the first row"))
            else:
                eventually((gate / f"at-work-{job}").exists)
            runners = {process.pid for process in calm_worker.family()}
            calm.set_status(job, "cancelled")
            calm_worker.said("job.stopping", job_id=job)
            (gate / f"go-on-{job}").touch()
        eventually(lambda: calm.row(job)["workerId"] is None)
        assert runners <= {process.pid for process in calm_worker.family()}, "none had to be killed"
    assert (calm.row(job)["status"], calm.row(job)["result"]) == ("cancelled", None)
    assert calm.rows("SELECT key FROM blobs WHERE key LIKE %s", f"jobs/{job}/%") == []
    assert calm.rows('SELECT id FROM "modelRuns" WHERE "jobId" = %s', job) == []
    assert calm.rows('SELECT id FROM jobs WHERE "parentId" = %s', job) == []
