"""Paths, pages and slides a second of the bundled types, simulations side by side, and cancels.

On a machine that does other things, measure one part at a time: `--only processes`.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from rowcrew.bench.figures import spread
from rowcrew.bench.processes import await_true, worker
from rowcrew.bench.report import Report, Row, Table, machine_facts
from rowcrew.bench.table import BenchTable
from rowcrew.bundled import crew
from rowcrew.bundled.files.blobs import put_blob
from rowcrew.bundled.monte_carlo.european_option import CHUNK_PATHS
from rowcrew.cli.bench import tell
from rowcrew.model.errors import RowcrewError
from rowcrew.testing import run_handler

CREW: Final = "rowcrew.bundled:crew"
CHUNKS_CREW: Final = "benchmarks.chunks:crew"
PARTS: Final = ("simulations", "threads", "processes", "exports", "cancels")
OPTION: Final[dict[str, Any]] = {
    "model": "european_option",
    "spot": 100.0,
    "strike": 105.0,
    "rate": 0.03,
    "volatility": 0.2,
    "maturityYears": 1.0,
}
MODEL: Final[dict[str, Any]] = {
    "modelId": "bench",
    "startMonth": "2027-01",
    "months": 36,
    "openingCash": 600_000,
    "revenue": [{"name": "Pro", "startCustomers": 500, "newCustomers": 40, "churnRate": 0.03, "arpa": 100}],
    "cogsPct": 0.2,
    "cacPerNewCustomer": 400,
    "opex": [{"name": "Rent and tools", "monthly": 60_000}],
    "scenarios": {
        "base": [],
        "downside": [{"path": "revenue.0.churnRate", "op": "multiply", "value": 1.5}],
        "upside": [{"path": "revenue.0.newCustomers", "op": "multiply", "value": 1.5}],
    },
}
# A simulation at its limits.
PORTFOLIO: Final[dict[str, Any]] = {
    "model": "portfolio_var",
    "positions": [{"name": f"Position {n}", "value": 1_000, "volatility": 0.2} for n in range(100)],
    "paths": 10_000_000,
}
INSERT: Final = "INSERT INTO jobs (type, payload) VALUES (%s, %s) RETURNING id"
CANCEL: Final = "UPDATE jobs SET status = 'cancelled' WHERE id = %s AND status = 'processing'"
PROGRESS: Final = "SELECT 1 FROM jobs WHERE id = %s AND progress IS NOT NULL"
LET_GO: Final = 'SELECT 1 FROM jobs WHERE id = %s AND "workerId" IS NULL'
_LOOK_SECONDS: Final = 0.005
_PATIENCE_SECONDS: Final = 60.0


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="parts to measure")
    parser.add_argument(
        "--paths", type=int, default=5_000_000, help="of each simulation; even, up to 5 million"
    )
    parser.add_argument("--table-rows", type=int, default=500, help="of the long table that is exported")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cancels", type=int, default=5, help="of each type")
    parser.add_argument("--import-rows", type=int, default=1_000_000, help="of the import that is cancelled")


def measure(url: str, options: argparse.Namespace) -> Report:
    with BenchTable(url) as table:
        machine = machine_facts(table.settings())
        tables = tuple(_part(name, url, table, options) for name in PARTS if name in options.only)
    note = "one array: the same estimator in five lines of numpy, all paths in memory at once"
    return Report("jobs", machine, tables, (note,) if "simulations" in options.only else ())


def _part(name: str, url: str, table: BenchTable, options: argparse.Namespace) -> Table:
    paths, rounds = options.paths, options.rounds
    match name:
        case "simulations":
            title = f"monte_carlo, {paths:,} paths, {rounds} rounds in turns"
            return Table(title, _simulations(paths, rounds))
        case "threads":
            title = f"two monte_carlo of {10 * paths:,} paths in one runner's threads"
            return Table(title, _side_by_side(url, table, _threads(10 * paths), rounds))
        case "processes":
            title = f"the chunks of {10 * paths:,} paths in two jobs, each slot a process"
            return Table(title, _side_by_side(url, table, _processes(10 * paths), rounds))
        case "exports":
            return Table(f"exports, median of {rounds} rounds", _exports(url, options.table_rows, rounds))
        case _:
            title = "milliseconds from the UPDATE that cancels a running job to its run's end"
            return Table(title, _cancels(url, table, options))


def _simulations(paths: int, rounds: int) -> list[Row]:
    """The handler and the straightforward way take turns."""
    ways: dict[str, Callable[[], object]] = {
        "one array": lambda: one_array(paths),
        "handler": lambda: run_handler(crew, "monte_carlo", OPTION | {"paths": paths}).result,
    }
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(rounds + 1):
        tell(f"simulations, round {number}")
        for way, simulate in ways.items():
            seconds[way].append(_seconds(simulate))
    # The first round imports what it needs.
    return [
        {
            "way": way,
            "pathsPerSecond": round(paths / statistics.median(taken[1:])),
            "timesOneArray": _ratio(seconds["one array"][1:], taken[1:]),
            "seconds": " ".join(f"{each:.2f}" for each in taken[1:]),
        }
        for way, taken in seconds.items()
    ]


def one_array(paths: int) -> tuple[float, float]:
    """Price and standard error of the option, with antithetic paths, as one would write it first."""
    rate, volatility, years = OPTION["rate"], OPTION["volatility"], OPTION["maturityYears"]
    normals = np.random.default_rng(0).standard_normal(paths // 2)
    spread = volatility * math.sqrt(years) * np.concatenate((normals, -normals))
    prices = OPTION["spot"] * np.exp((rate - volatility**2 / 2) * years + spread)
    payoffs = math.exp(-rate * years) * np.maximum(prices - OPTION["strike"], 0.0)
    pairs = (payoffs[: paths // 2] + payoffs[paths // 2 :]) / 2
    return float(pairs.mean()), float(pairs.std(ddof=1) / math.sqrt(len(pairs)))


class Pair(NamedTuple):
    """Two jobs to run one after the other and at once, and one that makes each runner import numpy."""

    crew: str
    type: str
    jobs: tuple[dict[str, Any], dict[str, Any]]
    warm_up: dict[str, Any]


def _threads(paths: int) -> Pair:
    """Two simulations; their slots are threads of one runner."""
    first, second = (OPTION | {"paths": paths, "seed": seed} for seed in (1, 2))
    return Pair(CREW, "monte_carlo", (first, second), OPTION | {"paths": 100})


def _processes(paths: int) -> Pair:
    """The two halves of a simulation's chunks; each slot is a process."""
    option = OPTION | {"paths": paths}
    chunks = math.ceil(paths / CHUNK_PATHS)

    def half(first: int, last: int) -> dict[str, Any]:
        return {"option": option, "first": first, "last": last}

    halves = half(0, chunks // 2 or 1), half(chunks // 2, chunks)
    return Pair(CHUNKS_CREW, "bench_chunks", halves, halves[0])  # long enough for both slots to have a runner


def _side_by_side(url: str, table: BenchTable, pair: Pair, rounds: int) -> list[Row]:
    """The pair on a worker of one slot and of two, in turns."""
    seconds: dict[int, list[float]] = {1: [], 2: []}
    cores: dict[int, list[float]] = {1: [], 2: []}
    for number in range(1, rounds + 1):
        for slots, taken in seconds.items():
            tell(f"two {pair.type}, round {number}, slots: {slots}")
            with worker(url, table, crew=pair.crew, settings={"WORKER_CONCURRENCY": str(slots)}) as process:
                _drain(table, pair.type, [pair.warm_up] * slots)
                _, before = process.cpu_seconds()
                _drain(table, pair.type, pair.jobs)
                _, after = process.cpu_seconds()
            taken.append(table.span()[1])
            cores[slots].append((after - before) / taken[-1])
    return [
        {
            "slots": slots,
            "timesFaster": _ratio(seconds[1], taken),
            "coresUsed": round(statistics.median(cores[slots]), 2),
            "seconds": " ".join(f"{each:.2f}" for each in taken),
        }
        for slots, taken in seconds.items()
    ]


def _drain(table: BenchTable, type: str, payloads: Sequence[dict[str, Any]]) -> None:
    """Enqueue these alone, in one commit, and wait until they have run."""
    table.clear()
    with table.connection.transaction():
        for payload in payloads:
            _enqueue(table, type, payload)
    await_true(lambda: table.is_drained(len(payloads)))


def _exports(url: str, table_rows: int, rounds: int) -> list[Row]:
    run = run_handler(crew, "model_run", MODEL, database_url=url).result
    sources = {
        "report on 3 scenarios of 36 months": {"modelRunId": run["modelRunId"]},
        f"table of {table_rows:,} rows": {"document": long_table(table_rows)},
    }
    rows: list[Row] = []
    for type, unit in (("pdf_export", "pages"), ("pptx_export", "slides")):
        for what, source in sources.items():
            tell(f"{type}: {what}")
            taken = []
            for _ in range(rounds + 1):
                began = time.perf_counter()
                made = run_handler(crew, type, {"source": source}, database_url=url).result
                taken.append(time.perf_counter() - began)
            seconds = statistics.median(taken[1:])
            rows.append(
                {
                    "type": type,
                    "what": what,
                    "pagesOrSlides": made[unit],
                    "perSecond": round(made[unit] / seconds, 1),
                    "seconds": round(seconds, 2),
                    "fileKiB": round(made["bytes"] / 1024),
                }
            )
    return rows


def long_table(rows: int) -> dict[str, Any]:
    cells = [[row, "2027-01-31", f"card payment, shop {row % 500}", row * 1.5] for row in range(rows)]
    table = {"columns": ["Number", "Date", "Memo", "Amount"], "rows": cells}
    return {"title": "Ledger", "sections": [{"heading": "All rows", "table": table}]}


def _cancels(url: str, table: BenchTable, options: argparse.Namespace) -> list[Row]:
    target = _import_target(table, options.import_rows)
    payloads: dict[str, dict[str, Any]] = {
        "model_run": MODEL | {"months": 600, "scenarios": {f"s{number}": [] for number in range(50)}},
        "monte_carlo": PORTFOLIO,
        "pdf_export": {"source": {"document": long_table(15_000)}},
        "pptx_export": {"source": {"document": long_table(2_000)}},
        "csv_import": {"source": {"blob": "file.csv"}, "table": target, "mapping": {"id": "Id"}},
    }
    table.clear()
    rows: list[Row] = []
    with worker(url, table, crew=CREW, settings={"CSV_IMPORT_TABLES": target}):
        for type, payload in payloads.items():
            tell(f"cancelled: {type}")
            rows.append(
                {"type": type}
                | spread([_cancel(table, type, payload) for _ in range(options.cancels)], digits=None)
            )
    return rows


def _import_target(table: BenchTable, rows: int) -> str:
    file = "Id\n" + "".join(f"{row}\n" for row in range(rows))
    put_blob(table.connection, "file.csv", file.encode(), "text/csv")
    table.connection.execute("CREATE TABLE numbers (id bigint UNIQUE)")
    ((schema,),) = table.connection.execute("SELECT current_schema()").fetchall()
    return f"{schema}.numbers"


def _cancel(table: BenchTable, type: str, payload: dict[str, Any]) -> float:
    """Milliseconds until the worker has said that the run is over."""
    job = _enqueue(table, type, payload)
    _await_row(table, PROGRESS, job)
    began = time.perf_counter()
    if table.connection.execute(CANCEL, [job]).rowcount == 0:
        raise RowcrewError(f"a {type} was over before it could be cancelled; give it more to do")
    _await_row(table, LET_GO, job)
    return 1000 * (time.perf_counter() - began)


def _enqueue(table: BenchTable, type: str, payload: dict[str, Any]) -> int:
    ((job,),) = table.connection.execute(INSERT, [type, json.dumps(payload)])
    return int(job)


def _await_row(table: BenchTable, query: str, job: int) -> None:
    end = time.monotonic() + _PATIENCE_SECONDS
    while table.connection.execute(query.encode(), [job]).fetchone() is None:
        if time.monotonic() > end:
            raise RowcrewError(f"job {job} did not get on for {_PATIENCE_SECONDS:g} s")
        time.sleep(_LOOK_SECONDS)


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _ratio(first: list[float], second: list[float]) -> float:
    """How many times faster the second is, round by round, and the median of that."""
    return round(statistics.median([a / b for a, b in zip(first, second, strict=True)]), 2)
