"""Spawners beside each other, and what dies between a row and its worker; staged with locks, no sleep."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from rowcrew.table import spawn as table
from rowcrew.table.link import Link
from rowcrew.table.spawn import Entered
from tests.conftest import Connect
from tests.spawn.by_hand import Spawner, crowd, live, rows

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("ai")]


async def test_while_one_spawner_decides_the_other_starts_nothing(
    spawner: Spawner, other: Spawner, connect: Connect
) -> None:
    crowd(connect)
    async with spawner.link.transaction():
        assert await table.lock_queue(spawner.link, queue="ai")
        assert (await other.once()).started == 0
    assert (await other.once()).started == 3


async def test_who_gets_the_lock_counts_what_the_one_before_has_entered(
    spawner: Spawner, other: Spawner, connect: Connect
) -> None:
    """The other saw no worker before it got the lock, and yet starts none."""
    crowd(connect)
    (seen,) = await table.standings(other.link, queues=["ai"])
    assert seen.live == 0
    assert (await spawner.once()).started == 3
    _, decision, entered = await other.rounds._spawn_worker(seen)
    assert (decision.start, entered) == (0, [])


async def test_nobody_else_decides_between_the_count_and_the_rows(
    spawner: Spawner, other: Spawner, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other is asked when the first has counted and has no row yet."""
    crowd(connect)
    enter = table.spawn_worker
    others: list[int] = []

    async def enter_after_the_other(link: Link, **values: Any) -> list[Entered]:
        if link is spawner.link:
            others.append((await other.once()).started)
        return await enter(link, **values)

    monkeypatch.setattr(table, "spawn_worker", enter_after_the_other)
    assert (await spawner.once()).started == 3
    assert others == [0]
    assert await live(spawner) == 3


async def test_a_place_whose_spawner_died_before_the_start_is_free_after_two_minutes(
    spawner: Spawner, other: Spawner, connect: Connect
) -> None:
    crowd(connect, 1)
    (seen,) = await table.standings(spawner.link, queues=["ai"])
    await spawner.rounds._spawn_worker(seen)  # and nothing more
    assert (await other.once()).started == 0
    connect().execute("""UPDATE workers SET "launchedAt" = now() - interval '121 s'""")
    assert (await other.once()).started == 0  # the launch has failed: it rests
    connect().execute("""UPDATE workers SET "stoppedAt" = now() - interval '6 s'""")
    assert (await other.once()).started == 1


async def test_a_launch_of_a_time_to_come_keeps_its_place_for_no_hours(
    spawner: Spawner, connect: Connect
) -> None:
    """The clock of the database was set back by two hours, and the worker never came."""
    crowd(connect, 1)
    await spawner.once()
    connect().execute("""UPDATE workers SET "launchedAt" = now() + interval '2 h'""")
    assert await live(spawner) == 0
    assert connect().execute("SELECT get_active_worker_count('ai')").fetchone() == (0,)
    await spawner.once()
    connect().execute("""UPDATE workers SET "stoppedAt" = now() - interval '6 s'""")
    assert (await spawner.once()).started == 1


async def test_what_rows_could_not_be_told_they_are_told_when_the_database_is_back(
    spawner: Spawner, connect: Connect
) -> None:
    """It goes away with one of three workers started: nobody fills the other places, so they are free."""
    crowd(connect)
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name ~ 'spawner'"
    spawner.launcher.before_start = lambda: connect().execute(end)
    with pytest.raises(psycopg.OperationalError):
        await spawner.once()
    assert len(spawner.launcher.launches) == 1
    assert await live(spawner) == 3
    await spawner.once()
    assert rows(connect, '"launchHandle", "stopReason"') == [
        ("0:0:1:0", None),
        (None, "error"),
        (None, "error"),
    ]
    assert await live(spawner) == 1
