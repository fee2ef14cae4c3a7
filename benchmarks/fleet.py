"""What more workers cost one server: connections, its memory, questions, and what one wake-up sets going.

Idle workers of the default settings, more of them in each row. Then single INSERTs into the idle crew: each
wakes every worker that listens, one of them gets the row. Questions are the database's count of its
transactions; those of the idle crew in the same time are taken off. Memory is what the server's processes
have for themselves (USS), so without the shared buffers. With --sessions they come through PgBouncer in
transaction mode and without an address past it, so that nobody hears a wake-up.
"""

from __future__ import annotations

import argparse
import time
from contextlib import ExitStack, suppress
from typing import Final

import psutil

from rig.pooler import Pooler
from rowcrew.bench.figures import percentile
from rowcrew.bench.processes import Server, await_true, worker
from rowcrew.bench.report import Report, Row, Table, machine_facts
from rowcrew.bench.scratch import current_schema
from rowcrew.bench.table import BenchTable
from rowcrew.cli.bench import tell

SERVER_SETTINGS: Final = {"max_connections": "500"}
TRANSACTIONS: Final = """
SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()
"""
CONNECTIONS: Final = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'rowcrew %'"
WAITED: Final = """
SELECT extract(epoch FROM "startedAt" - "createdAt") * 1000 FROM jobs WHERE id = ANY (%s)
"""
TYPE: Final = "bench_noop"
_MOST_CLIENTS: Final = 1_000


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 4, 16, 64])
    parser.add_argument("--seconds", type=float, default=20.0, help="of the idle crew, and of the wake-ups")
    parser.add_argument("--wakes", type=int, default=40, help="INSERTs in that time")
    parser.add_argument("--sessions", type=int, help="of the server, which PgBouncer lends to all workers")
    parser.add_argument(
        "--settle", type=float, default=10.0, help="seconds after the start that do not count"
    )


def measure(url: str, options: argparse.Namespace) -> Report:
    rows: list[Row] = []
    with BenchTable(url) as table, ExitStack() as crew:
        reached = url
        if options.sessions is not None:
            # No start of a connection reaches the server through it, so that it cannot name the schema.
            begins_with = f"SET search_path TO {current_schema(url)}"
            pooler = Pooler(url, sessions=options.sessions, clients=_MOST_CLIENTS, begins_with=begins_with)
            reached = crew.enter_context(pooler).url_of(table.connection.info.dbname)
        machine = machine_facts(table.settings())
        running = 0
        for number in options.workers:
            tell(f"workers: {number}")
            while running < number:
                crew.enter_context(worker(reached, table, settings={}))
                running += 1
            time.sleep(options.settle)
            rows.append({"workers": number, **_standing(table), **_in_time(table, options)})
    return Report("fleet", machine, (Table("workers with 4 slots, one INSERT at a time", rows),))


def _standing(table: BenchTable) -> Row:
    backends = [pid for (pid,) in table.connection.execute(CONNECTIONS).fetchall()]
    own = 0
    for pid in backends:
        with suppress(psutil.Error):
            own += psutil.Process(pid).memory_full_info().uss
    return {"connections": len(backends), "serverMiB": round(own / 2**20)}


def _in_time(table: BenchTable, options: argparse.Namespace) -> Row:
    server = Server(table.server_pid())
    idle = _watched(table, server, options.seconds)
    ids: list[int] = []

    began, before = time.monotonic(), _figures(table, server)
    for _ in range(options.wakes):
        ids.append(table.send(TYPE))
        time.sleep(options.seconds / options.wakes)
    await_true(lambda: all(map(table.has_ended, ids)))
    seconds, after = time.monotonic() - began, _figures(table, server)
    questions, cpu = (b - a - each * seconds for a, b, each in zip(before, after, idle, strict=True))
    waited = [float(ms) for (ms,) in table.connection.execute(WAITED, [ids]).fetchall()]
    return {
        "idleQuestionsPerSecond": round(idle[0], 1),
        "idleServerPercent": round(100 * idle[1], 1),
        "questionsPerJob": round(questions / options.wakes, 1),
        "serverMsPerJob": round(1000 * cpu / options.wakes, 2),
        "startMsP50": round(percentile(waited, 0.5), 1),
        "startMsP95": round(percentile(waited, 0.95), 1),
    }


def _watched(table: BenchTable, server: Server, seconds: float) -> tuple[float, float]:
    """Questions and seconds of processor time, of each second."""
    before = _figures(table, server)
    time.sleep(seconds)
    questions, cpu = (b - a for a, b in zip(before, _figures(table, server), strict=True))
    return questions / seconds, cpu / seconds


def _figures(table: BenchTable, server: Server) -> tuple[float, float]:
    [(count,)] = table.connection.execute(TRANSACTIONS).fetchall()
    return float(count), server.cpu_seconds() or 0.0
