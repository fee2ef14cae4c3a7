"""More workers and larger batches: what each adds, and how two workers share one queue."""

from __future__ import annotations

import argparse
import statistics
from contextlib import ExitStack

from rowcrew.bench.drain import TYPE
from rowcrew.bench.processes import await_true, worker
from rowcrew.bench.report import Report, Row, Table, machine_facts
from rowcrew.cli.bench import tell
from rowcrew.table.scratch import BenchTable

CREW = "bench.crew:crew"
SLEEPS = """
INSERT INTO jobs (type, payload)
SELECT 'bench_sleep', jsonb_build_object('seconds', %(seconds)s::float8) FROM generate_series(1, %(jobs)s)
"""
SHARES = "SELECT count(*) FROM jobs GROUP BY result ORDER BY 1 DESC"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--sleeps", type=int, default=12, help="sleeping jobs for 1 and 3 workers of one slot"
    )
    parser.add_argument("--seconds", type=float, default=1.0, help="how long each of them sleeps")
    parser.add_argument("--jobs", type=int, default=10_000, help="jobs of each drain")
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[1, 10, 100, 500])
    parser.add_argument("--sharers", type=int, nargs="+", default=[1, 2, 4], help="workers on one queue")
    parser.add_argument("--rounds", type=int, default=3)


def measure(url: str, options: argparse.Namespace) -> Report:
    with BenchTable(url) as table:
        machine = machine_facts(table.server_facts())
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
                    f"{options.jobs:,} jobs, workers of 100 slots on one queue", _sharers(url, table, options)
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
            table.connection.execute(SLEEPS, {"seconds": options.seconds, "jobs": options.sleeps})
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
    first = speeds[options.batch_sizes[0]]
    return [
        {
            "batchSize": batch,
            "jobsPerSecond": round(statistics.median(found)),
            "timesFirst": round(statistics.median([a / b for a, b in zip(found, first, strict=True)]), 2),
        }
        for batch, found in speeds.items()
    ]


def _sharers(url: str, table: BenchTable, options: argparse.Namespace) -> list[Row]:
    rows: list[Row] = []
    for workers in options.sharers:
        tell(f"one queue, workers: {workers}")
        speed = _drain(url, table, options.jobs, {}, workers=workers, type="bench_where")
        counts = [count for (count,) in table.connection.execute(SHARES).fetchall()]
        first = rows[0]["jobsPerSecond"] if rows else speed
        rows.append(
            {
                "workers": workers,
                "jobsPerSecond": round(speed),
                "timesFirst": round(speed / first, 2),
                "shares": ", ".join(f"{count / options.jobs:.0%}" for count in counts),
            }
        )
    return rows


def _drain(
    url: str, table: BenchTable, jobs: int, settings: dict[str, str], *, workers: int, type: str = TYPE
) -> float:
    """Jobs per second."""
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
