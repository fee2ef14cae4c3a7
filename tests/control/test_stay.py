"""An ephemeral worker: what it takes, and the moment it leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from rig.waiting import as_far_as_it_gets
from rowcrew import settings
from rowcrew.control.children import usage
from rowcrew.control.children.meter import Reading
from rowcrew.control.road.limited_queue import GAP_SECONDS
from rowcrew.control.road.stopping import LAST_CALL_SECONDS
from rowcrew.control.run import StopReason
from rowcrew.control.stay import Stay, limits_of_stay
from rowcrew.model.outcome import Completed, Errored
from rowcrew.model.stay import LAST_LOOK_SECONDS, Limits
from tests.control.site import OpenSite, Site

pytestmark = pytest.mark.anyio


def stay_of(site: Site) -> Stay:
    assert site.organs.stay is not None
    return site.organs.stay


async def while_nothing_comes(site: Site, seconds: float) -> None:
    """So much time passes, and the worker looks for rows."""
    site.clock.move(seconds)
    await site.reserve()


@asynccontextmanager
async def at_work(site: Site) -> AsyncIterator[None]:
    """While it lives, reserves and watches its stay."""
    organs = site.organs
    loops = [organs.heartbeat.run(), stay_of(site).run(), organs.reserver.run()]
    tasks = [asyncio.create_task(loop) for loop in loops]
    yield
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


@pytest.mark.parametrize("queue", ["open", "limited"])
async def test_no_more_jobs_are_reserved_than_may_still_be_taken(open_site: OpenSite, queue: str) -> None:
    site = await open_site(limits=Limits(max_jobs_per_session=3), concurrency=10)
    site.table.rows("INSERT INTO queues (queue, \"maxConcurrent\") VALUES ('limited', 100)")
    for _ in range(8):
        site.table.enqueue("quick", queue=queue)
    appetite, reserver = site.organs.reserving.appetite, site.organs.reserver
    ask = appetite.ask(site.clock.now())
    ask = ask.less(await reserver.look(ask))
    site.clock.move(GAP_SECONDS)
    await reserver.look_under_limits(ask)
    assert site.table.count("processing") == 3
    assert not appetite.ask(site.clock.now()).fits
    first, *others = site.road.ledger
    await site.finish(first, Completed())
    assert not appetite.ask(site.clock.now()).fits
    assert stay_of(site).once() is None
    for run in others:
        await site.finish(run, Completed())
    assert stay_of(site).once() == "max_jobs"
    assert site.table.count("queued") == 5


async def test_nobody_leaves_before_a_queue_whose_limit_is_young_was_looked_at(open_site: OpenSite) -> None:
    site = await open_site(limits=Limits(idle_timeout_seconds=1))
    site.table.rows("INSERT INTO queues (queue, \"maxConcurrent\") VALUES ('limited', 1)")
    site.table.enqueue("quick", queue="limited")
    stay, reserver = stay_of(site), site.organs.reserver
    ask = site.organs.reserving.appetite.ask(site.clock.now())
    await reserver.look(ask)
    site.clock.move(GAP_SECONDS)
    assert stay.once() is None
    assert await reserver.look_under_limits(ask) == 1


async def test_idle_time_counts_from_the_start_and_from_the_end_of_the_last_job(open_site: OpenSite) -> None:
    site = await open_site(limits=Limits(idle_timeout_seconds=20))
    stay = stay_of(site)
    await while_nothing_comes(site, 19)
    assert stay.once() is None
    run = await site.start()
    site.clock.move(1_000)
    assert stay.once() is None
    await site.finish(run, Completed())
    assert stay.once() is None
    await while_nothing_comes(site, 19.9)
    assert stay.once() is None
    await while_nothing_comes(site, 0.1)
    assert stay.once() == "idle_timeout"


async def test_a_job_that_came_and_went_between_two_looks_at_the_clock_counts(open_site: OpenSite) -> None:
    site = await open_site(limits=Limits(idle_timeout_seconds=20))
    stay = stay_of(site)
    site.clock.move(15)
    assert stay.once() is None
    await site.finish(await site.start(), Completed())
    site.clock.move(10)
    assert stay.once() is None


async def test_a_job_whose_end_is_not_recorded_keeps_the_worker(open_site: OpenSite) -> None:
    site = await open_site(limits=Limits(max_jobs_per_session=1, idle_timeout_seconds=20))
    run = await site.start()
    site.ended(run, Completed())
    site.clock.move(1_000)
    assert stay_of(site).once() is None
    await site.road.recorder.once()
    assert stay_of(site).once() == "max_jobs"


async def test_a_worker_that_has_become_idle_looks_for_rows_at_once(open_site: OpenSite) -> None:
    site = await open_site(limits=Limits(idle_timeout_seconds=1), poll_seconds=600)
    await site.finish(await site.start(), Completed())
    site.road.ledger.woken.clear()
    assert stay_of(site).once() is None
    assert site.road.ledger.woken.is_set()


async def test_rows_that_a_limit_holds_back_are_no_work(open_site: OpenSite) -> None:
    site = await open_site(limits=Limits(idle_timeout_seconds=20))
    site.table.rows("INSERT INTO queues (queue, \"maxConcurrent\") VALUES ('closed', 0)")
    site.table.enqueue("quick", queue="closed")
    async with at_work(site):
        await site.while_time_passes(asyncio.wait([stay_of(site).over], timeout=20))
    assert stay_of(site).over.result() == "idle_timeout"


async def test_a_worker_whose_looks_have_no_answer_leaves_a_little_later(open_site: OpenSite) -> None:
    site = await open_site(limits=Limits(idle_timeout_seconds=20))
    site.clock.move(20 + LAST_LOOK_SECONDS * 0.9)
    assert stay_of(site).once() is None
    site.clock.move(LAST_LOOK_SECONDS * 0.1)
    assert stay_of(site).once() == "idle_timeout"


async def test_a_worker_leaves_its_jobs_only_at_the_end_of_its_time(open_site: OpenSite) -> None:
    site = await open_site(limits=Limits(max_runtime_seconds=300))
    await site.start()
    site.clock.move(299.9)
    assert stay_of(site).once() is None
    site.clock.move(0.1)
    assert stay_of(site).once() == "max_runtime"


async def test_a_drained_worker_leaves_when_it_holds_nothing_and_one_that_is_resumed_stays(
    open_site: OpenSite,
) -> None:
    site = await open_site(limits=Limits())
    run = await site.start()
    site.organs.requests.hear("drain")
    assert stay_of(site).once() is None
    site.organs.requests.hear(None)
    await site.finish(run, Completed())
    assert stay_of(site).once() is None
    site.organs.requests.hear("drain")
    assert stay_of(site).once() == "drained"


async def test_a_runner_that_outgrows_its_memory_ends_the_stay_and_is_not_replaced(
    open_site: OpenSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = await open_site(limits=Limits(), max_memory_bytes=1 << 20)
    run = await site.start()
    monkeypatch.setattr(usage, "reading", lambda _: Reading(memory=6 << 18, cpu=0.0))
    site.organs.usage.sample()
    assert stay_of(site).once() is None
    site.table.enqueue("quick")
    async with at_work(site):
        await site.while_time_passes(asyncio.sleep(0.05))
    await site.finish(run, Completed())
    assert stay_of(site).once() == "memory"
    assert site.runners.restarts == 0
    assert site.table.count("queued") == 1


async def test_a_run_that_outlasts_the_stay_goes_back_at_once_and_its_attempt_counts(site: Site) -> None:
    slow, last = await site.start(), await site.start(maxAttempts=1)
    drain = asyncio.create_task(site.road.stopping.drain(25, StopReason.OUT_OF_TIME))
    await as_far_as_it_gets()
    site.clock.move(25)
    await as_far_as_it_gets()
    assert set(site.runner.told_to_stop) == {slow.job.lease_id, last.job.lease_id}
    site.ended(slow, Errored("CancelledError"))
    site.clock.move(LAST_CALL_SECONDS)
    await as_far_as_it_gets()
    site.runners.leave(site.runner, "killed by SIGKILL")
    await drain
    await site.road.recorder.once()
    assert back(site, slow.job.id) == ("queued", 1, True)
    assert site.table.row(last.job.id)["status"] == "failed"
    assert "as long as it may" in site.table.row(last.job.id)["errorMessage"]


async def test_a_job_that_no_runner_had_begun_goes_back_without_costing_an_attempt(site: Site) -> None:
    id = site.table.enqueue("quick")
    await site.reserve()
    site.road.stopping.stop(site.running(id), StopReason.OUT_OF_TIME)
    site.runners.leave(site.runner, "killed by SIGKILL")
    await site.road.recorder.once()
    assert back(site, id) == ("queued", 0, True)


async def test_the_least_of_the_queues_counts_where_no_setting_does(open_site: OpenSite) -> None:
    site = await open_site()
    site.table.rows(
        """INSERT INTO queues (queue, "maxJobsPerSession", "idleTimeoutSeconds", "maxRuntimeSeconds")
           VALUES ('a', 10, 30, NULL), ('b', NULL, 20, 300), ('c', 1, 1, 1)"""
    )

    async def limits(*queues: str, **given: Any) -> Limits:
        asked = settings.read({"DATABASE_URL": site.table.address}, queues=queues, **given)
        return await limits_of_stay(asked, site.links.chores)

    assert await limits("a", "b") == Limits(10, 20, 300)
    assert await limits("a", max_jobs=5, max_runtime_seconds=60.0) == Limits(5, 30, 60)
    assert await limits() == await limits("unknown") == Limits(None, 30, None)


def back(site: Site, id: int) -> tuple[str, int, bool]:
    """How the row came back; whether it may be taken now."""
    (row,) = site.table.rows(
        'SELECT status, attempts, "runAt" <= clock_timestamp() AS ready FROM jobs WHERE id = %s', id
    )
    return row["status"], row["attempts"], row["ready"]


async def test_rows_taken_one_by_one_beside_an_odd_one_have_no_more_room_together(site: Site) -> None:
    site.table.rows("INSERT INTO queues (queue, \"maxConcurrent\") VALUES ('limited', 100)")
    site.table.rows("ALTER TABLE jobs ADD CHECK (priority <> 7 OR status = 'queued') NOT VALID")
    for priority in (7, 0, 0, 0, 0, 0):
        site.table.enqueue("quick", queue="limited", priority=priority)
    await site.reserve()
    site.clock.move(GAP_SECONDS)
    assert await site.organs.reserving.limited.look(2) == site.table.count("processing") == 2
