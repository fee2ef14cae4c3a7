"""Queues under limits: how many jobs a second each kind lets through, and the most that ever ran at once.

Several workers drain one queue of jobs that take a few random milliseconds, once for each kind of limit and
once without any, all with the same jobs. The last column is read from the rows, "startedAt" to
"finishedAt": without a limit jobs reserved ahead count as well.
"""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from typing import Final, LiteralString, NamedTuple

from rowcrew.bench.processes import await_true, worker
from rowcrew.bench.report import Report, Row, Table, machine_facts
from rowcrew.bench.table import BenchTable
from rowcrew.cli.bench import tell

CREW: Final = "benchmarks.crew:crew"
FILL: Final = """
INSERT INTO jobs (type, payload, "concurrencyKey")
SELECT 'bench_sleep', jsonb_build_object('seconds', random() * %(milliseconds)s / 1000.0),
       CASE WHEN %(keys)s > 0 THEN 'key ' || i %% greatest(%(keys)s, 1) END
  FROM generate_series(1, %(jobs)s) AS i
"""
AT_ONCE: Final = """
SELECT max(running)
  FROM (SELECT sum(change) OVER (PARTITION BY key ORDER BY at, change) AS running
          FROM (SELECT at, change, CASE WHEN %(per_key)s THEN "concurrencyKey" END AS key
                  FROM jobs
                 CROSS JOIN LATERAL (VALUES ("startedAt", 1), ("finishedAt", -1)) AS of (at, change)
               ) AS changes) AS swept
"""


class Case(NamedTuple):
    """One kind of limit: how it is set, and for how many keys."""

    name: str
    sets: LiteralString | None = None
    keys: int = 0
    per_key: bool = False


CASES: Final = (
    Case("no limit"),
    Case("3 at once", """INSERT INTO queues (queue, "maxConcurrent") VALUES ('default', 3)"""),
    Case("20 at once", """INSERT INTO queues (queue, "maxConcurrent") VALUES ('default', 20)"""),
    Case(
        "1 a key, 10 keys",
        """INSERT INTO queues (queue, "maxConcurrentPerKey") VALUES ('default', 1)""",
        keys=10,
        per_key=True,
    ),
    Case(
        "1 a key, 1,000 keys",
        """INSERT INTO queues (queue, "maxConcurrentPerKey") VALUES ('default', 1)""",
        keys=1000,
        per_key=True,
    ),
    Case("1,000 a second", """INSERT INTO queues (queue, "rateLimit") VALUES ('default', 1000)"""),
    Case(
        "10 of a named key",
        """
        INSERT INTO limits (key, "maxConcurrent", "createdAt")
        VALUES ('key 0', 10, now() - interval '1 hour')
        """,
        keys=1,
    ),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--jobs", type=int, default=2_000)
    parser.add_argument("--milliseconds", type=float, default=10.0, help="the longest job")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--slots", type=int, default=20, help="of each worker")


def measure(url: str, options: argparse.Namespace) -> Report:
    with BenchTable(url) as table:
        machine = machine_facts(table.settings())
        rows = [_drained(url, table, case, options) for case in CASES]
    title = f"{options.jobs:,} jobs, {options.workers} workers of {options.slots} slots"
    return Report("limits", machine, (Table(title, rows),))


def _drained(url: str, table: BenchTable, case: Case, options: argparse.Namespace) -> Row:
    tell(case.name)
    table.clear()
    table.connection.execute("DELETE FROM queues")
    table.connection.execute("DELETE FROM limits")
    table.connection.execute("TRUNCATE starts")
    if case.sets is not None:
        table.connection.execute(case.sets)
        table.connection.execute("""UPDATE queues SET "limitedAt" = now() - interval '1 hour'""")
    with ExitStack() as running:
        for _ in range(options.workers):
            settings = {"WORKER_CONCURRENCY": str(options.slots)}
            running.enter_context(worker(url, table, crew=CREW, settings=settings))
        given = {"milliseconds": options.milliseconds, "keys": case.keys, "jobs": options.jobs}
        table.connection.execute(FILL, given)
        await_true(lambda: table.is_drained(options.jobs))
    completed, seconds = table.span()
    at_once = table.connection.execute(AT_ONCE, {"per_key": case.per_key}).fetchone()
    assert at_once is not None
    whose = "of a key" if case.per_key else "of all"
    return {
        "limit": case.name,
        "jobsPerSecond": round(completed / seconds),
        "mostAtOnce": f"{at_once[0]} {whose}",
    }
