"""Milliseconds of one reservation while a million rows are ready, by batch size."""

from __future__ import annotations

import argparse
import time

from rowcrew.bench.drain import TYPE
from rowcrew.bench.figures import spread
from rowcrew.bench.limit import Limit
from rowcrew.bench.report import Report, Row, Table, machine_facts
from rowcrew.bench.table import BenchTable
from rowcrew.cli.bench import tell


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=100, help="reservations of each size")


def measure(url: str, options: argparse.Namespace) -> Report:
    with BenchTable(url) as table:
        machine = machine_facts(table.settings())
        tell(f"making {options.rows:,} rows")
        with table.filled(options.rows, TYPE):
            pass
        table.connection.execute("VACUUM (ANALYZE) jobs")
        rows = [_timed(url, batch, options.repeats) for batch in (1, 10, 100, 500)]
    return Report(
        "reserve", machine, (Table(f"milliseconds of one reservation, {options.rows:,} rows ready", rows),)
    )


def _timed(url: str, batch: int, repeats: int) -> Row:
    tell(f"batches of {batch}")
    with Limit(url, type=TYPE, batch=batch) as limit:
        milliseconds = []
        for _ in range(repeats):
            began = time.perf_counter()
            limit.reserve()
            milliseconds.append(1000 * (time.perf_counter() - began))
    return {"batchSize": batch} | spread(milliseconds)
