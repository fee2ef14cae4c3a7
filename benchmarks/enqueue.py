"""Rows per second of the ways to enqueue, each with the triggers on `jobs` and without them.

Clients of single INSERTs are processes that commit each row; `enqueue_many` takes a thousand jobs at a time,
COPY all rows at once. No worker listens. Ways take turns, and so do tables with and without triggers.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from benchmarks.producer import producing
from rowcrew import NewJob, enqueue_many
from rowcrew.bench.drain import TYPE
from rowcrew.bench.report import Report, Row, Table, machine_facts
from rowcrew.bench.table import BenchTable
from rowcrew.cli.bench import tell

AT_A_TIME: Final = 1_000
COPY: Final = "COPY jobs (type, payload) FROM STDIN"
SWITCHES: Final = {
    "with": "ALTER TABLE jobs ENABLE TRIGGER USER",
    "without": "ALTER TABLE jobs DISABLE TRIGGER USER",
}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--singles", type=int, default=5_000, help="rows by single INSERTs")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8], help="clients of single INSERTs")
    parser.add_argument("--rows", type=int, default=100_000, help="rows by enqueue_many and by COPY")
    parser.add_argument("--rounds", type=int, default=3)


def measure(url: str, options: argparse.Namespace) -> Report:
    with BenchTable(url) as table:
        machine = machine_facts(table.settings())
        ways: dict[str, Callable[[], float]] = {
            f"single INSERTs, clients: {clients}": partial(_singles, url, clients, options.singles)
            for clients in options.clients
        }
        ways[f"enqueue_many, {AT_A_TIME:,} at a time"] = partial(_enqueue_many, table, options.rows)
        ways["COPY"] = partial(_copy, table, options.rows)
        rows = _speeds(table, ways, options.rounds)
    return Report("enqueue", machine, (Table(f"rows per second, median of {options.rounds} rounds", rows),))


def _speeds(table: BenchTable, ways: dict[str, Callable[[], float]], rounds: int) -> list[Row]:
    found: dict[str, dict[str, list[float]]] = {way: {"with": [], "without": []} for way in ways}
    for number in range(1, rounds + 1):
        for way, enqueue in ways.items():
            for triggers, switch in SWITCHES.items():
                tell(f"round {number} of {rounds}: {way}, {triggers} triggers")
                table.clear()
                table.connection.execute(switch)
                found[way][triggers].append(enqueue())
    return [
        {
            "way": way,
            "withTriggers": round(statistics.median(speeds["with"])),
            "withoutTriggers": round(statistics.median(speeds["without"])),
            "withOverWithout": round(
                statistics.median([a / b for a, b in zip(speeds["with"], speeds["without"], strict=True)]), 2
            ),
        }
        for way, speeds in found.items()
    ]


def _singles(url: str, clients: int, rows: int) -> float:
    with producing(url, clients=clients, rows=rows, type=TYPE) as go:
        sent = go()
    return rows / (max(each.committed for each in sent) - min(each.began for each in sent))


def _enqueue_many(table: BenchTable, rows: int) -> float:
    began = time.perf_counter()
    for first in range(0, rows, AT_A_TIME):
        numbers = range(first, min(first + AT_A_TIME, rows))
        enqueue_many([NewJob(TYPE, {"number": number}) for number in numbers], on=table.connection)
    return rows / (time.perf_counter() - began)


def _copy(table: BenchTable, rows: int) -> float:
    began = time.perf_counter()
    with table.connection.cursor() as cursor, cursor.copy(COPY) as copy:
        for number in range(rows):
            copy.write_row((TYPE, f'{{"number": {number}}}'))
    return rows / (time.perf_counter() - began)
