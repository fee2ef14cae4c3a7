"""Milliseconds from a committed INSERT to the start of its handler in an idle worker, woken and polling.

One row at a time. Client and handler run on this host, so their times are of one clock, wherever the
database is. The worker that polls alone has no connection to hear wake-ups on; the table's triggers stay as
they are.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from rowcrew.bench.figures import spread
from rowcrew.bench.processes import NO_WAKE_UPS, await_true, worker
from rowcrew.bench.report import Report, Row, Table, machine_facts
from rowcrew.bench.table import BenchTable

TYPE: Final = "bench_when"
WORKERS: Final = {"woken": {}, "polling": NO_WAKE_UPS}


class Sample(NamedTuple):
    """One row's moments in seconds: `reserved` by the database's clock, the others by this host's."""

    began: float
    committed: float
    reserved: float
    handled: float


def measure(
    url: str,
    *,
    jobs: int = 200,
    pause_seconds: float = 0.1,
    tell: Callable[[str], None] = lambda line: None,
) -> Report:
    """Send `jobs` rows to an idle worker, one every `pause_seconds`, with and without wake-ups.

    Args:
        url: a scratch schema; its jobs are deleted.
        tell: hears of progress.
    """
    with BenchTable(url) as table:
        machine = machine_facts(table.settings())
        rows: list[Row] = []
        for how in WORKERS:
            tell(f"an idle worker, {how}")
            rows.extend(rows_of(how, samples(url, table, how, jobs, pause_seconds)))
    return Report(
        name="latency",
        machine=machine,
        tables=(Table(title(pause_seconds), rows),),
        notes=NOTES,
    )


NOTES: Final = (
    "commit: the client has its acknowledgement; far from the database a handler may start before that",
    "polling: every 2 s, so the mean of the wait is 1 s",
)


def title(pause_seconds: float) -> str:
    return f"milliseconds, one row every {pause_seconds * 1000:g} ms"


def samples(url: str, table: BenchTable, how: str, jobs: int, pause_seconds: float) -> list[Sample]:
    """The moments of `jobs` rows sent to an idle worker, which is one of WORKERS."""
    table.clear()
    with worker(url, table, settings=WORKERS[how]):
        first = table.send(TYPE)  # the first run of a handler is not that of an idle worker
        await_true(lambda: table.is_drained(1))
        sent = {}
        for _ in range(jobs):
            time.sleep(pause_seconds)
            began = time.time()
            id = table.send(TYPE)
            sent[id] = (began, time.time())
        await_true(lambda: table.is_drained(jobs, after=first))
    return [Sample(*sent[id], reserved, handled) for id, _, reserved, handled in table.handled(after=first)]


def rows_of(how: str, found: Sequence[Sample]) -> list[Row]:
    return [
        row(how, "commit", "handler", [each.handled - each.committed for each in found]),
        row(how, "before the INSERT", "handler", [each.handled - each.began for each in found]),
    ]


def row(how: str, start: str, end: str, seconds: Sequence[float]) -> Row:
    return {"worker": how, "from": start, "to": end} | spread([1000 * each for each in seconds])
