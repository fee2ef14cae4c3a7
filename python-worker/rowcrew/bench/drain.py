"""How fast one worker drains a table of jobs that do nothing, beside the same transitions with no worker.

Both take turns on the same server, so that a machine which changes its speed changes both. The ratio of a
round is the figure to trust; jobs per second belong to this machine and this minute.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

import psutil

from rowcrew.bench.limit import Limit
from rowcrew.bench.processes import PROGRAM, Cpu, Server, await_true, own_seconds, worker
from rowcrew.bench.report import Report, Row, Table, machine_facts
from rowcrew.bench.table import BenchTable
from rowcrew.model.appetite import LARGEST_BATCH

TYPE: Final = "bench_noop"
SLOTS: Final = 100


def measure(
    url: str,
    *,
    jobs: int = 50_000,
    rounds: int = 3,
    batch: int | None = None,
    slots: int = SLOTS,
    programs: Mapping[str, Sequence[str]] = {"one worker": PROGRAM},
    tell: Callable[[str], None] = lambda line: None,
) -> Report:
    """Drain `jobs` in each of `rounds`, once with each worker and once without.

    Args:
        url: a scratch schema; its jobs are deleted.
        batch: most rows of one reservation; None: the worker chooses, the other side takes the largest.
        slots: jobs that the worker runs at once.
        programs: workers by what they are called in the table, as arguments of Python.
        tell: hears of progress.
    """
    with BenchTable(url) as table:
        machine = machine_facts(table.settings())
        server = Server(table.server_pid())
        sides: dict[str, Callable[[], Row]] = {
            what: partial(_with_worker, url, table, server, jobs, batch, slots, program)
            for what, program in programs.items()
        }
        sides["no worker"] = partial(_without_worker, url, table, server, jobs, batch or LARGEST_BATCH)
        rows: list[Row] = []
        for number in range(1, rounds + 1):
            for what, drain in sides.items():
                tell(f"round {number} of {rounds}: {what}")
                rows.append({"round": number, "what": what, **drain()})
    return Report(
        name="drain",
        machine=machine,
        tables=(
            Table(f"{jobs:,} jobs that do nothing, {slots} slots, batch {batch or 'adaptive'}", rows),
            Table(
                "one worker, as a share of the same transitions with no worker",
                [{"what": what, **_shares(rows, what)} for what in programs],
            ),
        ),
        notes=(
            "cpu: microseconds of processor time for each job; of the whole server, if it runs on this host",
            "the worker writes its job lines to /dev/null",
        ),
    )


def _with_worker(
    url: str,
    table: BenchTable,
    server: Server,
    jobs: int,
    batch: int | None,
    slots: int,
    program: Sequence[str],
) -> Row:
    table.clear()
    settings = {"WORKER_CONCURRENCY": str(slots)} | ({} if batch is None else {"JOB_BATCH_SIZE": str(batch)})
    with worker(url, table, settings=settings, program=program) as running:
        with table.filled(jobs, TYPE):
            before = Cpu(*running.cpu_seconds(), server.cpu_seconds())
        await_true(lambda: table.is_drained(jobs))
        spent = Cpu(*running.cpu_seconds(), server.cpu_seconds()).since(before)
    return _row(table, spent)


def _without_worker(url: str, table: BenchTable, server: Server, jobs: int, batch: int) -> Row:
    table.clear()
    this_process = psutil.Process()
    with Limit(url, type=TYPE, batch=batch) as limit:
        with table.filled(jobs, TYPE):
            before = Cpu(own_seconds(this_process), 0.0, server.cpu_seconds())
        limit.drain()
        spent = Cpu(own_seconds(this_process), 0.0, server.cpu_seconds()).since(before)
    return _row(table, spent)


def _row(table: BenchTable, spent: Cpu) -> Row:
    completed, seconds = table.span()
    each = 1e6 / completed
    return {
        "completed": completed,
        "jobsPerSecond": round(completed / seconds),
        "cpuControl": round(spent.control * each, 1),
        "cpuRunner": round(spent.runner * each, 1),
        "cpuPostgres": None if spent.server is None else round(spent.server * each, 1),
    }


def _shares(rows: list[Row], what: str) -> Row:
    limits = _speeds(rows, "no worker")
    ratios = [speed / limit for speed, limit in zip(_speeds(rows, what), limits, strict=True)]
    return {
        "median": round(statistics.median(ratios), 2),
        "lowest": round(min(ratios), 2),
        "highest": round(max(ratios), 2),
        "rounds": ", ".join(f"{ratio:.2f}" for ratio in ratios),
    }


def _speeds(rows: list[Row], what: str) -> list[float]:
    return [row["jobsPerSecond"] for row in rows if row["what"] == what]
