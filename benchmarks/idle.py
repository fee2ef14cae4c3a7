"""What a worker with nothing to do asks of the server, and its processor time and memory.

Queries are the database's own count of its transactions: in an idle worker each statement is one. The first
row is the same time with no worker, so what the server does by itself. The worker that only polls has no
connection to hear wake-ups on, and tries every ten seconds to have one.
"""

from __future__ import annotations

import argparse
import time
from typing import Final

from rowcrew.bench.processes import NO_WAKE_UPS, BenchWorker, worker
from rowcrew.bench.report import Report, Row, Table, machine_facts
from rowcrew.bench.table import BenchTable
from rowcrew.cli.bench import tell

WORKERS: Final = {"LISTEN": {}, "polling only": NO_WAKE_UPS}
TRANSACTIONS: Final = """
SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=60.0, help="of each")
    parser.add_argument(
        "--settle", type=float, default=15.0, help="seconds after the start that do not count"
    )


def measure(url: str, options: argparse.Namespace) -> Report:
    with BenchTable(url) as table:
        machine = machine_facts(table.settings())
        tell("no worker")
        rows: list[Row] = [{"worker": "none", **_watched(table, None, options)}]
        for how, settings in WORKERS.items():
            tell(f"an idle worker, {how}")
            with worker(url, table, settings=settings) as running:
                rows.append({"worker": how, **_watched(table, running, options)})
    return Report("idle", machine, (Table(f"{options.seconds:g} s without any job", rows),))


def _watched(table: BenchTable, running: BenchWorker | None, options: argparse.Namespace) -> Row:
    time.sleep(options.settle)
    transactions = _transactions(table)
    control, runner = (0.0, 0.0) if running is None else running.cpu_seconds()
    time.sleep(options.seconds)
    row: Row = {"queriesPerSecond": round((_transactions(table) - transactions) / options.seconds, 2)}
    if running is None:
        return {**row, "controlPercent": None, "runnerPercent": None, "controlMiB": None, "runnerMiB": None}
    now = running.cpu_seconds()
    memory = running.memory_bytes()
    return {
        **row,
        "controlPercent": round(100 * (now[0] - control) / options.seconds, 2),
        "runnerPercent": round(100 * (now[1] - runner) / options.seconds, 2),
        "controlMiB": round(memory[0] / 2**20, 1),
        "runnerMiB": round(memory[1] / 2**20, 1),
    }


def _transactions(table: BenchTable) -> int:
    [(count,)] = table.connection.execute(TRANSACTIONS).fetchall()
    return int(count)
