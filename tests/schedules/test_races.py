"""Exactly one job for each schedule and tick, whoever fires, edits, locks or disagrees meanwhile."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import psycopg
import pytest

from rig.fixtures import StartWorker
from rig.pooler import MISSING, PROGRAM, Pooler
from rig.statements import statement
from rig.waiting import eventually
from rowcrew.model.calendar import Rule
from tests.conftest import Connect
from tests.schedules.conftest import Desk, Firing

pytestmark = pytest.mark.anyio

Connection = psycopg.Connection[tuple[Any, ...]]


def one_job_each(desk: Desk) -> int:
    """How many ticks were fired; every one has a job of its own, and no job is without a tick."""
    ticks = desk.hands.execute('SELECT schedule, tick, "jobId" FROM schedule_ticks').fetchall()
    jobs = [job for _, _, job in ticks]
    assert None not in jobs
    assert max(Counter(jobs).values(), default=0) <= 1
    assert sorted(jobs) == desk.jobs()
    return len(ticks)


def plan_of(connection: Connection, name: str = "nightly") -> str:
    """What a worker makes of a schedule that it has just read."""
    ((version, stored),) = connection.execute(
        'SELECT xmin::text, "nextAt" FROM schedules WHERE name = %s', [name]
    ).fetchall()
    plan = {"name": name, "version": version, "ticks": [stored], "nextAt": stored + timedelta(days=1)}
    return msgspec.json.encode([plan]).decode()


def fire(connection: Connection, plans: str) -> list[str]:
    return [name for (name,) in connection.execute(statement("fire"), {"plans": plans}).fetchall()]


async def test_of_two_workers_that_read_the_same_row_one_fires(desk: Desk, connect: Connect) -> None:
    desk.add()
    desk.due()
    one, other = connect(autocommit=False), connect()
    other.execute("SET lock_timeout = '5s'")
    plan = plan_of(other)
    assert fire(one, plan) == ["nightly"]
    assert fire(other, plan) == []
    one.commit()
    assert fire(other, plan) == []
    assert one_job_each(desk) == 1


async def test_a_firing_that_rolled_back_leaves_the_tick_to_others(desk: Desk, connect: Connect) -> None:
    desk.add()
    desk.due()
    one, other = connect(autocommit=False), connect()
    plan = plan_of(other)
    assert fire(one, plan) == ["nightly"]
    one.rollback()
    assert fire(other, plan) == ["nightly"]
    assert one_job_each(desk) == 1


@pytest.mark.parametrize(
    "edit",
    [
        "cron = '0 5 * * *', \"everySeconds\" = NULL",
        "paused = true",
        "priority = 9",
        '"nextAt" = now()',
        "payload = '{}'",
    ],
)
async def test_a_plan_made_before_an_edit_is_dropped(desk: Desk, connect: Connect, edit: str) -> None:
    desk.add()
    desk.due()
    one, hand = connect(), connect(autocommit=False)
    plan = plan_of(one)
    hand.execute(f"UPDATE schedules SET {edit}")
    assert fire(one, plan) == []
    hand.commit()
    assert fire(one, plan) == []
    assert desk.ticks() == []


async def test_a_tick_that_was_fired_is_not_fired_again_whatever_hands_do_to_the_row(
    desk: Desk, firing: Firing
) -> None:
    desk.add(overlap="cancelOld")
    tick = desk.due()
    await firing.once()
    for _ in range(2):
        desk.hands.execute('UPDATE schedules SET "nextAt" = %s, "lastAt" = NULL', [tick])
        await firing.once()
    assert one_job_each(desk) == 1
    assert desk.jobs("status") == ["queued"]


async def test_a_job_that_is_locked_while_the_next_tick_replaces_it_holds_its_schedule_up(
    desk: Desk, firing: Firing, connect: Connect
) -> None:
    desk.add(overlap="cancelOld")
    desk.add("other")
    desk.due("40 seconds")
    await firing.once()
    [first] = desk.jobs()
    tick = desk.due("1 second")
    desk.due(name="other")
    hand = connect(autocommit=False)
    hand.execute("SELECT FROM jobs WHERE id = %s FOR UPDATE", [first])
    await firing.once()
    assert len(desk.ticks("other")) == 1
    assert len(desk.ticks()) == 1
    assert firing.chore.period_seconds == 1
    hand.rollback()
    await firing.once()
    assert desk.ticks()[-1][0] == tick
    assert desk.jobs("status") == ["cancelled", "queued", "queued"]


async def test_a_waiting_tick_is_fired_by_one_of_two_workers(
    desk: Desk, firing: Firing, connect: Connect
) -> None:
    desk.add(overlap="queueOne")
    for ago in ("50 seconds", "40 seconds"):
        desk.due(ago)
        await firing.once()
    desk.end(desk.jobs()[0])
    one, other = connect(autocommit=False), connect()
    assert one.execute(statement("fire_waiting")).fetchall() == [("nightly",)]
    assert other.execute(statement("fire_waiting")).fetchall() == []
    one.commit()
    assert other.execute(statement("fire_waiting")).fetchall() == []
    assert one_job_each(desk) == 2


async def race(desk: Desk, workers: list[Firing], rounds: int, hands: Callable[[int], None]) -> None:
    """So many times: ten schedules are due, all workers fire, and hands do something meanwhile."""
    for name in map(str, range(10)):
        desk.add(name, everySeconds=1)
    desk.hands.execute("""UPDATE schedules SET "createdAt" = now() - interval '1 day'""")
    for number in range(rounds):
        desk.hands.execute(
            """UPDATE schedules SET "nextAt" = date_trunc('second', now()) - %s * interval '1 s'""",
            [rounds - number],
        )
        firings = [asyncio.create_task(worker.once()) for worker in workers]
        await asyncio.sleep(0)
        hands(number)
        await asyncio.gather(*firings)


async def test_four_workers_fire_each_tick_once(desk: Desk, open_firing: Callable[[], Firing]) -> None:
    await race(desk, [open_firing() for _ in range(4)], 10, lambda _: None)
    assert one_job_each(desk) >= 10


EDITS = (
    'UPDATE schedules SET "nextAt" = now()',
    'UPDATE schedules SET "nextAt" = "lastAt"',
    """UPDATE schedules SET "nextAt" = now() - interval '5 s'""",
    """UPDATE schedules SET cron = '* * * * *', "everySeconds" = NULL WHERE name < '5'""",
    """UPDATE schedules SET cron = NULL, "everySeconds" = 2 WHERE name < '5'""",
    "UPDATE schedules SET paused = true",
    "UPDATE schedules SET paused = false",
)


async def test_edits_while_workers_fire_make_no_tick_fire_twice(
    desk: Desk, open_firing: Callable[[], Firing]
) -> None:
    def edit(number: int) -> None:
        desk.hands.execute(EDITS[number % len(EDITS)])

    await race(desk, [open_firing() for _ in range(4)], 2 * len(EDITS), edit)
    assert one_job_each(desk) >= 10


async def test_workers_whose_libraries_disagree_fire_no_tick_twice(
    desk: Desk, open_firing: Callable[[], Firing], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each reckoning may be another library's: here every second one is half a step off."""
    reckoned = Rule.ticks_after
    asked = 0

    def disagreeing(self: Rule, moment: Any) -> Any:
        nonlocal asked
        asked += 1
        apart = timedelta(milliseconds=500 * (asked % 2))
        return (tick + apart for tick in reckoned(self, moment))

    monkeypatch.setattr(Rule, "ticks_after", disagreeing)
    await race(desk, [open_firing() for _ in range(4)], 10, lambda _: None)
    assert one_job_each(desk) >= 10


@pytest.mark.skipif(PROGRAM is None, reason=MISSING)
async def test_ticks_are_fired_through_a_pooler_in_transaction_mode(
    tcp_database_url: str, desk: Desk
) -> None:
    with Pooler(tcp_database_url, sessions=2) as pooler:
        workers = [Firing(pooler.url_of(desk.hands.info.dbname)) for _ in range(4)]
        try:
            await race(desk, workers, 10, lambda _: None)
            assert all(worker.link.pooled for worker in workers)
        finally:
            for worker in workers:
                await worker.link.close()
    assert one_job_each(desk) >= 10


def test_four_worker_processes_fire_each_tick_once_and_none_is_missing(
    start_worker: StartWorker, desk: Desk
) -> None:
    workers = [start_worker() for _ in range(4)]
    for name in ("one", "two", "three"):
        desk.add(name, everySeconds=1)

    def five_fired() -> bool:
        return min(len(desk.ticks(name)) for name in ("one", "two", "three")) >= 5

    eventually(five_fired, 60)
    for worker in workers:
        worker.stop()
    one_job_each(desk)
    for name in ("one", "two", "three"):
        ticks = [tick for tick, _ in desk.ticks(name)]
        assert ticks == sorted(set(ticks))
        assert all(tick.microsecond == 0 for tick in ticks)
