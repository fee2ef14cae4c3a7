"""Milliseconds from a committed INSERT to the start of its handler: woken, by polling, and in a cold worker.

An idle worker gets one row every 100 ms. The client's clock after its commit, the database's clock at the
reservation and the handler's clock are one and the same: all run on this host. Without the trigger that sends
wake-ups the same worker has only its polls, every two seconds.
"""

from __future__ import annotations

import argparse
import time
from typing import NamedTuple

from bench.figures import spread
from rowcrew.bench.processes import await_true, worker
from rowcrew.bench.report import Report, Row, Table, machine_facts
from rowcrew.cli.bench import tell
from rowcrew.table.scratch import BenchTable

CREW = "bench.crew:crew"
INSERT = """INSERT INTO jobs (type, payload) VALUES ('bench_when', '{"number": 1}') RETURNING id"""
ENDS = """
SELECT id, extract(epoch FROM "startedAt")::float8, result::text::float8 FROM jobs WHERE status = 'completed'
"""


class Sent(NamedTuple):
    """When a row's INSERT began and when its commit was acknowledged, by time.time()."""

    began: float
    committed: float


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--jobs", type=int, default=200, help="rows sent to the idle worker, with and without wake-ups"
    )
    parser.add_argument("--pause", type=float, default=0.1, help="seconds between two rows")
    parser.add_argument("--starts", type=int, default=10, help="cold starts of a worker with one row waiting")


def measure(url: str, options: argparse.Namespace) -> Report:
    with BenchTable(url) as table:
        machine = machine_facts(table.server_facts())
        tell("an idle worker, woken")
        woken = _idle(url, table, "woken", options)
        table.connection.execute("ALTER TABLE jobs DISABLE TRIGGER jobs_wake")
        tell("an idle worker that only polls")
        polled = _idle(url, table, "polling", options)
        table.connection.execute("ALTER TABLE jobs ENABLE TRIGGER jobs_wake")
        tell("cold starts")
        cold = _cold(url, table, options.starts)
    return Report(
        "latency",
        machine,
        (
            Table(f"milliseconds, one row every {options.pause * 1000:g} ms", [*woken, *polled]),
            Table("milliseconds from the start of a worker's process, one row waiting", cold),
        ),
        ("polling: every 2 s, so the mean of the wait is 1 s",),
    )


def _idle(url: str, table: BenchTable, how: str, options: argparse.Namespace) -> list[Row]:
    table.clear()
    with worker(url, table, crew=CREW, settings={}):
        _send(table)  # the first run of a handler is not that of an idle worker
        await_true(lambda: table.is_drained(1))
        table.clear()
        sent: dict[int, Sent] = {}
        for _ in range(options.jobs):
            time.sleep(options.pause)
            sent.update([_send(table)])
        await_true(lambda: table.is_drained(options.jobs))
    ends = table.connection.execute(ENDS).fetchall()
    return [
        {"worker": how, "from": "commit", "to": "reserved"}
        | spread([1000 * (reserved - sent[id].committed) for id, reserved, _ in ends]),
        {"worker": how, "from": "commit", "to": "handler"}
        | spread([1000 * (handled - sent[id].committed) for id, _, handled in ends]),
        {"worker": how, "from": "before the INSERT", "to": "handler"}
        | spread([1000 * (handled - sent[id].began) for id, _, handled in ends]),
    ]


def _send(table: BenchTable) -> tuple[int, Sent]:
    began = time.time()
    [(id,)] = table.connection.execute(INSERT).fetchall()
    return id, Sent(began, time.time())


def _cold(url: str, table: BenchTable, starts: int) -> list[Row]:
    reserved, handled = [], []
    for _ in range(starts):
        table.clear()
        _send(table)
        began = time.time()
        with worker(url, table, crew=CREW, settings={}):
            await_true(lambda: table.is_drained(1))
        [(_, reserve, handler)] = table.connection.execute(ENDS).fetchall()
        reserved.append(1000 * (reserve - began))
        handled.append(1000 * (handler - began))
    return [
        {"to": "first row reserved"} | spread(reserved, digits=None),
        {"to": "its handler"} | spread(handled, digits=None),
    ]
