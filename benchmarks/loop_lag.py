"""Milliseconds by which an event loop is late beside a job that computes: embedded, in a thread, without.

A loop asks to be woken every 5 ms and notes how much later it is. Beside it a worker of the same process runs
jobs one after the other that hold the GIL of theirs for a third of a second at a time; for comparison the
program computes the same in a thread of its own, as queues do that run handlers inside their host.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

from benchmarks.crew import compute
from rowcrew import Worker, WorkerThread, settings
from rowcrew.bench.figures import spread
from rowcrew.bench.report import Report, Row, Table, machine_facts
from rowcrew.bench.table import BenchTable
from rowcrew.cli.bench import tell
from rowcrew.runner.event_loop import run

CREW: Final = ["benchmarks.crew:crew"]
TYPE: Final = "bench_compute"
_TURN_SECONDS: Final = 0.005


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=20, help="how long each case is watched")


def measure(url: str, options: argparse.Namespace) -> Report:
    os.environ |= {"DATABASE_URL": url, "WORKER_CONCURRENCY": "1"}
    cases: dict[str, Callable[[BenchTable, float], list[float]]] = {
        "nothing beside it": _alone,
        "an embedded worker, idle": partial(_embedded, jobs=0),
        "an embedded worker, its jobs compute": partial(_embedded, jobs=1_000),
        "a worker in a thread, its jobs compute": _in_thread,
        "a thread of the program computes": _computing,
    }
    rows: list[Row] = []
    with BenchTable(url) as table:
        machine = machine_facts(table.settings())
        for name, case in cases.items():
            tell(name)
            table.clear()
            lags = [1e3 * lag for lag in case(table, options.seconds)]
            rows.append({"beside the loop": name, **spread(lags)})
    return Report("loop_lag", machine, (Table("milliseconds an event loop wakes up late", rows),))


async def _lags(seconds: float) -> list[float]:
    """How much too late each turn of this loop came, in seconds."""
    lags = []
    end = time.monotonic() + seconds
    while (began := time.monotonic()) < end:
        await asyncio.sleep(_TURN_SECONDS)
        lags.append(time.monotonic() - began - _TURN_SECONDS)
    return lags


def _alone(_table: BenchTable, seconds: float) -> list[float]:
    return run(_lags(seconds))


def _embedded(table: BenchTable, seconds: float, *, jobs: int) -> list[float]:
    async def watched() -> list[float]:
        worker = Worker(CREW, settings.read())
        await worker.start()
        _send(table, jobs)
        try:
            return await _lags(seconds)
        finally:
            await worker.stop()

    return run(watched())


def _in_thread(table: BenchTable, seconds: float) -> list[float]:
    worker = WorkerThread(CREW, settings.read())
    worker.start()
    _send(table, 1_000)
    try:
        return run(_lags(seconds))
    finally:
        worker.stop()


def _computing(_table: BenchTable, seconds: float) -> list[float]:
    with _thread_that_computes():
        return run(_lags(seconds))


@contextmanager
def _thread_that_computes() -> Iterator[None]:
    over = threading.Event()

    def go_on() -> None:
        while not over.is_set():
            compute()

    thread = threading.Thread(target=go_on)
    thread.start()
    yield
    over.set()
    thread.join()


def _send(table: BenchTable, jobs: int) -> None:
    for _ in range(jobs):
        table.send(TYPE)
