"""`rowcrew bench latency` and `rowcrew bench pinned` on a database that has other things to do."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from rig.waiting import eventually
from rowcrew.bench.pinned import held_snapshot
from rowcrew.bench.processes import NO_WAKE_UPS, worker
from rowcrew.bench.scratch import scratch_schema
from rowcrew.bench.table import BenchTable
from rowcrew.model.errors import DatabaseUnavailable
from rowcrew.settings import environment_with
from tests.conftest import Connect

pytestmark = pytest.mark.long

SCRATCH = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'rowcrew\\_bench\\_%'"
LISTENERS = """
SELECT pid FROM pg_stat_activity WHERE application_name = 'rowcrew listen' AND datname = current_database()
"""
HOLDERS = """
SELECT pid FROM pg_stat_activity
WHERE backend_xmin IS NOT NULL AND state = 'idle in transaction' AND datname = current_database()
"""


def tables(url: str, *options: str, **variables: str) -> list[list[dict[str, Any]]]:
    ended = subprocess.run(
        [sys.executable, "-m", "rowcrew.cli", "bench", *options, "--json"],
        env=environment_with(DATABASE_URL=url, **variables),
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    return [table["rows"] for table in json.loads(ended.stdout)["tables"]]


def test_latency_is_told_for_a_worker_that_is_woken_and_for_one_that_only_polls(
    database_url: str, connect: Connect
) -> None:
    [rows] = tables(database_url, "latency", "--jobs", "2", "--pause", "0.01")
    assert [(row["worker"], row["from"], row["to"], row["samples"]) for row in rows] == [
        *(("woken", "commit", "handler", 2), ("woken", "before the INSERT", "handler", 2)),
        *(("polling", "commit", "handler", 2), ("polling", "before the INSERT", "handler", 2)),
    ]
    assert all(row["lowest"] <= row["p50"] <= row["highest"] for row in rows)
    assert connect().execute(SCRATCH).fetchall() == []


def test_what_workers_of_ones_own_are_told_is_not_told_to_the_one_that_is_measured(database_url: str) -> None:
    own = {"JOB_QUEUE_NAME": "elsewhere", "POLL_INTERVAL": "1h"}
    [rows] = tables(database_url, "latency", "--jobs", "1", "--pause", "0.01", **own)
    assert [row["samples"] for row in rows] == [1, 1, 1, 1]


def test_a_worker_without_wake_ups_does_not_listen(database_url: str, connect: Connect) -> None:
    connection = connect()

    def listeners() -> list[Any]:
        return connection.execute(LISTENERS).fetchall()

    with scratch_schema(database_url) as url, BenchTable(url) as table:
        with worker(url, table, settings=NO_WAKE_UPS):
            table.send("bench_noop")
            eventually(lambda: table.is_drained(1))
            assert listeners() == []
        with worker(url, table, settings={}):
            eventually(listeners)


def test_a_flow_of_jobs_is_told_in_thirds_with_a_snapshot_and_without(
    database_url: str, connect: Connect
) -> None:
    flows, medians = tables(database_url, "pinned", "--jobs", "9000", "--rounds", "1")
    assert [row["snapshot"] for row in flows] == ["held", "none"]
    for flow, median in zip(flows, medians, strict=True):
        assert flow["lastOverFirst"] == median["median"]
        assert abs(flow["lastThird"] / flow["firstThird"] - flow["lastOverFirst"]) < 0.01
    assert connect().execute(SCRATCH).fetchall() == []


def test_while_a_snapshot_is_held_dead_rows_cannot_be_cleaned_up(database_url: str, connect: Connect) -> None:
    connection = connect()
    with scratch_schema(database_url) as url, BenchTable(url) as table:
        table.fill(10)
        with held_snapshot(url):
            [_] = connection.execute(HOLDERS).fetchall()
            table.connection.execute("DELETE FROM jobs")
            assert dead_rows_left_by_vacuum(table) == 10
        eventually(lambda: connection.execute(HOLDERS).fetchall() == [])
        eventually(lambda: dead_rows_left_by_vacuum(table) == 0)  # autovacuum may look at catalogs just then


def dead_rows_left_by_vacuum(table: BenchTable) -> int:
    heard: list[str] = []
    table.connection.add_notice_handler(lambda notice: heard.append(notice.message_primary or ""))
    table.connection.execute("VACUUM (VERBOSE, PROCESS_TOAST off) jobs")
    [words] = [
        line.split() for notice in heard for line in notice.splitlines() if "are dead but not yet" in line
    ]
    return int(words[words.index("are") - 1])


def test_a_snapshot_that_the_server_ended_is_no_figure(database_url: str, connect: Connect) -> None:
    connection = connect()
    with pytest.raises(DatabaseUnavailable, match="the snapshot was not held to the end"):  # noqa: SIM117
        with held_snapshot(database_url):
            connection.execute(f"SELECT pg_terminate_backend(pid) FROM ({HOLDERS}) AS holder")


def test_an_address_that_names_a_schema_is_no_hindrance(database_url: str, connect: Connect) -> None:
    address = f"{database_url}{'&' if '?' in database_url else '?'}schema=app&connect_timeout=7"
    with scratch_schema(address) as url, BenchTable(url) as table:
        assert table.connection.info.get_parameters()["connect_timeout"] == "7"
        [(schema,)] = table.connection.execute("SELECT current_schema()").fetchall()
        assert schema.startswith("rowcrew_bench_")
    assert connect().execute(SCRATCH).fetchall() == []


def test_a_row_that_has_ended_is_told_from_one_that_waits(database_url: str) -> None:
    with scratch_schema(database_url) as url, BenchTable(url) as table:
        assert (table.newest().id, table.is_drained(0)) == (0, False)
        first = table.fill(3)
        newest = table.send("bench_noop")
        assert (first + 1, newest) == (newest, table.newest().id)
        table.connection.execute(
            "UPDATE jobs SET status = 'completed', \"startedAt\" = now() WHERE id > %s", [first]
        )
        assert (table.has_ended(first), table.has_ended(newest)) == (False, True)
        assert (table.is_drained(1, after=first), table.is_drained(2, after=first)) == (True, False)
        assert table.is_drained(0, after=newest) is False
        assert table.span(after=first)[0] == 1
