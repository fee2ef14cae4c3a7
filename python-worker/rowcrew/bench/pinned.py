"""Whether throughput holds while an old snapshot keeps every dead row from being cleaned up.

Another connection holds a REPEATABLE READ snapshot while jobs flow: each leaves dead rows behind, in the
table and in the index of ready rows. Rows are fed in chunks, so that some thousands wait at any time, never
all. The figure is jobs per second of the last third over those of the first, with and without the snapshot
in turns.
"""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Final

import psycopg

from rowcrew.bench.drain import SLOTS, TYPE
from rowcrew.bench.processes import await_true, worker
from rowcrew.bench.report import Report, Row, Table, machine_facts
from rowcrew.bench.statements import SQL
from rowcrew.bench.table import BenchTable, connected
from rowcrew.model.errors import DatabaseUnavailable
from rowcrew.table.link import reason

CHUNK: Final = 2_000
CHUNKS_AHEAD: Final = 3
_LOOK_SECONDS: Final = 0.01


def measure(
    url: str,
    *,
    jobs: int = 300_000,
    rounds: int = 3,
    slots: int = SLOTS,
    tell: Callable[[str], None] = lambda line: None,
) -> Report:
    """Let `jobs` flow through one worker, with a snapshot held and without, in each of `rounds`.

    Args:
        url: a scratch schema; its jobs are deleted.
        slots: jobs that the worker runs at once.
        tell: hears of progress.
    """
    sides: dict[str, Callable[[], AbstractContextManager[None]]] = {
        "held": partial(held_snapshot, url),
        "none": nullcontext,
    }
    rows: list[Row] = []
    with BenchTable(url) as table:
        machine = machine_facts(table.settings())
        for number in range(1, rounds + 1):
            for side, snapshot in sides.items():
                tell(f"round {number} of {rounds}: snapshot {side}")
                flow = _flow(url, table, jobs, slots, snapshot)
                rows.append({"round": number, "snapshot": side, **flow})
    return Report(
        name="pinned",
        machine=machine,
        tables=(
            Table(f"jobs per second of each third of {jobs:,} jobs that do nothing, {slots} slots", rows),
            Table("last third over first, median of the rounds", [_median(side, rows) for side in sides]),
        ),
    )


@contextmanager
def held_snapshot(url: str) -> Iterator[None]:
    """A transaction beside that reads the past: until it ends, no row that died since can be cleaned up.

    Raises:
        DatabaseUnavailable: the server ended it meanwhile.
    """
    with connected(url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        with connection.transaction():
            connection.execute(SQL["look"])
            yield
            try:
                connection.execute(SQL["look"])
            except psycopg.OperationalError as error:
                raise DatabaseUnavailable(f"the snapshot was not held to the end: {reason(error)}") from error


def _flow(
    url: str,
    table: BenchTable,
    jobs: int,
    slots: int,
    snapshot: Callable[[], AbstractContextManager[None]],
) -> Row:
    table.clear()
    with worker(url, table, settings={"WORKER_CONCURRENCY": str(slots)}):
        with table.filled(CHUNK, TYPE):  # a worker's first jobs are slow with and without a snapshot
            pass
        await_true(lambda: table.is_drained(CHUNK))
        first = table.newest().id
        with snapshot():
            _feed(table, jobs)
            await_true(lambda: table.is_drained(jobs, after=first))
    speeds = [completed / seconds for completed, seconds in table.thirds(after=first)]
    names = ("firstThird", "middleThird", "lastThird")
    return {
        **{name: round(speed) for name, speed in zip(names, speeds, strict=True)},
        "lastOverFirst": round(speeds[-1] / speeds[0], 2),
    }


def _feed(table: BenchTable, jobs: int) -> None:
    waiting: deque[int] = deque()
    for fed in range(0, jobs, CHUNK):
        waiting.append(table.fill(min(CHUNK, jobs - fed), TYPE))
        if len(waiting) >= CHUNKS_AHEAD:
            await_true(partial(table.has_ended, waiting.popleft()), look_seconds=_LOOK_SECONDS)


def _median(side: str, rows: list[Row]) -> Row:
    ratios = [row["lastOverFirst"] for row in rows if row["snapshot"] == side]
    return {"snapshot": side, "median": round(statistics.median(ratios), 2)}
