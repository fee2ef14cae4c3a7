"""What workers that come and go are worth, how soon the first is there, and what their spawner costs itself.

Speed: the same sleeping jobs with one worker and with as many as the queue allows, from the INSERT to the
last end, the start of every worker included. Cold starts: one job in a queue without a worker. Cost:
processor time and queries of a spawner beside many queues with nothing to start. The server runs here too.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import psutil

from rowcrew.bench.figures import spread
from rowcrew.bench.processes import DEFAULTS, NO_WAKE_UPS, PROGRAM, await_true, own_seconds
from rowcrew.bench.report import Report, Row, Table, machine_facts
from rowcrew.bench.table import BenchTable
from rowcrew.cli.bench import tell
from rowcrew.model.counting import counted
from rowcrew.model.errors import RowcrewError
from rowcrew.settings import environment_with

CREW: Final = "benchmarks.crew:crew"
QUEUE: Final = "bench_spawner"
WAYS: Final[Mapping[str, Mapping[str, str]]] = {"wake-up": {}, "polling only": NO_WAKE_UPS}
CROWDS: Final = ((12, 3), (12, 2), (5, 3))
CLEAR: Final = "TRUNCATE jobs, job_attempts, workers, queues"
SET: Final = """
INSERT INTO queues (queue, label, "maxConcurrent", "idleTimeoutSeconds", "maxJobsPerSession")
VALUES (%s, %s, %s, 1, %s)
"""
# In the first minute of a limit a worker waits a second before it looks; most limits are older.
AGE: Final = """UPDATE queues SET "limitedAt" = "limitedAt" - interval '1 hour'"""
MANY: Final = """
INSERT INTO queues (queue, label, "maxConcurrent")
SELECT 'bench_' || n, 'Q' || n, 0 FROM generate_series(1, %s) AS n
"""
WAITING: Final = "INSERT INTO jobs (type, queue) SELECT 'bench_noop', queue FROM queues"
SLEEPS: Final = """
INSERT INTO jobs (type, queue, payload)
SELECT 'bench_sleep', %s, jsonb_build_object('seconds', %s::float8) FROM generate_series(1, %s)
"""
THERE: Final = "SELECT count(*) FROM worker_status WHERE state IN ('live', 'launching')"
OPEN: Final = "SELECT count(*) FROM jobs WHERE status IN ('queued', 'processing')"
SPAN: Final = """SELECT extract(epoch FROM max("finishedAt") - min("createdAt"))::float8 FROM jobs"""
COLD: Final = """
SELECT extract(epoch FROM j."createdAt")::float8, extract(epoch FROM w."launchedAt")::float8,
       extract(epoch FROM w."registeredAt")::float8, extract(epoch FROM j."startedAt")::float8,
       w."launchHandle"
  FROM jobs j, workers w
"""
CONNECTED: Final = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name ~ 'spawner'
"""
LISTENING: Final = r"""
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND query ~ 'LISTEN rowcrew_expected\s*$' AND state = 'idle'
"""
CHECK_SECONDS: Final = 5.0
TRANSACTIONS: Final = """
SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=60.0, help="of each measurement of the cost")
    parser.add_argument("--settle", type=float, default=15.0, help="seconds that do not count before it")
    parser.add_argument("--queues", type=int, default=1000, help="beside which the spawner is idle")
    parser.add_argument(
        "--crowds", nargs="+", type=_crowd, default=CROWDS, help="jobs and workers allowed, such as 12/3"
    )
    parser.add_argument("--sleep", type=float, default=6.0, help="seconds of a job")
    parser.add_argument("--starts", type=int, default=10, help="cold starts each way")


def measure(url: str, options: argparse.Namespace) -> Report:
    with BenchTable(url) as table:
        machine = machine_facts(table.settings())
        speed = [_speed(url, table, crowd, options.sleep) for crowd in options.crowds]
        cold = [row for way in WAYS for row in _cold(url, table, way, options.starts)]
        cost = [
            {"spawner": "none", **_watched(table, None, options)},
            *(_cost(url, table, queues, jobs, options) for queues, jobs in _idle(options.queues)),
        ]
    return Report(
        "spawner",
        machine,
        (
            Table(f"seconds of the same jobs of {options.sleep:g} s, from the INSERT to the last end", speed),
            Table("milliseconds of a cold start", cold),
            Table(f"{options.seconds:g} s of a spawner that starts nothing", cost),
        ),
    )


def _idle(queues: int) -> tuple[tuple[int, bool], ...]:
    return (0, False), (queues, False), (queues, True)


def _crowd(text: str) -> tuple[int, int]:
    jobs, _, workers = text.partition("/")
    return int(jobs), int(workers)


def _speed(url: str, table: BenchTable, crowd: tuple[int, int], sleep: float) -> Row:
    jobs, most = crowd
    one, many = (_seconds(url, table, jobs, workers, sleep) for workers in (1, most))
    return {
        "jobs": jobs,
        "workers": most,
        "oneWorker": round(one, 1),
        "allWorkers": round(many, 1),
        "faster": round(one / many, 2),
    }


def _seconds(url: str, table: BenchTable, jobs: int, workers: int, sleep: float) -> float:
    tell(f"{counted(jobs, 'job')}, {counted(workers, 'worker')}")
    _set(table, workers, None)
    with _spawner(url, table):
        table.connection.execute(SLEEPS, (QUEUE, sleep, jobs))
        await_true(lambda: not _number(table, OPEN))
    [(seconds,)] = table.connection.execute(SPAN).fetchall()
    return float(seconds)


def _set(table: BenchTable, workers: int, jobs: int | None) -> None:
    table.connection.execute(CLEAR)
    table.connection.execute(SET, (QUEUE, "BENCH", workers, jobs))
    table.connection.execute(AGE)


def _cold(url: str, table: BenchTable, way: str, starts: int) -> list[Row]:
    tell(f"cold starts, {way}")
    found: list[dict[str, float]] = []
    for number in range(starts):
        _set(table, 1, 1)
        with _spawner(url, table, WAYS[way]):
            time.sleep(CHECK_SECONDS * number / starts)  # jobs come at any moment between two checks
            table.connection.execute(SLEEPS, (QUEUE, 0, 1))
            await_true(lambda: not _number(table, OPEN) and not _number(table, THERE))
        [row] = table.connection.execute(COLD).fetchall()
        found.append(_steps(*row))
    return [
        {"found by": way, "from": step} | spread([1000 * one[step] for one in found], digits=None)
        for step in found[0]
    ]


def _steps(
    enqueued: float, detected: float, registered: float, processing: float, process: str
) -> dict[str, float]:
    """Seconds from one moment to another; the process's key ends with its start, in ticks since the boot."""
    since_boot = int(process.rpartition(":")[2]) / os.sysconf("SC_CLK_TCK")
    started = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + since_boot
    return {
        "enqueued to detected": detected - enqueued,
        "detected to process started": started - detected,
        "detected to registered": registered - detected,
        "enqueued to processing": processing - enqueued,
    }


def _cost(url: str, table: BenchTable, queues: int, jobs: bool, options: argparse.Namespace) -> Row:
    """Queues that may have no worker keep their jobs, so that all are looked at and nothing starts."""
    waiting = "a job waits in each" if jobs else "no job"
    tell(f"a spawner beside {queues:,} queues, {waiting}")
    table.connection.execute(CLEAR)
    table.connection.execute(MANY, (queues,))
    if jobs:
        table.connection.execute(WAITING)
    table.analyze()
    with _spawner(url, table) as process:
        return {"spawner": f"{queues:,} queues, {waiting}", **_watched(table, process, options)}


def _watched(table: BenchTable, process: psutil.Process | None, options: argparse.Namespace) -> Row:
    time.sleep(options.settle)
    transactions, cpu = _number(table, TRANSACTIONS), 0.0 if process is None else own_seconds(process)
    time.sleep(options.seconds)
    row: Row = {"queriesPerSecond": round((_number(table, TRANSACTIONS) - transactions) / options.seconds, 2)}
    if process is None:
        return {**row, "cpuPercent": None, "MiB": None}
    return {
        **row,
        "cpuPercent": round(100 * (own_seconds(process) - cpu) / options.seconds, 2),
        "MiB": round(process.memory_info().rss / 2**20, 1),
    }


@contextmanager
def _spawner(url: str, table: BenchTable, settings: Mapping[str, str] = {}) -> Iterator[psutil.Process]:
    """A spawner that is connected; in the end its workers go with it."""
    variables = {**DEFAULTS, "ROWCREW_MODULES": CREW, "DATABASE_URL": url, **settings}
    process = subprocess.Popen(
        [sys.executable, *PROGRAM, "spawner"],
        env=environment_with(**variables),
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        there = CONNECTED if settings is NO_WAKE_UPS else LISTENING
        await_true(lambda: _number(table, there) > 0 or process.poll() is not None)
        if process.poll() is not None:
            raise RowcrewError(
                f"the spawner ended with exit code {process.returncode}; run it alone to see why"
            )
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def _number(table: BenchTable, statement: str) -> int:
    [(number,)] = table.connection.execute(statement.encode()).fetchall()
    return int(number)
