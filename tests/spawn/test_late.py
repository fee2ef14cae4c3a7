"""A launched worker takes the place that was kept for it, and a late one only a free one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from psycopg import Connection

from rig.waiting import comes_true
from rowcrew.model.errors import LaunchGivenUp
from rowcrew.table import spawn as table
from tests.conftest import Connect
from tests.spawn.by_hand import Spawner, crowd, live, register, rows

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("ai")]


async def test_a_worker_enters_the_row_that_was_made_for_it_once(spawner: Spawner, connect: Connect) -> None:
    crowd(connect, 1)
    await spawner.once()
    (launch,) = spawner.launcher.launches
    id = await register(spawner, launch)
    assert rows(connect, 'id, "registeredAt" IS NOT NULL') == [(id, True)]
    with pytest.raises(LaunchGivenUp):
        await register(spawner, launch)


async def test_a_late_worker_is_let_in_only_while_its_place_is_free(
    spawner: Spawner, connect: Connect
) -> None:
    connect().execute("""UPDATE queues SET "maxConcurrent" = 1""")
    crowd(connect, 2)
    await spawner.once()
    connect().execute("""UPDATE workers SET "launchedAt" = now() - interval '130 s'""")
    await spawner.care.once()
    connect().execute("""UPDATE workers SET "stoppedAt" = now() - interval '20 s'""")
    assert (await spawner.once()).started == 1
    late, next_one = spawner.launcher.launches
    with pytest.raises(LaunchGivenUp):
        await register(spawner, late)
    connect().execute("""UPDATE workers SET "stoppedAt" = now() WHERE name = %s""", [next_one.name])
    assert await register(spawner, late)


async def test_of_two_late_workers_one_takes_the_last_place(
    spawner: Spawner, other: Spawner, connect: Connect
) -> None:
    """Both stand before the same lock: who comes second counts the first."""
    connect().execute("""UPDATE queues SET "maxConcurrent" = 2""")
    crowd(connect, 2)
    await spawner.once()
    connect().execute("""UPDATE workers SET "launchedAt" = now() - interval '130 s'""")
    await spawner.care.once()
    connect().execute("""UPDATE queues SET "maxConcurrent" = 1""")
    hand = connect()
    with hand.transaction():
        hand.execute("SELECT FROM queues WHERE queue = 'ai' FOR UPDATE")
        late = [
            asyncio.create_task(register(spawner, launch, each.link))
            for launch, each in zip(spawner.launcher.launches, (spawner, other), strict=True)
        ]
        await waiting_for_locks(connect(), 2)
    ended = await asyncio.gather(*late, return_exceptions=True)
    assert sorted(isinstance(end, LaunchGivenUp) for end in ended) == [False, True]
    assert await live(spawner) == 1


async def test_a_late_worker_counts_the_one_that_is_launched_in_its_place_just_now(
    spawner: Spawner, other: Spawner, connect: Connect
) -> None:
    connect().execute("""UPDATE queues SET "maxConcurrent" = 1""")
    crowd(connect, 2)
    await spawner.once()
    connect().execute("""UPDATE workers SET "launchedAt" = now() - interval '130 s'""")
    await spawner.care.once()
    connect().execute("""UPDATE workers SET "stoppedAt" = now() - interval '20 s'""")
    (late,) = spawner.launcher.launches
    (seen,) = await table.standings(spawner.link, queues=["ai"])
    async with spawner.link.transaction():
        _, decision = await spawner.rounds._can_spawn_worker(seen)
        assert decision.start == 1
        entering = asyncio.create_task(register(other, late, other.link))
        await waiting_for_locks(connect(), 1)
        await table.spawn_worker(spawner.link, queue="ai", number=1, prefix="ai", slots=1, launcher="process")
    with pytest.raises(LaunchGivenUp):
        await entering
    assert await live(spawner) == 1


async def waiting_for_locks(hand: Connection[Any], number: int) -> None:
    query = """SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock' AND query ~ 'NO KEY UPDATE'"""
    await comes_true(lambda: hand.execute(query).fetchone() == (number,))
