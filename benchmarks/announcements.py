"""Seconds that each of the three types of announcements runs, on filings of companies that do not exist.

A worker with one slot reads, keeps and links them one after the other, each in the chain that its
filing starts. A run is timed by the database, from its reservation to its record; the first of a type
also starts what it needs.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Final

from rowcrew import enqueue_many
from rowcrew.bench.figures import spread
from rowcrew.bench.processes import await_true, worker
from rowcrew.bench.report import Report, Row, Table, machine_facts
from rowcrew.bench.table import BenchTable
from rowcrew.bundled.announcements.sample.jobs import sample_jobs
from rowcrew.cli.bench import tell
from rowcrew.model.errors import RowcrewError

CREW: Final = "rowcrew.bundled:crew"
TYPES: Final = ("ai_processing", "supabase_upload", "investor_processing")
LEFT: Final = "SELECT 1 FROM jobs WHERE status IN ('queued', 'processing') LIMIT 1"
SECONDS: Final = """
    SELECT extract(epoch FROM "finishedAt" - "startedAt")::float8
      FROM jobs WHERE type = %s AND status = 'completed' ORDER BY "startedAt"
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--filings", type=int, default=100, help="2 or more")


def measure(url: str, options: argparse.Namespace) -> Report:
    if options.filings < 2:
        raise RowcrewError("--filings must be 2 or more: the first of each type is told apart")
    with BenchTable(url) as table:
        machine = machine_facts(table.settings())
        table.clear()
        with table.connection.transaction():
            enqueue_many(sample_jobs(options.filings), on=table.connection)
        tell(f"{options.filings} filings")
        with worker(url, table, crew=CREW, settings={"WORKER_CONCURRENCY": "1"}):
            await_true(lambda: table.connection.execute(LEFT).fetchone() is None)
        rows = [_row(type, _seconds(table, type)) for type in TYPES]
    return Report("announcements", machine, (Table(f"seconds of a run, {options.filings} filings", rows),))


def _seconds(table: BenchTable, type: str) -> Sequence[float]:
    return [seconds for (seconds,) in table.connection.execute(SECONDS, [type]).fetchall()]


def _row(type: str, seconds: Sequence[float]) -> Row:
    first, *others = seconds
    return {"type": type, "first": round(first, 3), **spread(others, digits=3)}
