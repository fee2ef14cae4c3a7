"""How chores are run: again and again, whatever comes of one."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable

import psycopg
import pytest

from rig.clock import MovedClock
from rowcrew.control.chores.chore import Routine
from rowcrew.control.chores.prune import Prune
from rowcrew.control.letting_go import LettingGo
from rowcrew.log import Log
from rowcrew.table.link import Link
from tests.control.site import Site
from tests.model.made import a_job

pytestmark = pytest.mark.anyio
NOWHERE = "postgresql://nobody@localhost:1/nothing"


class Counting:
    """A chore that counts, and fails as it is told."""

    name = "counting"
    period_seconds = 60.0
    jitter_seconds = 60.0

    def __init__(self) -> None:
        self.times = 0
        self.error: Exception | None = None

    async def once(self) -> None:
        self.times += 1
        if self.error is not None:
            raise self.error


class Ticked:
    """A chore in its routine, with a clock that the test moves."""

    def __init__(self) -> None:
        self.output = io.StringIO()
        self.clock = MovedClock()
        self.chore = Counting()
        link, log = Link(NOWHERE, purpose="chores"), Log("text", self.output)
        self.routine = Routine(self.chore, link=link, clock=self.clock, log=log)


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(100):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it did not come to this")


async def test_a_chore_begins_within_its_jitter_and_comes_round_by_its_period() -> None:
    one = Ticked()
    running = asyncio.create_task(one.routine.run())
    for _ in range(3):
        await until(lambda: bool(one.clock.timers))
    assert one.chore.times == 0
    one.clock.move(60)
    await until(lambda: one.chore.times == 1)
    await until(lambda: bool(one.clock.timers))
    one.clock.move(59)
    await asyncio.sleep(0)
    assert one.chore.times == 1
    one.clock.move(1)
    await until(lambda: one.chore.times == 2)
    running.cancel()


async def test_an_outage_is_told_once_and_so_is_its_end() -> None:
    one = Ticked()
    one.chore.error = psycopg.OperationalError("the server is gone")
    for _ in range(3):
        await one.routine.once()
    one.chore.error = None
    for _ in range(2):
        await one.routine.once()
    assert one.chore.times == 5
    assert [line.split("(")[1] for line in one.output.getvalue().splitlines()] == [
        "counting): the server is gone",
        "counting)",
    ]


async def test_a_surprise_is_told_each_time_and_costs_nobody_anything() -> None:
    one = Ticked()
    one.chore.error = ZeroDivisionError("password=secret by zero")
    for _ in range(2):
        await one.routine.once()
    said = one.output.getvalue()
    assert said.count("A chore failed, trying again when it is due (counting): ZeroDivisionError") == 2
    assert "secret" not in said
    assert "Traceback" in said


async def test_every_chore_of_a_worker_does_its_round_against_the_table(site: Site) -> None:
    for chore in site.organs._chores():
        await Routine(chore, link=site.links.chores, clock=site.clock, log=Log("text", site.output)).once()
    assert "chore failed" not in site.said
    assert "Database" not in site.said


async def test_rows_that_cannot_be_let_go_are_told(site: Site) -> None:
    output = io.StringIO()
    letting_go = LettingGo(link=Link(NOWHERE, purpose="chores"), clock=site.clock, log=Log("text", output))
    letting_go.let_go(a_job())
    await letting_go.done()
    assert "connection lost (acknowledge)" in output.getvalue()


async def test_a_row_that_cannot_be_deleted_keeps_no_other_from_it(site: Site) -> None:
    site.table.rows(
        """
        INSERT INTO jobs (type, status, "finishedAt")
        SELECT 'quick', 'completed', now() - interval '1 year' FROM generate_series(1, 5);
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'this one stays'; END $$;
        CREATE TRIGGER refuse BEFORE DELETE ON jobs FOR EACH ROW WHEN (OLD.id = 3) EXECUTE FUNCTION refuse()
        """
    )
    (prune,) = [chore for chore in site.organs._chores() if isinstance(chore, Prune)]
    assert await prune.everything() == 4
    assert [row["id"] for row in site.table.rows("SELECT id FROM jobs")] == [3]
    assert "cannot be deleted, the others are: 3: this one stays" in site.said
