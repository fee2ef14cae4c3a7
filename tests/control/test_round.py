"""One question for all chores, and which of them it wakes."""

from __future__ import annotations

import asyncio
import io
import re

import psycopg
import pytest

from rig.waiting import as_far_as_it_gets
from rowcrew.control.chores.chore import EVERY_MINUTE, UNTIL_WOKEN, Routine
from rowcrew.control.chores.round import Round
from rowcrew.log import Log
from rowcrew.table import worker as table
from rowcrew.table.statements import SQL
from tests.control.site import Site
from tests.control.test_chores import until

pytestmark = pytest.mark.anyio

SCHEDULE = 'INSERT INTO schedules (name, type, "everySeconds", "nextAt", paused) VALUES '
WORK = [
    ("INSERT INTO workers (\"bootId\", host) VALUES (gen_random_uuid(), 'elsewhere')", ["rescue"]),
    ("INSERT INTO queues (queue, \"rescueForeignSeconds\") VALUES ('shared', 60)", ["rescue"]),
    (f"{SCHEDULE}('new', 'quick', 60, NULL, false)", ["schedules"]),
    (f"{SCHEDULE}('near', 'quick', 60, now() + interval '12 s', false)", ["schedules"]),
    ("INSERT INTO event_receivers (name, via, target) VALUES ('pager', 'command', 'page')", ["events"]),
    ("INSERT INTO queue_alarms (queue, \"readyAbove\") VALUES ('default', 5)", ["deep queues"]),
]
REST = [
    'INSERT INTO workers ("bootId", host, "lostAt") VALUES (gen_random_uuid(), \'gone\', now())',
    f"{SCHEDULE}('far', 'quick', 60, now() + interval '1 hour', false)",
    f"{SCHEDULE}('paused', 'quick', 60, NULL, true)",
    'INSERT INTO queue_alarms (queue, "readyAbove", "lookedAt") VALUES (\'default\', 5, now())',
    "INSERT INTO queues (queue) VALUES ('plain')",
    "INSERT INTO limits (key, \"maxConcurrent\") VALUES ('everybody', 1)",
]


class Sleeper:
    """A chore that counts, with the period that a test gives it; `held` keeps it at it."""

    name = "sleeper"
    jitter_seconds = 0.0

    def __init__(self, period_seconds: float) -> None:
        self.period_seconds = period_seconds
        self.times = 0
        self.held = asyncio.Event()
        self.held.set()

    async def once(self) -> None:
        self.times += 1
        await self.held.wait()


def routine(site: Site, chore: Sleeper | Round) -> Routine:
    return Routine(chore, link=site.links.chores, clock=site.clock, log=Log("text", io.StringIO()))


@pytest.fixture(autouse=True)
def no_preset(site: Site) -> None:
    """A new table has schedules, which nobody has planned yet."""
    site.table.rows("DELETE FROM schedules")


def begun(site: Site, chore: Sleeper) -> bool:
    """Whether its routine has come through its jitter."""
    site.clock.move(0)
    return chore.times > 0


async def found(site: Site) -> list[str]:
    return await table.look_round(site.links.chores, worker=site.organs.identity.worker_id)


@pytest.mark.parametrize(("work", "chores"), WORK)
async def test_a_round_finds_what_there_is_to_do(site: Site, work: str, chores: list[str]) -> None:
    site.table.rows(work)
    assert await found(site) == chores


@pytest.mark.parametrize("rest", REST)
async def test_a_round_wakes_nobody_for_what_has_its_time_to_come(site: Site, rest: str) -> None:
    site.table.rows(rest)
    assert await found(site) == []


async def test_a_lost_worker_that_holds_a_job_is_looked_at(site: Site) -> None:
    await site.start()
    site.table.rows('UPDATE workers SET "lostAt" = now()')
    assert await found(site) == []
    assert await table.look_round(site.links.chores, worker=0) == ["rescue"]


async def test_a_job_that_waits_wakes_those_who_let_it_go_and_look_after_it(
    site: Site,
) -> None:
    first = site.table.enqueue("quick")
    site.table.enqueue("quick", waitsFor=[first])
    assert await found(site) == ["waits"]
    await site.organs.examine.once()
    assert await found(site) == ["waits", "sweep of waits"]


async def test_limits_are_put_back_when_their_time_has_come(site: Site) -> None:
    site.table.rows(
        "INSERT INTO queues (queue, paused, until) VALUES ('later', true, now() + interval '1 hour')"
    )
    assert await found(site) == []
    site.table.rows("UPDATE queues SET until = now() - interval '1 s'")
    assert await found(site) == ["put back limits"]


async def test_a_round_names_only_chores_that_there_are(site: Site) -> None:
    named = set(re.findall(r"^    \('([a-z ]+)', ", SQL["worker/look_round"], re.MULTILINE))
    assert len(named) == 7
    assert named <= {name for name, _ in site.organs.loops()}


async def test_a_round_wakes_only_chores_that_found_nothing_to_do(site: Site) -> None:
    idle, busy = Sleeper(UNTIL_WOKEN), Sleeper(EVERY_MINUTE)
    routines = {"schedules": routine(site, idle), "deep queues": routine(site, busy)}
    running = [asyncio.create_task(one.run()) for one in routines.values()]
    site.table.rows(WORK[2][0])
    site.table.rows(WORK[5][0])
    await until(lambda: begun(site, idle) and begun(site, busy))
    await as_far_as_it_gets()
    await a_round(site, routines).once()
    await until(lambda: idle.times == 2)
    await as_far_as_it_gets()
    assert busy.times == 1
    for task in running:
        task.cancel()


async def test_what_a_round_finds_while_a_chore_is_at_it_is_looked_at_after(site: Site) -> None:
    """The chore may have looked before it was there, and find that there is nothing to do."""
    chore = Sleeper(EVERY_MINUTE)
    schedules = routine(site, chore)
    running = asyncio.create_task(schedules.run())
    await until(lambda: begun(site, chore))
    chore.held.clear()
    chore.period_seconds = UNTIL_WOKEN
    schedules.wake()
    await until(lambda: chore.times == 2)
    site.table.rows(WORK[2][0])
    await a_round(site, {"schedules": schedules}).once()
    assert chore.times == 2
    chore.held.set()
    await until(lambda: chore.times == 3)
    running.cancel()


async def test_a_table_that_cannot_be_read_keeps_no_chore_asleep_that_needs_others(site: Site) -> None:
    idle, busy = Sleeper(UNTIL_WOKEN), Sleeper(EVERY_MINUTE)
    routines = {"rescue": routine(site, idle), "events": routine(site, busy)}
    running = [asyncio.create_task(one.run()) for one in routines.values()]
    await until(lambda: begun(site, idle) and begun(site, busy))
    await as_far_as_it_gets()
    site.table.rows("ALTER TABLE event_receivers RENAME TO taken_away")
    with pytest.raises(psycopg.errors.UndefinedTable):
        await a_round(site, routines).once()
    await until(lambda: idle.times == 2)
    await as_far_as_it_gets()
    assert busy.times == 1
    for task in running:
        task.cancel()


@pytest.mark.parametrize(("heartbeat", "seconds"), [(1, 2.0), (5, 10.0), (30, 10.0)])
async def test_a_round_comes_every_ten_seconds_or_after_two_beats(
    site: Site, heartbeat: float, seconds: float
) -> None:
    one = a_round(site, {}, heartbeat)
    assert (one.period_seconds, one.jitter_seconds) == (seconds, seconds)


def a_round(site: Site, routines: dict[str, Routine], heartbeat: float = 5.0) -> Round:
    return Round(
        link=site.links.chores,
        identity=site.organs.identity,
        routines=routines,
        heartbeat_seconds=heartbeat,
    )
