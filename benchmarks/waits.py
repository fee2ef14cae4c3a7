"""What waiting costs: those who are waited for, those who wait, and those who have nothing to do with it.

A worker's own statements over one connection, without runners: how long one look takes at most, and how long
all of them until the last waiter is free. `failFast` beside `completed` is the price of hearing at once.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, TypeVar

from psycopg.rows import dict_row

from rowcrew.bench.report import Report, Row, Table, machine_facts
from rowcrew.bench.table import BenchTable, Connection
from rowcrew.cli.bench import tell
from rowcrew.table.link import PLANNING
from rowcrew.table.statements import SQL

Done = TypeVar("Done")

BATCH: Final = 100
INSERT: Final = "INSERT INTO jobs (type) SELECT 'noop' FROM generate_series(1, %s) RETURNING id"
WAIT: Final = """
INSERT INTO jobs (type, "waitsFor", "waitPolicy")
SELECT 'noop', CAST(list AS bigint[]), %s FROM unnest(CAST(%s AS text[])) AS list RETURNING id
"""
RESERVE: Final = """
UPDATE jobs
   SET status = 'processing', attempts = 1, "workerId" = 1, "leaseId" = gen_random_uuid(),
       "startedAt" = now(),
       "updatedAt" = now(), revision = revision + 1
 WHERE id = ANY(%s) AND status = 'queued'
RETURNING id, CAST("leaseId" AS text)
"""


class Looks(NamedTuple):
    """How long an examiner's looks took, in seconds."""

    number: int
    seconds: float
    longest: float


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--fan-in", type=int, default=10_000, help="jobs that one waits for")
    parser.add_argument("--chain", type=int, default=1_000, help="jobs that wait each for the one before")
    parser.add_argument("--waiters", type=int, default=5_000, help="jobs that wait for twenty each")


def measure(url: str, options: argparse.Namespace) -> Report:
    with BenchTable(url) as table:
        machine = machine_facts(table.settings())
        for name, value in PLANNING.items():
            table.connection.execute("SELECT set_config(%s, %s, false)", (name, value))
        rows: list[Row] = [
            _fan_in(table, options.fan_in),
            _chain(table, options.chain),
            *(_web(table, options.waiters, policy) for policy in ("completed", "failFast")),
        ]
        wal = [_wal(table, policy) for policy in (None, "completed", "failFast")]
    return Report(
        "waits",
        machine,
        (
            Table("looks of an examiner: until all are watched, and until all are free", rows),
            Table("WAL of a job from INSERT to its end, and of a waiter for two of them", wal),
        ),
    )


def _fan_in(table: BenchTable, jobs: int) -> Row:
    """One waits for many, which end in any order."""
    tell(f"fan-in of {jobs:,}")
    table.clear()
    ids = _insert(table.connection, jobs)
    _wait(table.connection, [ids], "completed")
    watched = _look(table.connection)
    random.Random(1).shuffle(ids)
    return _row(f"fan-in of {jobs:,}", watched, _end(table.connection, ids))


def _chain(table: BenchTable, jobs: int) -> Row:
    tell(f"chain of {jobs:,}")
    table.clear()
    connection = table.connection
    chain = _insert(connection, 1)
    for _ in range(jobs - 1):
        chain += _wait(connection, [chain[-1:]], "completed")
    watched = _look(connection)
    return _row(f"chain of {jobs:,}", watched, _end(connection, chain, batch=1))


def _web(table: BenchTable, waiters: int, policy: str) -> Row:
    """Many wait for twenty each of as many jobs."""
    tell(f"{waiters * 20:,} edges, {policy}")
    table.clear()
    dice = random.Random(2)
    ids = _insert(table.connection, waiters)
    _wait(table.connection, [dice.sample(ids, 20) for _ in range(waiters)], policy)
    watched = _look(table.connection)
    dice.shuffle(ids)
    return _row(f"{waiters * 20:,} edges, {policy}", watched, _end(table.connection, ids))


def _wal(table: BenchTable, policy: str | None, jobs: int = 10_000) -> Row:
    """Bytes of WAL for each job; `policy` None: nobody waits."""
    tell(f"WAL, {policy or 'nobody waits'}")
    table.clear()
    connection = table.connection
    for command in ("CHECKPOINT", "SELECT pg_switch_wal()"):
        connection.execute(command)
    ids = _insert(connection, jobs)
    _end(connection, ids)  # every page is in the log as a whole by now
    ids, plain = _measured(connection, lambda: _insert(connection, jobs))
    waiting = 0
    if policy is not None:
        pairs = [ids[place : place + 2] for place in range(0, jobs, 2)]
        _, waiting = _measured(connection, lambda: _wait(connection, pairs, policy))
    _, ended = _measured(connection, lambda: _end(connection, ids))
    return {
        "waiters": policy or "none",
        "bytesForEachJob": round((plain + ended) / jobs) if policy is None else None,
        "bytesForEachWaiter": None if policy is None else round((plain + waiting + ended) / (jobs / 2)),
    }


def _measured(connection: Connection, work: Callable[[], Done]) -> tuple[Done, int]:
    before = _position(connection)
    done = work()
    return done, _position(connection) - before


def _position(connection: Connection) -> int:
    row = connection.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn").fetchone()
    assert row is not None
    return int(row[0])


def _insert(connection: Connection, jobs: int) -> list[int]:
    return [id for (id,) in connection.execute(INSERT, (jobs,))]


def _wait(connection: Connection, lists: Sequence[Sequence[int]], policy: str) -> list[int]:
    texts = ["{" + ",".join(map(str, ids)) + "}" for ids in lists]
    return [id for (id,) in connection.execute(WAIT, (policy, texts))]


def _end(connection: Connection, ids: Sequence[int], batch: int = BATCH) -> Looks:
    """Run these jobs, so many at once; the looks that came of their ends."""
    looks = Looks(0, 0.0, 0.0)
    for first in range(0, len(ids), batch):
        runs = connection.execute(RESERVE, (list(ids[first : first + batch]),)).fetchall()
        ends = [{"id": id, "lease": lease, "status": "completed"} for id, lease in runs]
        assert len(ends) == len(ids[first : first + batch]), "a waiter was not free in time"
        told = connection.execute(SQL["worker/record"], {"ended": json.dumps(ends), "worker": 1}).fetchall()
        if told:
            more = _look(connection)
            looks = Looks(
                looks.number + more.number, looks.seconds + more.seconds, max(looks.longest, more.longest)
            )
    return looks


def _look(connection: Connection) -> Looks:
    """As a worker's chore does: as long as it helps."""
    number, total, longest = 0, 0.0, 0.0
    with connection.cursor(row_factory=dict_row) as cursor:
        while True:
            began = time.perf_counter()
            look = cursor.execute(
                SQL["waits/examine"], {"after": 0, "told_after": 0, "only": None}, prepare=True
            ).fetchone()
            seconds = time.perf_counter() - began
            number, total, longest = number + 1, total + seconds, max(longest, seconds)
            assert look is not None
            if not (look["released"] or look["ended"] or look["moved"]):
                return Looks(number, total, longest)


def _row(what: str, watched: Looks, freed: Looks) -> Row:
    return {
        "what": what,
        "watchedSeconds": round(watched.seconds, 2),
        "freedSeconds": round(freed.seconds, 2),
        "looks": watched.number + freed.number,
        "longestSeconds": round(max(watched.longest, freed.longest), 2),
    }
