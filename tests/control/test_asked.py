"""What operators ask of a whole worker, by a word in its row: to drain, to go on, to terminate."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest

from rig.staging import WAITING_FOR_LOCKS
from rig.waiting import comes_true
from rowcrew.admin import workers as admin
from rowcrew.admin.link import operators_link
from rowcrew.model.job import Job
from rowcrew.model.outcome import Completed
from rowcrew.table import worker as statements
from tests.control.site import OpenSite, Site

pytestmark = pytest.mark.anyio


@pytest.fixture
async def reserving(site: Site) -> AsyncIterator[Site]:
    """A worker that reserves as it does in production, with its fence open."""
    await site.organs.heartbeat.once()
    loop = asyncio.create_task(site.organs.reserver.run())
    yield site
    loop.cancel()
    with suppress(asyncio.CancelledError):
        await loop


async def hears(site: Site, asked: str | None) -> None:
    """The row says so, and the next heartbeat reads it."""
    site.table.rows("UPDATE workers SET asked = %s WHERE id = %s", asked, site.organs.identity.worker_id)
    await site.organs.heartbeat.once()


def takes_jobs(site: Site) -> bool:
    return bool(site.organs.reserver._appetite.ask(site.clock.now()).fits)


async def reserved(site: Site, id: int) -> None:
    def is_here() -> bool:
        site.clock.move(0.01)  # wake-ups that follow each other have a pace
        return id in [run.job.id for run in site.road.ledger]

    site.organs.reserver.wake()
    await comes_true(is_here)


async def test_a_worker_that_drains_ends_what_it_has_and_takes_more_once_it_is_resumed(
    reserving: Site,
) -> None:
    site = reserving
    first = site.table.enqueue("quick")
    await reserved(site, first)
    await hears(site, "drain")
    assert not takes_jobs(site)
    second = site.table.enqueue("quick")
    site.organs.reserver.wake()
    site.began([site.running(first)])
    assert (await site.finish(site.running(first), Completed()))["status"] == "completed"
    assert (takes_jobs(site), site.table.row(second)["status"]) == (False, "queued")
    await hears(site, None)
    assert takes_jobs(site)
    await reserved(site, second)
    assert (site.said.count("Draining"), site.said.count("Taking jobs again")) == (1, 1)


async def test_jobs_of_a_reserve_under_way_when_the_drain_comes_are_run(
    reserving: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, reserve, arrives = reserving, statements.reserve, asyncio.Event()

    async def late(*given: Any, **named: Any) -> list[Job]:
        jobs = await reserve(*given, **named)
        await arrives.wait()
        return jobs

    monkeypatch.setattr(statements, "reserve", late)
    id = site.table.enqueue("quick")
    site.organs.reserver.wake()
    await comes_true(lambda: site.table.row(id)["status"] == "processing")
    await hears(site, "drain")
    later = site.table.enqueue("quick")
    arrives.set()
    await comes_true(lambda: bool(site.runner.assigned))
    run = site.running(id)
    site.began([run])
    assert (await site.finish(run, Completed()))["status"] == "completed"
    assert (takes_jobs(site), site.table.row(later)["status"]) == (False, "queued")


async def test_a_worker_that_drains_runs_the_suspects_that_wait_for_a_runner(open_site: OpenSite) -> None:
    site: Site = await open_site(concurrency=8, runners=1)
    ids = [site.table.enqueue("quick") for _ in range(4)]
    site.table.rows("UPDATE jobs SET crashes = 3 WHERE id = ANY (%s)", ids)  # so many share with nobody
    await site.reserve()
    await hears(site, "drain")
    for _ in ids:
        running = [run for runner in site.all_runners for run in runner.runs.values() if not run.started_at]
        site.began(running)
        for run in running:
            await site.finish(run, Completed())
        site.let_leave()
    assert [site.table.row(id)["status"] for id in ids] == ["completed"] * 4


async def test_a_worker_is_told_once_to_terminate_and_never_turns_back(site: Site) -> None:
    terminated = site.organs.requests.terminated
    await site.organs.heartbeat.once()
    assert not terminated.done()
    await hears(site, "terminate")
    await hears(site, "terminate")
    await hears(site, None)
    assert terminated.done()


@pytest.mark.parametrize("asked", ["drain", "terminate", None])
async def test_a_worker_that_was_declared_lost_is_asked_under_its_new_id_what_it_was_asked_before(
    site: Site, asked: str | None
) -> None:
    former = site.organs.identity.worker_id
    site.table.rows('UPDATE workers SET asked = %s, "lostAt" = now() WHERE id = %s', asked, former)
    await site.organs.heartbeat.once()
    assert site.organs.identity.worker_id != former
    query = "SELECT asked FROM workers WHERE id = %s"
    assert site.table.rows(query, site.organs.identity.worker_id) == [{"asked": asked}]
    assert site.organs.requests.draining == (asked == "drain")
    assert site.organs.requests.terminated.done() == (asked == "terminate")


@pytest.mark.parametrize("lost", [True, False], ids=["committed", "rolled back"])
async def test_a_request_that_waited_for_a_rescue_says_whether_the_worker_is_gone(
    site: Site, database_url: str, lost: bool
) -> None:
    id = site.organs.identity.worker_id
    link = operators_link(database_url)
    with psycopg.connect(database_url) as rescuer:
        rescuer.execute('UPDATE workers SET "lostAt" = now() WHERE id = %s', (id,))
        asking = asyncio.create_task(admin.request(link, "terminate", [id]))
        await comes_true(lambda: bool(site.table.rows(WAITING_FOR_LOCKS)))
        rescuer.commit() if lost else rescuer.rollback()
    (answer,) = await asking
    await link.close()
    assert (answer.asked, answer.state) == ((False, "lost") if lost else (True, "stopping"))


async def test_a_request_wakes_the_worker_and_a_heartbeat_does_not(site: Site, database_url: str) -> None:
    id = site.organs.identity.worker_id
    with psycopg.connect(database_url, autocommit=True) as listener:
        listener.execute("LISTEN rowcrew_lost")
        await site.organs.heartbeat.once()
        site.table.rows("UPDATE workers SET asked = 'drain' WHERE id = %s", id)
        site.table.rows("UPDATE workers SET asked = 'drain' WHERE id = %s", id)  # nothing new
        listener.execute("SELECT")  # by its end all that was told before has come
        heard = [notify.payload for notify in listener.notifies(timeout=0)]
    assert heard == [str(id)]


async def test_a_heartbeat_writes_how_often_runners_were_replaced(site: Site) -> None:
    site.runners.replace(site.runner)
    await site.organs.heartbeat.once()
    query = "SELECT restarts FROM worker_status WHERE id = %s"
    assert site.table.rows(query, site.organs.identity.worker_id) == [{"restarts": 1}]
