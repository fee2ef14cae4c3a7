"""Drain rate of a table that holds millions of finished rows, beside a table with none.

Each history has a schema of its own in the same database, so that all take turns in every round. Its rows
are finished ones of the last days, completed for the most part, failed and cancelled too: young enough that
the worker prunes none. They are vacuumed and analysed, and written to disk, before the first round. What a
round has drained stays with the history; the empty table is emptied.
"""

from __future__ import annotations

import argparse
import statistics
from contextlib import ExitStack
from typing import Final

from rowcrew.bench.drain import SLOTS, TYPE
from rowcrew.bench.processes import await_true, worker
from rowcrew.bench.report import Report, Row, Table, machine_facts
from rowcrew.cli.bench import tell
from rowcrew.table.scratch import BenchTable, scratch_schema

# Of a hundred rows: 3 cancelled, 7 failed, 90 completed; the oldest is six days old, and kept for seven.
FILL: Final = """
INSERT INTO jobs (type, payload, status, attempts, "createdAt", "runAt", "startedAt", "finishedAt",
                  "updatedAt", result, "errorMessage")
SELECT 'model_run', jsonb_build_object('number', number, 'name', repeat('x', 80)), mix.status, 1,
       moment, moment, moment + interval '1 second', moment + interval '3 seconds',
       moment + interval '3 seconds',
       CASE mix.status WHEN 'completed' THEN jsonb_build_object('mean', number) END,
       CASE mix.status WHEN 'failed' THEN 'ValueError: no such month' END
  FROM generate_series(1, %(rows)s) AS number
 CROSS JOIN LATERAL (
       SELECT now() - interval '1 minute' - (%(rows)s - number) * (interval '6 days' / %(rows)s) AS moment,
              CASE WHEN number %% 100 < 3 THEN 'cancelled' WHEN number %% 100 < 10 THEN 'failed'
                   ELSE 'completed' END AS status) AS mix
"""


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
        machine = machine_facts(tables[0].server_facts())
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
    table.connection.execute(FILL, {"rows": rows})
    table.connection.execute("VACUUM (ANALYZE) jobs")
    table.connection.execute("CHECKPOINT")


def _drain(url: str, table: BenchTable, jobs: int, *, empty: bool) -> float:
    """Jobs per second."""
    if empty:
        table.clear()
    newest = table.newest()
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
