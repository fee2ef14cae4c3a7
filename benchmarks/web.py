"""How soon each screen of the dashboard is there beside millions of rows; what a hundred tabs cost a worker.

Screens: a server of its own, asked over HTTP by one client, each page again and again after a first time. The
rows are inserted as finished, over the last six days, and as queued in as many queues as are wanted; the
minutes of two days are in the statistics. Tabs: a worker drains jobs beside nothing, beside a hundred clients
who keep a page open each and ask for it again as its script does, and beside the same clients at a server
that has the same answers in memory: they stand for other people's machines, and cost this one what they cost
there. All three in turns, in the same tables.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any, Final, NamedTuple

import psutil

from benchmarks.replay import replaying
from rowcrew.bench.drain import SLOTS, TYPE
from rowcrew.bench.processes import PROGRAM, await_true, own_seconds, worker
from rowcrew.bench.report import Report, Row, Table, machine_facts
from rowcrew.bench.table import BenchTable
from rowcrew.cli.bench import tell
from rowcrew.model.errors import RowcrewError
from rowcrew.settings import environment_with

PAGES: Final = {
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
    "Workflow": "/workflows/{id}",
    "Database": "/database",
}
METRICS: Final = "/metrics"
SCREENS: Final = {**PAGES, "API, jobs": "/api/v1/jobs", "Metrics": METRICS}
_SCRAPE_SECONDS: Final = 15.0
_OPENING_SECONDS: Final = 5.0
_AGAIN: Final = re.compile(rb'data-again="(\d+)"')
"""How often the script of a page asks, in the page itself."""

NOTHING, TABS, REPLAY = "nothing", "tabs", "replay"

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
# The newest of all jobs is one of it.
FAMILY: Final = """
WITH parent AS (
  INSERT INTO jobs (type, queue, status, attempts, "startedAt", "finishedAt")
  VALUES ('bench_parent', 'bench0', 'completed', 1, now(), now()) RETURNING id)
INSERT INTO jobs (type, queue, status, attempts, "startedAt", "finishedAt", "parentId")
SELECT 'bench_child', 'bench0', 'completed', 1, now(), now(), parent.id FROM parent, generate_series(1, 20)
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
BACKENDS: Final = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'rowcrew web%'"
AT_ONCE: Final = 200_000


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--finished", type=int, default=10_000_000, help="rows that have ended")
    parser.add_argument("--queued", type=int, default=1_000_000, help="rows that wait")
    parser.add_argument("--queues", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=200, help="how often each screen is asked for")
    parser.add_argument("--tabs", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=50_000, help="jobs of each drain")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--settle",
        type=float,
        default=16.0,
        help="seconds after the tabs in which the dashboard falls asleep",
    )


def measure(url: str, options: argparse.Namespace) -> Report:
    with BenchTable(url) as table:
        machine = machine_facts(table.settings())
        _fill(table, options)
        paths = {name: path.format(id=table.newest().id) for name, path in SCREENS.items()}
        with _web(url) as served:
            tell("asking for the screens")
            screens = [_screen(served.port, name, path, options.repeats) for name, path in paths.items()]
            drains = _drains(url, table, served, options)
    rows = f"{options.finished:,} finished and {options.queued:,} queued rows in {options.queues} queues"
    shares = [{"of": f"that beside {other}", **_share(drains, other)} for other in (REPLAY, NOTHING)]
    return Report(
        "web",
        machine,
        (
            Table(f"{rows}, {options.repeats} times each", screens),
            Table(f"{options.jobs:,} jobs that do nothing, {SLOTS} slots", drains),
            Table(f"speed beside {options.tabs} tabs, as a share", shares),
        ),
        notes=(
            "replay: the same clients, answered from memory; they stand for other people's machines",
            "cpu: milliseconds in a second; of who answers, of the backends of the dashboard, of the clients",
        ),
    )


def _fill(table: BenchTable, options: argparse.Namespace) -> None:
    for statement, rows in ((FINISHED, options.finished), (QUEUED, options.queued)):
        tell(f"making {rows:,} rows")
        for first in range(1, rows + 1, AT_ONCE):
            last = min(first + AT_ONCE - 1, rows)
            parameters = {"first": first, "last": last, "rows": rows, "queues": options.queues}
            table.connection.execute(statement, parameters)
    table.connection.execute(FAMILY)
    table.connection.execute(ATTEMPTS)
    table.connection.execute(MINUTES, {"queues": options.queues})
    table.connection.execute("VACUUM (ANALYZE) jobs, job_attempts, job_stats")
    table.connection.execute("CHECKPOINT")


class Served(NamedTuple):
    """A server that answers the tabs, and its port."""

    process: psutil.Process
    port: int


@contextmanager
def _web(url: str) -> Iterator[Served]:
    """A dashboard."""
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
        yield Served(psutil.Process(process.pid), int(said.rpartition(":")[2]))
    finally:
        process.terminate()
        process.wait()


def _screen(port: int, name: str, path: str, repeats: int) -> Row:
    tell(f"  {name}")
    with closing(http.client.HTTPConnection("127.0.0.1", port)) as connection:
        first, *others = [_seconds(connection, path) for _ in range(repeats + 1)]
    percentiles = statistics.quantiles(others, n=100, method="inclusive") if repeats > 1 else others * 99
    return {
        "screen": name,
        "firstMs": round(1000 * first, 1),
        "medianMs": round(1000 * percentiles[49], 1),
        "p99Ms": round(1000 * percentiles[98], 1),
        "highestMs": round(1000 * max(others), 1),
    }


def _seconds(connection: http.client.HTTPConnection, path: str) -> float:
    """To the last byte."""
    began = time.perf_counter()
    _ask(connection, path)
    return time.perf_counter() - began


def _ask(
    connection: http.client.HTTPConnection, path: str, **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    """The answer and its content; a connection that was closed while it was idle is opened again."""
    sent = {name.replace("_", "-"): text for name, text in headers.items()}
    try:
        connection.request("GET", path, headers=sent)
        response = connection.getresponse()
    except ConnectionError:
        connection.close()
        connection.request("GET", path, headers=sent)
        response = connection.getresponse()
    content = response.read()
    if response.status not in (200, 304):
        raise RowcrewError(f"{path} was answered with {response.status}")
    return response, content


def _drains(url: str, table: BenchTable, web: Served, options: argparse.Namespace) -> list[Row]:
    recorded = {path: _recorded(web.port, path) for path in (*_pages(table), METRICS)}
    with replaying(recorded) as (process, port):
        replay = Served(psutil.Process(process.pid), port)
        sides = [(NOTHING, web, 0), (TABS, web, options.tabs), (REPLAY, replay, options.tabs)]
        rows: list[Row] = []
        for number in range(1, options.rounds + 1):
            # Whoever comes later finds what the others have left: each comes first in turn.
            for beside, served, tabs in (*sides[number % 3 :], *sides[: number % 3]):
                tell(f"round {number} of {options.rounds}: beside {beside}")
                table.connection.execute(
                    FAMILY
                )  # people watch jobs of now: a tree is read up to the newest job
                with open_tabs(served.port, _pages(table), tabs) as clients:
                    speed, cpu = _drain(url, table, options.jobs, served, clients)
                if beside == TABS:
                    time.sleep(options.settle)
                rows.append({"round": number, "beside": beside, "jobsPerSecond": round(speed), **cpu})
    return rows


def _pages(table: BenchTable) -> list[str]:
    """The paths of all pages, with the newest job where one is shown."""
    return [path.format(id=table.newest().id) for path in PAGES.values()]


def _recorded(port: int, path: str) -> bytes:
    """A whole answer of the dashboard."""
    with closing(http.client.HTTPConnection("127.0.0.1", port)) as connection:
        response, content = _ask(connection, path)
    headers = "".join(f"{name}: {text}\r\n" for name, text in response.getheaders())
    return f"HTTP/1.1 200 OK\r\n{headers}\r\n".encode("latin-1") + content


def _drain(
    url: str, table: BenchTable, jobs: int, served: Served, clients: Clients
) -> tuple[float, dict[str, Any]]:
    """Jobs in a second, and the milliseconds of processor time that the others take of each."""
    newest = table.newest().id
    with worker(url, table, settings={"WORKER_CONCURRENCY": str(SLOTS), "WORKER_QUEUES": "default"}):
        with table.filled(jobs, TYPE):
            pass
        began, before = time.monotonic(), _spent(table, served, clients)
        await_true(lambda: table.is_drained(jobs, after=newest))
        lasted, after = time.monotonic() - began, _spent(table, served, clients)
    completed, seconds = table.span(after=newest)
    cpu = {name: round(1000 * (after[name] - before[name]) / lasted) for name in before}
    return completed / seconds, cpu


def _spent(table: BenchTable, served: Served, clients: Clients) -> dict[str, float]:
    """Seconds of processor time until now; none of a database that is elsewhere."""
    backends = 0.0
    for (pid,) in table.connection.execute(BACKENDS).fetchall():
        with suppress(psutil.Error):
            backends += own_seconds(psutil.Process(pid))
    return {
        "cpuAnswers": own_seconds(served.process),
        "cpuBackends": backends,
        "cpuClients": clients.cpu_seconds(),
    }


class Clients:
    """Threads that each keep a page open, and what failed of them.

    Args:
        paths: the page of each.
    """

    def __init__(self, port: int, paths: Sequence[str]) -> None:
        self._port = port
        self._closed = threading.Event()
        self._opened = threading.Semaphore(0)
        self._spent = [0.0] * len(paths)
        self._threads = [
            threading.Thread(target=self._keep_open, args=(place, path)) for place, path in enumerate(paths)
        ]
        self.failures: list[Exception] = []

    def cpu_seconds(self) -> float:
        return sum(self._spent)

    def open(self) -> None:
        """All of them, one after the other, as people do."""
        for thread in self._threads:
            thread.start()
        for _ in self._threads:
            self._opened.acquire()

    def close(self) -> None:
        self._closed.set()
        for thread in self._threads:
            thread.join()

    def _keep_open(self, place: int, path: str) -> None:
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", self._port)) as connection:
                self._closed.wait(place * _OPENING_SECONDS / len(self._threads))
                _, content = _ask(connection, path)
                self._opened.release()
                found, tag = _AGAIN.search(content), '""'
                while not self._closed.wait(float(found[1]) if found else _SCRAPE_SECONDS):
                    response, _ = _ask(connection, path, If_None_Match=tag)
                    tag = response.headers.get("ETag", tag)
                    self._spent[place] = time.thread_time()
        except (RowcrewError, OSError, http.client.HTTPException) as error:
            self.failures.append(error)
            self._opened.release()


@contextmanager
def open_tabs(port: int, paths: Sequence[str], number: int) -> Iterator[Clients]:
    """So many tabs that are open, each at the next of these pages, and one who scrapes the metrics."""
    clients = Clients(port, [*itertools.islice(itertools.cycle(paths), number), METRICS] if number else [])
    clients.open()
    try:
        yield clients
    finally:
        clients.close()
    if clients.failures:  # fewer tabs asked than the figure would say
        failed, first = len(clients.failures), clients.failures[0]
        raise RowcrewError(f"{failed} of {number + 1} clients were not answered: {first}")


def _share(drains: Sequence[Row], other: str) -> Row:
    speeds = {
        side: [row["jobsPerSecond"] for row in drains if row["beside"] == side] for side in (TABS, other)
    }
    ratios = [one / another for one, another in zip(speeds[TABS], speeds[other], strict=True)]
    return {
        "median": round(statistics.median(ratios), 3),
        "lowest": round(min(ratios), 3),
        "highest": round(max(ratios), 3),
    }
