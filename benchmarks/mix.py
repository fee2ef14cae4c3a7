"""Handlers that take 1, 10 and 100 ms: jobs per second as a share of what their slots can do at most.

They sleep: in the runner's event loop, in its threads, and each in a process of its own. With S slots and
jobs of so many seconds no worker can do more than S / seconds; what lacks is what passes between two jobs of
one slot. A sleep takes a little longer than asked for: the share that bare sleeps reach, as many at once and
with no worker, stands beside.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

from benchmarks.crew import sleep, sleep_in_thread
from benchmarks.workers import CREW, SLEEPS
from rowcrew.bench.processes import await_true, worker
from rowcrew.bench.report import Report, Row, Table, machine_facts
from rowcrew.bench.table import BenchTable
from rowcrew.cli.bench import tell
from rowcrew.runner import event_loop

TYPES: Final = {"async": "bench_sleep", "thread": "bench_sleep_thread", "process": "bench_sleep_process"}


class Case(NamedTuple):
    """So many slots, and jobs of so many milliseconds each."""

    slots: int
    executor: str
    milliseconds: float

    @property
    def at_most(self) -> float:
        """Jobs per second."""
        return 1000 * self.slots / self.milliseconds

    def describe(self) -> str:
        return f"{self.executor}, {self.milliseconds:g} ms, slots: {self.slots}"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--slots", type=int, nargs="+", default=[10])
    parser.add_argument("--executors", choices=TYPES, nargs="+", default=list(TYPES))
    parser.add_argument("--milliseconds", type=float, nargs="+", default=[1, 10, 100], help="of one job")
    parser.add_argument("--seconds", type=float, default=5.0, help="that the jobs of one run take at least")
    parser.add_argument("--rounds", type=int, default=3)


def measure(url: str, options: argparse.Namespace) -> Report:
    cases = [
        Case(slots, executor, milliseconds)
        for milliseconds in options.milliseconds
        for executor in options.executors
        for slots in options.slots
    ]
    speeds: dict[Case, list[float]] = {case: [] for case in cases}
    bare: dict[Case, list[float]] = {case: [] for case in cases}
    with BenchTable(url) as table:
        machine = machine_facts(table.settings())
        for number in range(1, options.rounds + 1):
            for case in cases:
                tell(f"round {number} of {options.rounds}: {case.describe()}")
                speeds[case].append(_speed(url, table, case, options.seconds))
                bare[case].append(_bare_speed(case))
    rows = [_row(case, speeds[case], bare[case]) for case in cases]
    return Report("mix", machine, (Table(f"handlers that sleep, median of {options.rounds} rounds", rows),))


def _speed(url: str, table: BenchTable, case: Case, seconds: float) -> float:
    """Jobs per second over these seconds or more, after a job for each slot: processes start with theirs."""
    table.clear()
    jobs = max(case.slots, round(seconds * case.at_most))
    sleeps = {"type": TYPES[case.executor], "seconds": case.milliseconds / 1000}
    with worker(url, table, crew=CREW, settings={"WORKER_CONCURRENCY": str(case.slots)}):
        table.connection.execute(SLEEPS, {**sleeps, "jobs": case.slots})
        await_true(lambda: table.is_drained(case.slots))
        first = table.newest().id
        table.connection.execute(SLEEPS, {**sleeps, "jobs": jobs})
        await_true(lambda: table.is_drained(jobs, after=first))
    completed, taken = table.span(after=first)
    return completed / taken


def _bare_speed(case: Case) -> float:
    """Sleeps per second with no worker, for about a second."""
    seconds = case.milliseconds / 1000
    each = max(1, round(1 / seconds))

    async def sleep_in_turn() -> None:
        for _ in range(each):
            await sleep(seconds)

    async def sleep_at_once() -> None:
        await asyncio.gather(*[sleep_in_turn() for _ in range(case.slots)])

    began = time.perf_counter()
    if case.executor == "async":
        event_loop.run(sleep_at_once())
    else:
        with ThreadPoolExecutor(case.slots) as threads:
            for _ in range(case.slots):
                threads.submit(lambda: [sleep_in_thread(seconds) for _ in range(each)])
    return case.slots * each / (time.perf_counter() - began)


def _row(case: Case, found: list[float], bare: list[float]) -> Row:
    return {
        "executor": case.executor,
        "milliseconds": case.milliseconds,
        "slots": case.slots,
        "jobsPerSecond": round(statistics.median(found), 1),
        "atMost": round(case.at_most),
        "share": round(statistics.median(found) / case.at_most, 2),
        "bareShare": round(statistics.median(bare) / case.at_most, 2),
        "rounds": ", ".join(f"{speed / case.at_most:.2f}" for speed in found),
    }
