"""Milliseconds until the command line answers, and the memory of a worker before and after a drain."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

from rowcrew.bench.drain import TYPE
from rowcrew.bench.figures import spread
from rowcrew.bench.processes import BenchWorker, await_true, worker
from rowcrew.bench.report import Report, Row, Table, machine_facts
from rowcrew.bench.table import BenchTable
from rowcrew.cli.bench import tell

COMMANDS = {
    "python, nothing else": ("-c", ""),
    "rowcrew --help": ("-m", "rowcrew.cli", "--help"),
    "rowcrew healthcheck": ("-m", "rowcrew.cli", "healthcheck"),
}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--repeats", type=int, default=20, help="starts of each command")
    parser.add_argument("--jobs", type=int, default=50_000, help="jobs of the drain")


def measure(url: str, options: argparse.Namespace) -> Report:
    with BenchTable(url) as table:
        machine = machine_facts(table.settings())
        tell("starts of the command line")
        starts = _starts(options.repeats)
        tell("memory of a worker")
        memory = memory_of(url, table, options.jobs)
    return Report(
        "start",
        machine,
        (
            Table("milliseconds of a whole command, from start to exit", starts),
            Table("resident MiB of a worker of 100 slots", memory),
        ),
    )


def _starts(repeats: int) -> list[Row]:
    """Commands take turns; the first turn of each makes byte-code and does not count."""
    found: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(repeats + 1):
        for name, command in COMMANDS.items():
            found[name].append(milliseconds_of(command))
    return [{"command": name} | spread(times[1:], digits=None) for name, times in found.items()]


def milliseconds_of(command: Sequence[str], environment: Mapping[str, str] | None = None) -> float:
    """How long Python with these arguments takes, from start to exit."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *command], env=environment, capture_output=True, check=False)
    return 1000 * (time.perf_counter() - began)


def memory_of(url: str, table: BenchTable, jobs: int, settings: Mapping[str, str] = {}) -> list[Row]:
    """Resident MiB of a worker of 100 slots when it is ready, and after it has drained so many jobs."""
    table.clear()
    with worker(url, table, settings={"WORKER_CONCURRENCY": "100", **settings}) as running:
        rows = [_resident("ready", running)]
        with table.filled(jobs, TYPE):
            pass
        await_true(lambda: table.is_drained(jobs))
        rows.append(_resident(f"after {jobs:,} jobs", running))
    return rows


def _resident(moment: str, running: BenchWorker) -> Row:
    control, runner = running.memory_bytes()
    return {"moment": moment, "control": round(control / 2**20, 1), "runner": round(runner / 2**20, 1)}
