"""How fast one worker drains a table of jobs that do nothing, beside the same transitions with no worker.

Both take turns on the same server, so that a machine which changes its speed changes both. The ratio of a
round is the figure to trust; jobs per second belong to this machine and this minute.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any, Final

import psutil

from rowcrew.bench.limit import Limit
from rowcrew.bench.processes import Cpu, Server, await_true, own_seconds, worker
from rowcrew.bench.report import Report, Row, Table, machine_facts
from rowcrew.model.appetite import LARGEST_BATCH
from rowcrew.table.scratch import BenchTable

TYPE: Final = "bench_noop"
SLOTS: Final = 100


def measure(
    url: str,
    *,
    jobs: int = 50_000,
    rounds: int = 3,
    batch: int | None = None,
    slots: int = SLOTS,
    tell: Callable[[str], None] = lambda line: None,
) -> Report:
    """Drain `jobs` in each of `rounds`, once with a worker and once without.

    Args:
        url: a scratch schema; its jobs are deleted.
        batch: most rows of one reservation; None: the worker chooses, the other side takes the largest.
        slots: jobs that the worker runs at once.
        tell: hears of progress.
    """
    with BenchTable(url) as table:
        machine = machine_facts(table.server_facts())
        server = Server(table.server_pid())
        rows: list[Row] = []
        for number in range(1, rounds + 1):
            tell(f"round {number} of {rounds}: one worker")
            rows.append({"round": number, **_with_worker(url, table, server, jobs, batch, slots)})
            tell(f"round {number} of {rounds}: the same transitions with no worker")
            rows.append(
                {"round": number, **_without_worker(url, table, server, jobs, batch or LARGEST_BATCH)}
            )
    ratios = [with_worker["jobsPerSecond"] / limit["jobsPerSecond"] for with_worker, limit in _pairs(rows)]
    return Report(
        name="drain",
        machine=machine,
        tables=(
            Table(f"{jobs:,} jobs that do nothing, {slots} slots, batch {batch or 'adaptive'}", rows),
            Table("one worker, as a share of the same transitions with no worker", [_shares(ratios)]),
        ),
        notes=(
            "cpu: microseconds of processor time for each job; of the whole server, if it runs on this host",
            "the worker writes its job lines to /dev/null",
        ),
    )


def _with_worker(
    url: str, table: BenchTable, server: Server, jobs: int, batch: int | None, slots: int
) -> Row:
    table.clear()
    settings = {"WORKER_CONCURRENCY": str(slots)} | ({} if batch is None else {"JOB_BATCH_SIZE": str(batch)})
    with worker(url, table, settings=settings) as running:
        with table.filled(jobs, TYPE):
            before = Cpu(*running.cpu_seconds(), server.cpu_seconds())
        await_true(lambda: table.is_drained(jobs))
        spent = Cpu(*running.cpu_seconds(), server.cpu_seconds()).since(before)
    return _row("one worker", table, spent)


def _without_worker(url: str, table: BenchTable, server: Server, jobs: int, batch: int) -> Row:
    table.clear()
    this_process = psutil.Process()
    with Limit(url, type=TYPE, batch=batch) as limit:
        with table.filled(jobs, TYPE):
            before = Cpu(own_seconds(this_process), 0.0, server.cpu_seconds())
        limit.drain()
        spent = Cpu(own_seconds(this_process), 0.0, server.cpu_seconds()).since(before)
    return _row("no worker", table, spent)


def _row(what: str, table: BenchTable, spent: Cpu) -> dict[str, Any]:
    completed, seconds = table.span()
    each = 1e6 / completed
    return {
        "what": what,
        "completed": completed,
        "jobsPerSecond": round(completed / seconds),
        "cpuControl": round(spent.control * each, 1),
        "cpuRunner": round(spent.runner * each, 1),
        "cpuPostgres": None if spent.server is None else round(spent.server * each, 1),
    }


def _pairs(rows: list[Row]) -> list[tuple[Row, Row]]:
    return list(zip(rows[::2], rows[1::2], strict=True))


def _shares(ratios: list[float]) -> Row:
    return {
        "median": round(statistics.median(ratios), 2),
        "lowest": round(min(ratios), 2),
        "highest": round(max(ratios), 2),
        "rounds": ", ".join(f"{ratio:.2f}" for ratio in ratios),
    }
