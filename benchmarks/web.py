"""How soon each screen of the dashboard is there beside millions of rows; what a hundred tabs cost a worker.

Screens: a server of its own, asked over HTTP by one client, each page again and again after a first time. The
rows are inserted as finished, over the last six days, and as queued in as many queues as are wanted; the
minutes of two days are in the statistics. Tabs: a worker drains jobs, with nobody and with a hundred clients
who ask for screens as often as the pages' script does; both in turns, in the same tables.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Final

from rowcrew.bench.drain import SLOTS, TYPE
from rowcrew.bench.processes import PROGRAM, await_true, worker
from rowcrew.bench.report import Report, Row, Table, machine_facts
from rowcrew.bench.table import BenchTable
from rowcrew.cli.bench import tell
from rowcrew.model.errors import RowcrewError
from rowcrew.settings import environment_with

SCREENS: Final = {
    "Now": "/",
    "Jobs": "/jobs",
    "Jobs, failed": "/jobs?q=status:failed",
    "Jobs, one queue": "/jobs?q=queue:bench7",
    "Job": "/jobs/{id}",
    "Why": "/why",
    "Errors": "/errors",
    "Workers": "/workers",
    "Schedules": "/schedules",
    "Limits": "/limits",
    "API, jobs": "/api/v1/jobs",
    "Metrics": "/metrics",
}
AGAIN_SECONDS: Final = 5.0
"""How often the script of a page asks."""

# Of a hundred finished rows: 3 cancelled, 7 failed, 90 completed.
FINISHED: Final = """
INSERT INTO jobs (type, queue, payload, status, attempts, "createdAt", "startedAt", "finishedAt",
                  "errorMessage")
SELECT 'bench_type' || number %% 20, 'bench' || number %% %(queues)s, jsonb_build_object('number', number),
       mix.status, 1, made.moment, made.moment, made.moment,
       CASE mix.status WHEN 'failed' THEN 'ValueError: no such month' END
  FROM generate_series(%(first)s::integer, %(last)s::integer) AS number
 CROSS JOIN LATERAL (SELECT now() - (%(rows)s - number) * (interval '6 days' / %(rows)s)) AS made (moment)
 CROSS JOIN LATERAL (
       SELECT CASE WHEN number %% 100 < 3 THEN 'cancelled' WHEN number %% 100 < 10 THEN 'failed'
                   ELSE 'completed' END) AS mix (status)
"""
QUEUED: Final = """
INSERT INTO jobs (type, queue, payload, priority)
SELECT 'bench_type' || number %% 20, 'bench' || number %% %(queues)s, jsonb_build_object('number', number),
       number %% 4
  FROM generate_series(%(first)s::integer, %(last)s::integer) AS number
"""
ATTEMPTS: Final = """
INSERT INTO job_attempts ("leaseId", "jobId", attempt, outcome, error, "startedAt", "finishedAt")
SELECT gen_random_uuid(), id, 1, 'failed', "errorMessage", "startedAt", "finishedAt"
  FROM jobs WHERE status = 'failed'
"""
MINUTES: Final = """
INSERT INTO job_stats ("endsAt", seconds, "workerId", queue, type, outcome, count, "runSeconds",
                       "waitSeconds", "runBuckets", "runCounts", "waitBuckets", "waitCounts")
SELECT date_trunc('minute', now()) - minute * interval '1 minute', 60, 1, 'bench' || q,
       'bench_type' || q %% 20, 'completed', 60, 30, 60, '{20,21}', '{40,20}', '{22,23}', '{40,20}'
  FROM generate_series(0, 2879) AS minute, generate_series(0, %(queues)s - 1) AS q
"""
AT_ONCE: Final = 200_000


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--finished", type=int, default=10_000_000, help="rows that have ended")
    parser.add_argument("--queued", type=int, default=1_000_000, help="rows that wait")
    parser.add_argument("--queues", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=200, help="how often each screen is asked for")
    parser.add_argument("--tabs", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=50_000, help="jobs of each drain")
    parser.add_argument("--rounds", type=int, default=5)


def measure(url: str, options: argparse.Namespace) -> Report:
    with BenchTable(url) as table:
        machine = machine_facts(table.settings())
        _fill(table, options)
        with _web(url) as port:
            tell("asking for the screens")
            screens = [_screen(port, name, path, table, options.repeats) for name, path in SCREENS.items()]
            drains = _drains(url, table, port, options)
    rows = f"{options.finished:,} finished and {options.queued:,} queued rows in {options.queues} queues"
    return Report(
        "web",
        machine,
        (
            Table(f"{rows}, {options.repeats} times each", screens),
            Table(f"{options.jobs:,} jobs that do nothing, {SLOTS} slots", drains),
            Table(f"speed beside {options.tabs} tabs, as a share of that beside none", [_share(drains)]),
        ),
    )


def _fill(table: BenchTable, options: argparse.Namespace) -> None:
    for statement, rows in ((FINISHED, options.finished), (QUEUED, options.queued)):
        tell(f"making {rows:,} rows")
        for first in range(1, rows + 1, AT_ONCE):
            last = min(first + AT_ONCE - 1, rows)
            parameters = {"first": first, "last": last, "rows": rows, "queues": options.queues}
            table.connection.execute(statement, parameters)
    table.connection.execute(ATTEMPTS)
    table.connection.execute(MINUTES, {"queues": options.queues})
    table.connection.execute("VACUUM (ANALYZE) jobs, job_attempts, job_stats")
    table.connection.execute("CHECKPOINT")


@contextmanager
def _web(url: str) -> Iterator[int]:
    """The port of a dashboard."""
    process = subprocess.Popen(
        [sys.executable, *PROGRAM, "web", "--port", "0"],
        env=environment_with(DATABASE_URL=url),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = next((line for line in process.stdout if "Serving http://" in line), None)
        if said is None:
            raise RowcrewError("the dashboard did not start; run `rowcrew web` alone to see why")
        threading.Thread(target=process.stdout.read, daemon=True).start()
        yield int(said.rpartition(":")[2])
    finally:
        process.terminate()
        process.wait()


def _screen(port: int, name: str, path: str, table: BenchTable, repeats: int) -> Row:
    tell(f"  {name}")
    path = path.format(id=table.newest().id)
    connection = http.client.HTTPConnection("127.0.0.1", port)
    first, *others = [_ask(connection, path) for _ in range(repeats + 1)]
    percentiles = statistics.quantiles(others, n=100, method="inclusive") if repeats > 1 else others * 99
    return {
        "screen": name,
        "firstMs": round(1000 * first, 1),
        "medianMs": round(1000 * percentiles[49], 1),
        "p99Ms": round(1000 * percentiles[98], 1),
        "highestMs": round(1000 * max(others), 1),
    }


def _ask(connection: http.client.HTTPConnection, path: str) -> float:
    """Seconds to the last byte."""
    began = time.perf_counter()
    connection.request("GET", path)
    response = connection.getresponse()
    response.read()
    if response.status != 200:
        raise RowcrewError(f"{path} was answered with {response.status}")
    return time.perf_counter() - began


def _drains(url: str, table: BenchTable, port: int, options: argparse.Namespace) -> list[Row]:
    rows: list[Row] = []
    for number in range(1, options.rounds + 1):
        # Whoever comes second finds what the first has left: each comes first in turn.
        for tabs in (0, options.tabs) if number % 2 else (options.tabs, 0):
            tell(f"round {number} of {options.rounds}: {tabs} tabs")
            with open_tabs(port, tabs):
                speed = _drain(url, table, options.jobs)
            rows.append({"round": number, "tabs": tabs, "jobsPerSecond": round(speed)})
    return rows


def _drain(url: str, table: BenchTable, jobs: int) -> float:
    newest = table.newest().id
    with worker(url, table, settings={"WORKER_CONCURRENCY": str(SLOTS), "WORKER_QUEUES": "default"}):
        with table.filled(jobs, TYPE):
            pass
        await_true(lambda: table.is_drained(jobs, after=newest))
    completed, seconds = table.span(after=newest)
    return completed / seconds


@contextmanager
def open_tabs(port: int, number: int) -> Iterator[None]:
    closed = threading.Event()
    failures: list[Exception] = []
    paths = itertools.cycle(path for path in SCREENS.values() if "{" not in path)
    tabs = [
        threading.Thread(
            target=_tab, args=(port, next(paths), place * AGAIN_SECONDS / number, closed, failures)
        )
        for place in range(number)
    ]
    for tab in tabs:
        tab.start()
    try:
        yield
    finally:
        closed.set()
        for tab in tabs:
            tab.join()
    if failures:  # fewer tabs asked than the figure would say
        raise RowcrewError(f"{len(failures)} of {number} tabs were not answered: {failures[0]}")


def _tab(
    port: int, path: str, after_seconds: float, closed: threading.Event, failures: list[Exception]
) -> None:
    closed.wait(after_seconds)
    while not closed.is_set():
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", port)) as connection:
                _ask(connection, path)
        except (RowcrewError, OSError, http.client.HTTPException) as error:
            failures.append(error)
            return
        closed.wait(AGAIN_SECONDS)


def _share(drains: Sequence[Row]) -> Row:
    alone, beside = (
        [
            float(str(row["jobsPerSecond"]))
            for row in sorted(drains, key=lambda row: str(row["round"]))
            if bool(row["tabs"]) == has_tabs
        ]
        for has_tabs in (False, True)
    )
    ratios = [one / other for one, other in zip(beside, alone, strict=True)]
    return {
        "median": round(statistics.median(ratios), 2),
        "lowest": round(min(ratios), 2),
        "highest": round(max(ratios), 2),
    }
