"""One queue, most of its rows of one tenant: how long the others' first jobs wait beside a free place.

Places of a key are limited, so the large tenant cannot fill the worker. Tenants that are there from the start
are measured apart from those that come while the queue is drained. A place is free when the run before it has
ended (`"finishedAt"`), so the wait for busy slots does not count.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from rowcrew.bench.processes import await_true, worker
from rowcrew.bench.report import Report, Row, Table, machine_facts
from rowcrew.bench.table import BenchTable
from rowcrew.cli.bench import tell
from rowcrew.model.errors import RowcrewError

CREW: Final = "benchmarks.crew:crew"
FILL: Final = """
INSERT INTO jobs (type, payload, "concurrencyKey")
SELECT 'bench_sleep', jsonb_build_object('seconds', %(seconds)s::float8),
       CASE WHEN i %% 10 = 0 THEN 'tenant ' || i / 10 %% %(tenants)s ELSE 'large' END
  FROM generate_series(1, %(rows)s) AS i
"""
NEWCOMER: Final = """
INSERT INTO jobs (type, payload, "concurrencyKey")
VALUES ('bench_sleep', jsonb_build_object('seconds', %(seconds)s::float8), 'newcomer ' || %(number)s)
"""
LIMIT: Final = """
INSERT INTO queues (queue, "maxConcurrentPerKey", "limitedAt")
VALUES ('default', %(per_key)s, now() - interval '1 hour')
"""
TENANTS_STARTED: Final = 'SELECT count(DISTINCT "concurrencyKey") FROM jobs WHERE "startedAt" IS NOT NULL'
RUNS: Final = """
SELECT "concurrencyKey", "createdAt", "startedAt", "finishedAt"
  FROM jobs
 WHERE "startedAt" IS NOT NULL
 ORDER BY "startedAt", id
"""


class Run(NamedTuple):
    """A job that has begun: its tenant, and its times."""

    key: str
    created: datetime
    started: datetime
    finished: datetime | None


class FirstJob(NamedTuple):
    """A tenant's first job: how long it waited beside a free place, and how many jobs had begun before it."""

    key: str
    milliseconds: float
    begun_before: int


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--tenants", type=int, default=100, help="beside the large one")
    parser.add_argument("--newcomers", type=int, default=50, help="tenants that come while it is drained")
    parser.add_argument("--per-key", type=int, default=5, help="places of a key")
    parser.add_argument("--slots", type=int, default=20)
    parser.add_argument("--milliseconds", type=float, default=10.0, help="of each job")


def measure(url: str, options: argparse.Namespace) -> Report:
    if options.rows < 10 * options.tenants or options.newcomers < 2:
        raise RowcrewError("--rows must be ten times --tenants or more, and --newcomers 2 or more")
    with BenchTable(url) as table:
        machine = machine_facts(table.settings())
        firsts = _firsts(url, table, options)
    title = f"{options.rows:,} rows, 90 % of one tenant, {options.slots} slots, {options.per_key} a key"
    old = [first for first in firsts if not first.key.startswith("newcomer")]
    new = [first for first in firsts if first.key.startswith("newcomer")]
    rows = [_row("there from the start", old), _row("come while it is drained", new)]
    return Report("tenants", machine, (Table(title, rows),))


def _firsts(url: str, table: BenchTable, options: argparse.Namespace) -> list[FirstJob]:
    seconds = options.milliseconds / 1000
    tell(f"making {options.rows:,} rows")
    table.connection.execute(FILL, {"rows": options.rows, "tenants": options.tenants, "seconds": seconds})
    table.connection.execute("VACUUM (ANALYZE) jobs")
    table.connection.execute(LIMIT, {"per_key": options.per_key})
    with worker(url, table, crew=CREW, settings={"WORKER_CONCURRENCY": str(options.slots)}):
        tell("every tenant's first job")
        await_true(lambda: _started(table) > options.tenants)
        for number in range(options.newcomers):
            tell(f"newcomer {number + 1} of {options.newcomers}")
            table.connection.execute(NEWCOMER, {"seconds": seconds, "number": number})
            time.sleep(0.1)
        await_true(lambda: _started(table) > options.tenants + options.newcomers)
    return firsts_of([Run(*run) for run in table.connection.execute(RUNS)], options.slots)


def _started(table: BenchTable) -> int:
    ((count,),) = table.connection.execute(TENANTS_STARTED)
    return int(count)


def firsts_of(runs: Sequence[Run], slots: int) -> list[FirstJob]:
    """Each tenant's first job, of runs ordered by their start."""
    ends = sorted(run.finished for run in runs if run.finished is not None)
    seen: set[str] = set()
    firsts = []
    for place, run in enumerate(runs):
        if run.key in seen:
            continue
        seen.add(run.key)
        freed = ends[place - slots] if place >= slots else runs[0].started
        waited = run.started - max(freed, run.created, runs[0].started)
        firsts.append(FirstJob(run.key, max(0.0, 1000 * waited.total_seconds()), place))
    return firsts


def _row(name: str, firsts: Sequence[FirstJob]) -> Row:
    waits = [first.milliseconds for first in firsts]
    return {
        "tenants": f"{len(firsts):,} {name}",
        "p50Ms": round(statistics.median(waits), 1),
        "p95Ms": round(statistics.quantiles(waits, n=20, method="inclusive")[-1], 1),
        "highestMs": round(max(waits), 1),
        "mostBegunBefore": max(first.begun_before for first in firsts),
    }
