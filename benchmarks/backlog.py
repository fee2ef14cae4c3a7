"""Drain rate of the first jobs of a long line, of four priorities in ten queues, beside a short line of one.

The line stands when the worker, ready before, sees it: all rows appear with one commit. The figure is jobs
per second of the first jobs that end; the long line is then dropped. Both lines take turns.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from typing import Final

from rowcrew.bench.drain import SLOTS, TYPE
from rowcrew.bench.processes import await_true, worker
from rowcrew.bench.report import Report, Row, Table, machine_facts
from rowcrew.bench.table import BenchTable
from rowcrew.cli.bench import tell
from rowcrew.model.errors import RowcrewError

PRIORITIES: Final = 4
MARGIN: Final = 2_000  # jobs that a worker may hold: rows of a line end a little out of order
FILL: Final = """
INSERT INTO jobs (type, payload, priority, queue)
SELECT %(type)s, jsonb_build_object('number', number), number %% 4, 'queue' || number / 4 %% 10
  FROM generate_series(1, %(rows)s) AS number
"""
FIRST: Final = "SELECT min(id) FROM jobs"
SPAN: Final = """
SELECT count(*), extract(epoch FROM max("finishedAt") - min("startedAt"))::float8
  FROM (SELECT "startedAt", "finishedAt" FROM jobs WHERE status = 'completed'
         ORDER BY "finishedAt" LIMIT %(jobs)s)
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the long line")
    parser.add_argument(
        "--jobs", type=int, default=50_000, help="jobs of the short line, first of the long one"
    )
    parser.add_argument("--rounds", type=int, default=3)


def measure(url: str, options: argparse.Namespace) -> Report:
    if options.rows < PRIORITIES * (options.jobs + MARGIN):
        raise RowcrewError(
            f"--rows {options.rows}: give at least {PRIORITIES * (options.jobs + MARGIN)}, so that the first "
            "jobs are all of one priority"
        )
    lines: dict[str, Callable[[], float]]
    with BenchTable(url) as table:
        machine = machine_facts(table.settings())
        lines = {
            f"{options.jobs:,} rows, one queue": lambda: _short(url, table, options.jobs),
            f"{options.rows:,} rows, {PRIORITIES} priorities, 10 queues": lambda: _long(url, table, options),
        }
        speeds: dict[str, list[float]] = {line: [] for line in lines}
        for number in range(1, options.rounds + 1):
            for line, drain in lines.items():
                tell(f"round {number} of {options.rounds}: {line}")
                table.clear()
                speeds[line].append(drain())
    title = f"the first {options.jobs:,} jobs, {SLOTS} slots, median of {options.rounds} rounds"
    return Report("backlog", machine, (Table(title, _rows(speeds)),))


def _short(url: str, table: BenchTable, jobs: int) -> float:
    with worker(url, table, settings={"WORKER_CONCURRENCY": str(SLOTS)}):
        with table.filled(jobs, TYPE):
            pass
        await_true(lambda: table.is_drained(jobs))
    return _speed(table, jobs)


def _long(url: str, table: BenchTable, options: argparse.Namespace) -> float:
    with worker(url, table, settings={"WORKER_CONCURRENCY": str(SLOTS)}):
        with table.connection.transaction():
            table.connection.execute(FILL, {"type": TYPE, "rows": options.rows})
            table.analyze()
            [(first,)] = table.connection.execute(FIRST).fetchall()
        # The highest priority is every fourth row.
        last = first - 1 + PRIORITIES * (options.jobs + MARGIN) - 1
        await_true(lambda: table.has_ended(last))
    return _speed(table, options.jobs)


def _speed(table: BenchTable, jobs: int) -> float:
    [(completed, seconds)] = table.connection.execute(SPAN, {"jobs": jobs}).fetchall()
    return float(completed / seconds)


def _rows(speeds: dict[str, list[float]]) -> list[Row]:
    short = next(iter(speeds.values()))
    return [
        {
            "line": line,
            "jobsPerSecond": round(statistics.median(found)),
            "timesShort": round(statistics.median([a / b for a, b in zip(found, short, strict=True)]), 2),
            "rounds": ", ".join(f"{speed:,.0f}" for speed in found),
        }
        for line, found in speeds.items()
    ]
