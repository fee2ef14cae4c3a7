"""Milliseconds from the start of an ephemeral worker's process to each step of its session, and to its exit.

One job waits when the worker starts, with a crew of nothing and with all bundled families. The worker leaves
after this job. The second table is how long an idle worker takes to exit after SIGTERM. Steps are the time
stamps of the worker's own log; the server runs on the same host.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from rowcrew.bench.drain import TYPE
from rowcrew.bench.figures import spread
from rowcrew.bench.processes import CREW, DEFAULTS, PROGRAM, worker
from rowcrew.bench.report import Report, Row, Table, machine_facts
from rowcrew.bench.table import BenchTable
from rowcrew.cli.bench import tell
from rowcrew.settings import environment_with

CREWS: Final = {"one type": (CREW,), "all bundled types": ("rowcrew.bundled:crew", CREW)}
STEPS: Final = {
    "database.connected": "first query answered",
    "worker.ready": "ready",
    "job.reserved": "job reserved",
    "job.completed": "job completed",
}
EXIT: Final = "exit"
SESSION: Final = {"LOG_FORMAT": "json", "WORKER_EPHEMERAL": "true", "WORKER_MAX_JOBS": "1"}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--repeats", type=int, default=20, help="sessions of each crew")


def measure(url: str, options: argparse.Namespace) -> Report:
    with BenchTable(url) as table:
        machine = machine_facts(table.settings())
        rows: list[Row] = []
        for name, crew in CREWS.items():
            tell(f"sessions with {name}")
            rows += _sessions(url, table, name, crew, options.repeats)
        tell("exits of an idle worker")
        exits = [_exit_milliseconds(url, table) for _ in range(options.repeats)]
    return Report(
        "session",
        machine,
        (
            Table("milliseconds from the start of the process", rows),
            Table("milliseconds from SIGTERM to the exit of an idle worker", [spread(exits, digits=None)]),
        ),
    )


def _sessions(url: str, table: BenchTable, name: str, crew: Sequence[str], repeats: int) -> list[Row]:
    """The first session makes byte-code and does not count."""
    steps = [_session(url, table, crew) for _ in range(repeats + 1)][1:]
    return [
        {"crew": name, "until": step} | spread([one[step] for one in steps], digits=None)
        for step in (*STEPS.values(), EXIT)
    ]


def _session(url: str, table: BenchTable, crew: Sequence[str]) -> Mapping[str, float]:
    table.clear()
    table.send(TYPE)
    began = time.time()
    ended = subprocess.run(
        [sys.executable, *PROGRAM, "worker", *crew],
        env=environment_with(**{**DEFAULTS, "DATABASE_URL": url, **SESSION}),
        stdout=subprocess.PIPE,
        check=True,
    )
    found = {EXIT: 1000 * (time.time() - began)}
    for line in ended.stdout.splitlines():
        said = msgspec.json.decode(line)
        if (step := STEPS.get(said["event"])) is not None:
            at = datetime.fromisoformat(said["timestamp"]).timestamp()
            found.setdefault(step, 1000 * (at - began))
    return found


def _exit_milliseconds(url: str, table: BenchTable) -> float:
    table.clear()
    with worker(url, table, settings={}) as running:
        asked = time.perf_counter()
        running.process.send_signal(signal.SIGTERM)
        running.process.wait()
        return 1000 * (time.perf_counter() - asked)
