"""Latency and processor time at a steady rate, beside what the same producers cost the server alone.

Producers are processes of their own that commit one row at a time, on a timetable; beyond 1,000 rows a
second a statement carries several, as each commit waits for the disk. In each round the same producers first
run with no worker, then with one. Latency is to the start of the handler, from the commit's acknowledgement
and from before the INSERT: a handler may start before its producer gets to read the acknowledgement.
"""

from __future__ import annotations

import argparse
import math
from typing import Any, Final, NamedTuple

from benchmarks.producer import Sent, producing
from rowcrew.bench.drain import SLOTS
from rowcrew.bench.figures import spread
from rowcrew.bench.latency import TYPE
from rowcrew.bench.processes import Cpu, Server, await_true, worker
from rowcrew.bench.report import Report, Row, Table, machine_facts
from rowcrew.bench.table import BenchTable
from rowcrew.cli.bench import tell

MOST_SINGLES: Final = 1_000
STATEMENTS_A_SECOND: Final = 500
WARM_UP: Final = 1_000


class Flow(NamedTuple):
    """What one run of producers and a worker gave; the processor time is in seconds."""

    jobs_per_second: float
    milliseconds: dict[str, list[float]]  # from two moments to the start of each handler
    spent: Cpu


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rates", type=int, nargs="+", default=[1_000, 5_000], help="jobs a second")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each run")
    parser.add_argument("--clients", type=int, default=4, help="producers that share the rate")
    parser.add_argument("--rounds", type=int, default=1)


def measure(url: str, options: argparse.Namespace) -> Report:
    latencies: list[Row] = []
    costs: list[Row] = []
    with BenchTable(url) as table:
        machine = machine_facts(table.settings())
        server = Server(table.server_pid())
        for number in range(1, options.rounds + 1):
            for rate in options.rates:
                tell(f"round {number} of {options.rounds}: {rate:,} rows a second, producers alone")
                alone = _alone(url, table, server, rate, options)
                tell(f"round {number} of {options.rounds}: {rate:,} rows a second, and a worker")
                flow = _with_worker(url, table, server, rate, options)
                key = {"round": number, "rate": rate}
                speed = {"jobsPerSecond": round(flow.jobs_per_second)}
                latencies.extend(
                    {**key, **speed, "from": moment, **spread(found)}
                    for moment, found in flow.milliseconds.items()
                )
                costs.append(
                    {**key, **speed, **_costs(flow.spent, rows=int(rate * options.seconds), alone=alone)}
                )
    return Report(
        "steady",
        machine,
        (
            Table(f"milliseconds to the handler, {options.seconds:g} s at each rate", latencies),
            Table("microseconds of processor time for each job", costs),
        ),
        (
            f"{options.clients} producers; rows of one statement: "
            + ", ".join(f"{_rows_each(rate)} at {rate:,} a second" for rate in options.rates),
            "postgresProducers: the whole server while the same producers ran with no worker",
        ),
    )


def _rows_each(rate: int) -> int:
    return 1 if rate <= MOST_SINGLES else math.ceil(rate / STATEMENTS_A_SECOND)


def _alone(
    url: str, table: BenchTable, server: Server, rate: int, options: argparse.Namespace
) -> float | None:
    """Seconds of the server's processor time for each row, if it can be known."""
    table.clear()
    rows = int(rate * options.seconds)
    with producing(url, **_producers(rate, rows, options)) as go:
        before = server.cpu_seconds()
        go()
        after = server.cpu_seconds()
    return None if before is None or after is None else (after - before) / rows


def _with_worker(url: str, table: BenchTable, server: Server, rate: int, options: argparse.Namespace) -> Flow:
    table.clear()
    rows = int(rate * options.seconds)
    with (
        worker(url, table, settings={"WORKER_CONCURRENCY": str(SLOTS)}) as running,
        producing(url, **_producers(rate, rows, options)) as go,
    ):
        with table.filled(WARM_UP, TYPE):
            pass
        await_true(lambda: table.is_drained(WARM_UP))
        first = table.newest().id
        before = Cpu(*running.cpu_seconds(), server.cpu_seconds())
        sent = go()
        await_true(lambda: table.is_drained(rows, after=first))
        spent = Cpu(*running.cpu_seconds(), server.cpu_seconds()).since(before)
    return Flow(rows / _seconds(sent), _milliseconds(table, first, sent), spent)


def _producers(rate: int, rows: int, options: argparse.Namespace) -> dict[str, Any]:
    return {
        "clients": options.clients,
        "rows": rows,
        "type": TYPE,
        "rows_each": _rows_each(rate),
        "rate": rate,
    }


def _seconds(sent: list[Sent]) -> float:
    return max(each.committed for each in sent) - min(each.began for each in sent)


def _milliseconds(table: BenchTable, first: int, sent: list[Sent]) -> dict[str, list[float]]:
    statements = {number: each for each in sent for number in range(each.first, each.first + each.rows)}
    runs = [(statements[number], handled) for _, number, _, handled in table.handled(after=first)]
    return {
        "commit": [1000 * (handled - statement.committed) for statement, handled in runs],
        "before the INSERT": [1000 * (handled - statement.began) for statement, handled in runs],
    }


def _costs(spent: Cpu, *, rows: int, alone: float | None) -> Row:
    control, runner, server = spent
    return {
        "control": round(1e6 * control / rows, 1),
        "runner": round(1e6 * runner / rows, 1),
        "worker": round(1e6 * (control + runner) / rows, 1),
        "postgres": None if server is None else round(1e6 * server / rows, 1),
        "postgresProducers": None if alone is None else round(1e6 * alone, 1),
    }
