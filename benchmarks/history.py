"""Drain rate of a table that holds millions of finished rows, beside a table with none.

Each history has a schema of its own in the same database, so that all take turns in every round. Its rows
were inserted, reserved and recorded by SQL, so that they leave the pages as worked jobs do: rows inserted as
finished would leave a hole of one row in each page, and the next jobs would fill hole after hole.
They are of the last days, completed for the most part, failed and cancelled too: young enough that the worker
prunes none. They are vacuumed and analysed, and written to disk, before the first round. What a round has
drained stays with the history; the empty table is emptied.
"""

from __future__ import annotations

import argparse
import statistics
from contextlib import ExitStack
from typing import Final

from rowcrew.bench.drain import SLOTS, TYPE
from rowcrew.bench.processes import await_true, worker
from rowcrew.bench.report import Report, Row, Table, machine_facts
from rowcrew.bench.scratch import scratch_schema
from rowcrew.bench.table import BenchTable
from rowcrew.cli.bench import tell

# Of a hundred rows: 3 cancelled, 7 failed, 90 completed; the oldest is six days old, and kept for seven.
INSERT: Final = """
INSERT INTO jobs (type, payload, "createdAt", "runAt")
SELECT 'model_run', jsonb_build_object('number', number, 'name', repeat('x', 80)), moment, moment
  FROM generate_series(%(first)s::integer, %(last)s::integer) AS number
 CROSS JOIN LATERAL (SELECT now() - (%(rows)s - number) * (interval '6 days' / %(rows)s)) AS made (moment)
"""
RESERVE: Final = """
UPDATE jobs
   SET status = 'processing', attempts = 1, "workerId" = 0, "leaseId" = gen_random_uuid(),
       revision = revision + 1,
       "startedAt" = "createdAt" + interval '1 second', "updatedAt" = "createdAt" + interval '1 second'
 WHERE status = 'queued'
"""
RECORD: Final = """
UPDATE jobs
   SET status = CASE WHEN id % 100 < 3 THEN 'cancelled' WHEN id % 100 < 10 THEN 'failed' ELSE 'completed' END,
       result = CASE WHEN id % 100 >= 10 THEN jsonb_build_object('mean', id) END,
       "errorMessage" = CASE WHEN id % 100 BETWEEN 3 AND 9 THEN 'ValueError: no such month' END,
       "finishedAt" = "createdAt" + interval '3 seconds', "updatedAt" = "createdAt" + interval '3 seconds',
       "workerId" = NULL, revision = revision + 1
 WHERE status = 'processing'
"""
AT_ONCE: Final = 20_000


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--rows", type=int, nargs="+", default=[1_000_000, 10_000_000], help="finished rows of each history"
    )
    parser.add_argument("--jobs", type=int, default=50_000, help="jobs of each drain")
    parser.add_argument("--rounds", type=int, default=3)


def measure(url: str, options: argparse.Namespace) -> Report:
    with ExitStack() as stack:
        urls = {0: url} | {rows: stack.enter_context(scratch_schema(url)) for rows in options.rows}
        tables = {rows: stack.enter_context(BenchTable(inside)) for rows, inside in urls.items()}
        machine = machine_facts(tables[0].settings())
        for rows in options.rows:
            _fill(tables[rows], rows)
        speeds: dict[int, list[float]] = {rows: [] for rows in tables}
        for number in range(1, options.rounds + 1):
            for rows, table in tables.items():
                tell(f"round {number} of {options.rounds}: {rows:,} finished rows")
                speeds[rows].append(_drain(urls[rows], table, options.jobs, empty=rows == 0))
    title = f"{options.jobs:,} jobs that do nothing, {SLOTS} slots, median of {options.rounds} rounds"
    return Report("history", machine, (Table(title, [_row(rows, speeds) for rows in speeds]),))


def _fill(table: BenchTable, rows: int) -> None:
    tell(f"making {rows:,} finished rows")
    for first in range(1, rows + 1, AT_ONCE):
        last = min(first + AT_ONCE - 1, rows)
        table.connection.execute(INSERT, {"first": first, "last": last, "rows": rows})
        table.connection.execute(RESERVE)
        table.connection.execute(RECORD)
    table.connection.execute("VACUUM (ANALYZE) jobs")
    table.connection.execute("CHECKPOINT")


def _drain(url: str, table: BenchTable, jobs: int, *, empty: bool) -> float:
    """Drain this schema; jobs per second."""
    if empty:
        table.clear()
    newest = table.newest().id
    with worker(url, table, settings={"WORKER_CONCURRENCY": str(SLOTS)}):
        with table.filled(jobs, TYPE):
            pass
        await_true(lambda: table.is_drained(jobs, after=newest))
    completed, seconds = table.span(after=newest)
    return completed / seconds


def _row(rows: int, speeds: dict[int, list[float]]) -> Row:
    ratios = [speed / empty for speed, empty in zip(speeds[rows], speeds[0], strict=True)]
    return {
        "finishedRows": rows,
        "jobsPerSecond": round(statistics.median(speeds[rows])),
        "timesEmpty": round(statistics.median(ratios), 2),
        "rounds": ", ".join(f"{speed:,.0f}" for speed in speeds[rows]),
    }
