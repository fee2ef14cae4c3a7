"""More workers and larger batches: what each adds, and how workers share one queue.

As many workers run at once as `--sharers` says, on jobs that do nothing; each number is compared with the
first of its round, so with one worker. Rounds take turns. Their shares of the jobs are counted in a run of
its own, as the handler that tells its process has a result to store.
"""

from __future__ import annotations

import argparse
import statistics
from contextlib import ExitStack

from rowcrew.bench.drain import TYPE
from rowcrew.bench.processes import await_true, worker
from rowcrew.bench.report import Report, Row, Table, machine_facts
from rowcrew.bench.table import BenchTable
from rowcrew.cli.bench import tell

CREW = "benchmarks.crew:crew"
SLEEPS = """
INSERT INTO jobs (type, payload)
SELECT %(type)s, jsonb_build_object('seconds', %(seconds)s::float8) FROM generate_series(1, %(jobs)s)
"""
SHARES = "SELECT count(*) FROM jobs GROUP BY result ORDER BY 1 DESC"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--sleeps", type=int, default=12, help="sleeping jobs for 1 and 3 workers of one slot"
    )
    parser.add_argument("--seconds", type=float, default=1.0, help="how long each of them sleeps")
    parser.add_argument("--jobs", type=int, default=10_000, help="jobs of each drain of one worker")
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[1, 10, 100, 500])
    parser.add_argument("--sharers", type=int, nargs="+", default=[1, 2, 4, 8], help="workers on one queue")
    parser.add_argument("--shared-jobs", type=int, default=50_000, help="jobs of each drain that they share")
    parser.add_argument("--rounds", type=int, default=3)


def measure(url: str, options: argparse.Namespace) -> Report:
    with BenchTable(url) as table:
        machine = machine_facts(table.settings())
        return Report(
            "workers",
            machine,
            (
                Table(
                    f"{options.sleeps} jobs that sleep {options.seconds:g} s, one slot a worker",
                    _sleepers(url, table, options),
                ),
                Table(f"{options.jobs:,} jobs that do nothing, by batch size", _batches(url, table, options)),
                Table(
                    f"{options.shared_jobs:,} jobs that do nothing, workers of 100 slots on one queue",
                    _sharers(url, table, options),
                ),
                Table(
                    f"{options.shared_jobs:,} jobs, the share of each worker", _shares(url, table, options)
                ),
            ),
        )


def _sleepers(url: str, table: BenchTable, options: argparse.Namespace) -> list[Row]:
    rows: list[Row] = []
    for workers in (1, 3):
        tell(f"sleeping jobs, workers: {workers}")
        table.clear()
        with ExitStack() as running:
            for _ in range(workers):
                running.enter_context(worker(url, table, crew=CREW, settings={"WORKER_CONCURRENCY": "1"}))
            table.connection.execute(
                SLEEPS, {"type": "bench_sleep", "seconds": options.seconds, "jobs": options.sleeps}
            )
            await_true(lambda: table.is_drained(options.sleeps))
        seconds = table.span()[1]
        first = rows[0]["seconds"] if rows else seconds
        rows.append(
            {"workers": workers, "seconds": round(seconds, 2), "timesFaster": round(first / seconds, 2)}
        )
    return rows


def _batches(url: str, table: BenchTable, options: argparse.Namespace) -> list[Row]:
    """Batch sizes take turns, round by round."""
    speeds: dict[int, list[float]] = {batch: [] for batch in options.batch_sizes}
    for number in range(1, options.rounds + 1):
        for batch, found in speeds.items():
            tell(f"round {number} of {options.rounds}: batches of {batch}")
            found.append(_drain(url, table, options.jobs, {"JOB_BATCH_SIZE": str(batch)}, workers=1))
    return _times_first("batchSize", speeds)


def _sharers(url: str, table: BenchTable, options: argparse.Namespace) -> list[Row]:
    speeds: dict[int, list[float]] = {workers: [] for workers in options.sharers}
    for number in range(1, options.rounds + 1):
        for workers, found in speeds.items():
            tell(f"round {number} of {options.rounds}: one queue, workers: {workers}")
            found.append(_drain(url, table, options.shared_jobs, {}, workers=workers))
    return _times_first("workers", speeds)


def _shares(url: str, table: BenchTable, options: argparse.Namespace) -> list[Row]:
    rows: list[Row] = []
    for workers in options.sharers:
        tell(f"shares of one queue, workers: {workers}")
        _drain(url, table, options.shared_jobs, {}, workers=workers, type="bench_where")
        counts = [count for (count,) in table.connection.execute(SHARES).fetchall()]
        shares = ", ".join(f"{count / options.shared_jobs:.0%}" for count in counts)
        rows.append({"workers": workers, "shares": shares})
    return rows


def _times_first(column: str, speeds: dict[int, list[float]]) -> list[Row]:
    first = next(iter(speeds.values()))
    return [
        {
            column: number,
            "jobsPerSecond": round(statistics.median(found)),
            "timesFirst": round(statistics.median([a / b for a, b in zip(found, first, strict=True)]), 2),
            "rounds": ", ".join(f"{speed:,.0f}" for speed in found),
        }
        for number, found in speeds.items()
    ]


def _drain(
    url: str, table: BenchTable, jobs: int, settings: dict[str, str], *, workers: int, type: str = TYPE
) -> float:
    """Drain so many jobs with so many workers; jobs per second."""
    table.clear()
    with ExitStack() as running:
        for _ in range(workers):
            running.enter_context(
                worker(url, table, crew=CREW, settings={"WORKER_CONCURRENCY": "100", **settings})
            )
        with table.filled(jobs, type):
            pass
        await_true(lambda: table.is_drained(jobs))
    completed, seconds = table.span()
    return completed / seconds
