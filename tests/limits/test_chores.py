"""Limits for a time end by themselves, and the log of starts stays small."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from itertools import takewhile
from typing import Any

import psycopg
import pytest

from rig.table import Table
from rowcrew.control.chores.prune_starts import PruneStarts
from rowcrew.control.chores.put_back import PutBackLimits
from rowcrew.log import Log
from rowcrew.table.link import Link
from tests.conftest import Connect

pytestmark = pytest.mark.anyio

LIMITS = """SELECT paused, "maxConcurrent", "rateLimit", limited, until, former FROM queues"""


@pytest.fixture
async def link(database_url: str) -> AsyncIterator[Link]:
    link = Link(database_url, purpose="test")
    yield link
    await link.close()


async def put_back(link: Link) -> str:
    output = io.StringIO()
    await PutBackLimits(link=link, log=Log("text", output)).once()
    return output.getvalue()


async def test_a_limit_for_a_time_gives_way_to_the_former_one(table: Table, link: Link) -> None:
    table.rows("""INSERT INTO queues (queue, "maxConcurrent") VALUES ('ai', 8)""")
    table.rows(
        """UPDATE queues SET "maxConcurrent" = 1, "rateLimit" = 5, until = now() + interval '1 hour'"""
    )
    assert await put_back(link) == ""
    table.rows("UPDATE queues SET until = now() - interval '1 s'")
    assert "The limits of the queue ai" in await put_back(link)
    (row,) = table.rows(LIMITS)
    assert (row["maxConcurrent"], row["rateLimit"], row["until"], row["former"]) == (8, None, None, None)


async def test_workers_are_woken_by_a_limit_that_is_put_back_and_by_no_look_for_one(
    table: Table, link: Link, connect: Connect
) -> None:
    heard = connect()
    heard.execute("LISTEN rowcrew_wake")
    await put_back(link)
    assert wakes(heard, table) == 0
    table.rows("INSERT INTO queues (queue, paused, until) VALUES ('ai', true, now())")
    assert wakes(heard, table) == 1
    await put_back(link)
    assert wakes(heard, table) == 1


def wakes(heard: psycopg.Connection[Any], table: Table) -> int:
    """How many came since the last call. Notices come in the order of their commits: the mark is the last."""
    table.rows("NOTIFY rowcrew_wake, 'mark'")
    before_the_mark = takewhile(lambda told: told.payload != "mark", heard.notifies(timeout=30))
    return sum(told.channel == "rowcrew_wake" for told in before_the_mark)


async def test_a_new_queue_with_a_limit_for_a_time_has_none_afterwards(table: Table, link: Link) -> None:
    table.rows("INSERT INTO queues (queue, paused, until) VALUES ('ai', true, now())")
    await put_back(link)
    (row,) = table.rows(LIMITS)
    assert (row["paused"], row["limited"], row["until"]) == (False, False, None)


async def test_a_change_without_a_time_is_for_good(table: Table, link: Link) -> None:
    table.rows("""INSERT INTO queues (queue, "maxConcurrent", "rateLimit") VALUES ('ai', 8, 9)""")
    table.rows("""UPDATE queues SET "maxConcurrent" = 1, "rateLimit" = 2, until = now() + interval '1 s'""")
    table.rows("""UPDATE queues SET "maxConcurrent" = 4""")
    table.rows("UPDATE queues SET until = now() - interval '1 s'")
    await put_back(link)
    (row,) = table.rows(LIMITS)
    assert (row["maxConcurrent"], row["rateLimit"]) == (4, 9)


async def test_a_change_of_the_only_limit_ends_its_time(table: Table) -> None:
    table.rows("INSERT INTO queues (queue, paused, until) VALUES ('ai', true, now() + interval '1 hour')")
    table.rows("UPDATE queues SET paused = false")
    (row,) = table.rows(LIMITS)
    assert (row["until"], row["former"]) == (None, None)


async def test_a_named_limit_for_a_time_gives_way_too(table: Table, link: Link) -> None:
    table.rows("""INSERT INTO limits (key, "maxConcurrent") VALUES ('api', 5)""")
    table.rows("""UPDATE limits SET "maxConcurrent" = 0, until = now()""")
    assert "The limits of the key api" in await put_back(link)
    assert table.rows("""SELECT "maxConcurrent" AS most, until FROM limits""") == [{"most": 5, "until": None}]


async def test_limits_that_somebody_is_changing_wait_for_the_next_time(table: Table, link: Link) -> None:
    table.rows("INSERT INTO queues (queue, paused, until) VALUES ('ai', true, now())")
    other = Table(table.address)
    other.rows("BEGIN")
    other.rows("UPDATE queues SET label = 'mine'")
    assert await put_back(link) == ""
    other.rows("COMMIT")
    assert "ai" in await put_back(link)
    other.close()


def started(table: Table, scope: str, *seconds_ago: int) -> None:
    for total, ago in enumerate(seconds_ago, 1):
        table.rows(
            """
            INSERT INTO starts (scope, "startedAt", count, total)
            VALUES (%s, now() - %s * interval '1 s', 1, %s)
            """,
            scope,
            ago,
            total,
        )


async def test_starts_that_no_window_reaches_go_and_counts_stay(table: Table, link: Link) -> None:
    table.rows("""INSERT INTO queues (queue, "rateLimit", "ratePeriodSeconds") VALUES ('ai', 5, 3000)""")
    started(table, "queue ai", 9000, 8000, 7000, 1000, 10)
    started(table, "queue idle", 9000, 8000)
    started(table, "queue young", 10)
    counted: Any = "SELECT rowcrew_started('queue ai', 3000, now()) AS n"
    before = table.rows(counted)
    await PruneStarts(link=link).once()
    assert table.rows(counted) == before == [{"n": 2}]
    left = table.rows("SELECT scope, count(*) AS n FROM starts GROUP BY scope ORDER BY scope")
    assert [(row["scope"], row["n"]) for row in left] == [("queue ai", 3), ("queue young", 1)]
