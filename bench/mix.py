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
from typing import Final

from bench.crew import sleep, sleep_in_thread
from bench.workers import CREW, SLEEPS
from rowcrew.bench.processes import await_true, worker
from rowcrew.bench.report import Report, Row, Table, machine_facts
from rowcrew.cli.bench import tell
from rowcrew.runner import event_loop
from rowcrew.table.scratch import BenchTable

TYPES: Final = {"async": "bench_sleep", "thread": "bench_sleep_thread", "process": "bench_sleep_process"}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--slots", type=int, default=10)
    parser.add_argument("--milliseconds", type=float, nargs="+", default=[1, 10, 100], help="of one job")
    parser.add_argument("--seconds", type=float, default=5.0, help="that the jobs of one run take at least")
    parser.add_argument("--rounds", type=int, default=3)


def measure(url: str, options: argparse.Namespace) -> Report:
    speeds: dict[tuple[str, float], list[float]] = {
        (executor, milliseconds): [] for milliseconds in options.milliseconds for executor in TYPES
    }
    bare: dict[tuple[str, float], list[float]] = {key: [] for key in speeds}
    with BenchTable(url) as table:
        machine = machine_facts(table.server_facts())
        for number in range(1, options.rounds + 1):
            for (executor, milliseconds), found in speeds.items():
                tell(f"round {number} of {options.rounds}: {executor}, {milliseconds:g} ms")
                seconds = milliseconds / 1000
                found.append(_speed(url, table, TYPES[executor], seconds, options))
                bare[executor, milliseconds].append(_bare_speed(executor, seconds, options.slots))
    rows = [_row(*key, found, bare[key], options.slots) for key, found in speeds.items()]
    title = f"handlers that sleep, {options.slots} slots, median of {options.rounds} rounds"
    return Report("mix", machine, (Table(title, rows),))


def _speed(url: str, table: BenchTable, type: str, seconds: float, options: argparse.Namespace) -> float:
    """Jobs per second, after a job for each slot: processes start with their first."""
    table.clear()
    jobs = max(options.slots, round(options.slots * options.seconds / seconds))
    settings = {"WORKER_CONCURRENCY": str(options.slots)}
    with worker(url, table, crew=CREW, settings=settings):
        table.connection.execute(SLEEPS, {"type": type, "seconds": seconds, "jobs": options.slots})
        await_true(lambda: table.is_drained(options.slots))
        first = table.newest()
        table.connection.execute(SLEEPS, {"type": type, "seconds": seconds, "jobs": jobs})
        await_true(lambda: table.is_drained(jobs, after=first))
    completed, taken = table.span(after=first)
    return completed / taken


def _bare_speed(executor: str, seconds: float, slots: int) -> float:
    """Sleeps per second with no worker, for about a second."""
    each = max(1, round(1 / seconds))

    async def sleep_in_turn() -> None:
        for _ in range(each):
            await sleep(seconds)

    async def sleep_at_once() -> None:
        await asyncio.gather(*[sleep_in_turn() for _ in range(slots)])

    began = time.perf_counter()
    if executor == "async":
        event_loop.run(sleep_at_once())
    else:
        with ThreadPoolExecutor(slots) as threads:
            for _ in range(slots):
                threads.submit(lambda: [sleep_in_thread(seconds) for _ in range(each)])
    return slots * each / (time.perf_counter() - began)


def _row(executor: str, milliseconds: float, found: list[float], bare: list[float], slots: int) -> Row:
    most = 1000 * slots / milliseconds
    return {
        "executor": executor,
        "milliseconds": milliseconds,
        "jobsPerSecond": round(statistics.median(found), 1),
        "atMost": round(most),
        "share": round(statistics.median(found) / most, 2),
        "bareShare": round(statistics.median(bare) / most, 2),
        "rounds": ", ".join(f"{speed / most:.2f}" for speed in found),
    }
