"""What it costs to keep what handlers say: jobs that print a line each, lines kept and not, in turns."""

from __future__ import annotations

import argparse
import statistics
from typing import Any, Final

from rowcrew.bench.processes import Cpu, Server, await_true, worker
from rowcrew.bench.report import Report, Table, machine_facts
from rowcrew.bench.table import BenchTable
from rowcrew.cli.bench import tell

TYPE: Final = "bench_says"
CREW: Final = "benchmarks.crew:crew"
SIDES: Final = {"kept": "64K", "not kept": "0"}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--jobs", type=int, default=20_000, help="jobs in each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--slots", type=int, default=64, help="jobs that the worker runs at once")


def measure(url: str, options: argparse.Namespace) -> Report:
    rows: list[dict[str, Any]] = []
    with BenchTable(url) as table:
        machine = machine_facts(table.settings())
        server = Server(table.server_pid())
        for number in range(1, options.rounds + 1):
            for what, size in SIDES.items():
                tell(f"round {number} of {options.rounds}: lines {what}")
                row = _drained(url, table, server, options, size)
                rows.append({"round": number, "lines": what, **row})
    kept, not_kept = ([row["jobsPerSecond"] for row in rows if row["lines"] == what] for what in SIDES)
    ratios = [one / other for one, other in zip(kept, not_kept, strict=True)]
    return Report(
        name="lines",
        machine=machine,
        tables=(
            Table(f"{options.jobs:,} jobs that print a line each, {options.slots} slots", rows),
            Table(
                "speed with lines kept, as a share of that without",
                [
                    {
                        "median": round(statistics.median(ratios), 2),
                        "lowest": round(min(ratios), 2),
                        "highest": round(max(ratios), 2),
                    }
                ],
            ),
        ),
        notes=("cpu: microseconds of processor time for each job; of the whole server, if it runs here",),
    )


def _drained(
    url: str, table: BenchTable, server: Server, options: argparse.Namespace, size: str
) -> dict[str, Any]:
    table.clear()
    settings = {"WORKER_CONCURRENCY": str(options.slots), "JOB_LOG_SIZE": size}
    with worker(url, table, crew=CREW, settings=settings) as running:
        with table.filled(options.jobs, TYPE):
            before = Cpu(*running.cpu_seconds(), server.cpu_seconds())
        await_true(lambda: table.is_drained(options.jobs))
        spent = Cpu(*running.cpu_seconds(), server.cpu_seconds()).since(before)
    completed, seconds = table.span()
    each = 1e6 / completed
    return {
        "jobsPerSecond": round(completed / seconds),
        "cpuControl": round(spent.control * each, 1),
        "cpuRunner": round(spent.runner * each, 1),
        "cpuPostgres": None if spent.server is None else round(spent.server * each, 1),
    }
