"""Milliseconds from a committed INSERT to the start of its handler: woken, by polling, and in a cold worker.

What `rowcrew bench latency` measures, and two things more. The server runs on this host, so its clock can
tell when a row was reserved. And a worker is started while one row waits.
"""

from __future__ import annotations

import argparse
import time

from rowcrew.bench import latency
from rowcrew.bench.figures import spread
from rowcrew.bench.processes import await_true, worker
from rowcrew.bench.report import Report, Row, Table, machine_facts
from rowcrew.bench.table import BenchTable
from rowcrew.cli.bench import tell


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--jobs", type=int, default=200, help="rows sent to the idle worker, with and without wake-ups"
    )
    parser.add_argument("--pause", type=float, default=0.1, help="seconds between two rows")
    parser.add_argument("--starts", type=int, default=10, help="cold starts of a worker with one row waiting")


def measure(url: str, options: argparse.Namespace) -> Report:
    with BenchTable(url) as table:
        machine = machine_facts(table.settings())
        idle = [row for how in latency.WORKERS for row in _idle(url, table, how, options)]
        tell("cold starts")
        cold = _cold(url, table, options.starts)
    return Report(
        "latency",
        machine,
        (
            Table(latency.title(options.pause), idle),
            Table("milliseconds from the start of a worker's process, one row waiting", cold),
        ),
        latency.NOTES,
    )


def _idle(url: str, table: BenchTable, how: str, options: argparse.Namespace) -> list[Row]:
    tell(f"an idle worker, {how}")
    found = latency.samples(url, table, how, options.jobs, options.pause)
    reserved = latency.row(how, "commit", "reserved", [each.reserved - each.committed for each in found])
    return [reserved, *latency.rows_of(how, found)]


def _cold(url: str, table: BenchTable, starts: int) -> list[Row]:
    reserved, handled = [], []
    for _ in range(starts):
        table.clear()
        table.send(latency.TYPE)
        began = time.time()
        with worker(url, table, settings={}):
            await_true(lambda: table.is_drained(1))
        [(_, _, reserve, handler)] = table.handled()
        reserved.append(1000 * (reserve - began))
        handled.append(1000 * (handler - began))
    return [
        {"to": "first row reserved"} | spread(reserved, digits=None),
        {"to": "its handler"} | spread(handled, digits=None),
    ]
