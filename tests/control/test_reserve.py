"""What a worker takes, how much of it and when: one look at a time."""

from __future__ import annotations

import asyncio
import random
import string
from collections.abc import Sequence
from typing import Any

import pytest

from rowcrew.control.road.appetite import Ask
from rowcrew.control.road.looks import FULL_SWEEP_SECONDS, QUICK_LOOKS, SHORT_SWEEP_SECONDS, Look, Looks
from rowcrew.control.road.odd_rows import LARGE_BYTES, OddRows
from rowcrew.model.appetite import ENOUGH_RUNS
from rowcrew.model.floors import BOTTOM, Probes
from rowcrew.model.job import Job
from rowcrew.model.outcome import Completed
from rowcrew.table import worker as statements
from rowcrew.table.opening import CALL_SECONDS, DeadlineOver
from tests.control.site import OpenSite, Site
from tests.model.made import a_job

pytestmark = pytest.mark.anyio


async def test_the_best_rows_come_first_and_no_more_than_asked_for(site: Site) -> None:
    ids = [site.table.enqueue("quick", priority=priority) for priority in (0, 20, -10, 10)]
    assert await site.reserve(room=2) == 2
    assert [run.job.id for run in site.road.ledger] == [ids[1], ids[3]]


async def test_rows_of_unknown_types_stay(site: Site) -> None:
    site.table.enqueue("unheard of")
    assert await site.reserve() == 0
    assert site.table.count("queued") == 1


async def test_a_row_below_the_floor_is_found_by_the_next_sweep(site: Site) -> None:
    await site.reserve()
    with site.table.another() as producer:
        producer.execute("INSERT INTO jobs (type) VALUES ('quick')")
        site.table.enqueue("quick")
        assert await site.reserve(room=10) == 1
        site.table.rows("SELECT pg_sleep(0.2)")  # so near to now no floor counts
        producer.commit()
    assert await site.reserve() == 0  # below the floor
    site.clock.move(SHORT_SWEEP_SECONDS)
    assert await site.reserve() == 1


@pytest.fixture
def late_reply(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """The database has reserved, and its answer arrives when the event is set."""
    arrives, reserve = asyncio.Event(), statements.reserve

    async def late(*given: Any, **named: Any) -> list[Job]:
        jobs = await reserve(*given, **named)
        await arrives.wait()
        return jobs

    monkeypatch.setattr(statements, "reserve", late)
    return arrives


async def reserving(site: Site, id: int) -> asyncio.Task[int]:
    """A look whose rows the database knows as ours, and this worker does not."""
    look = asyncio.create_task(site.reserve())
    await asyncio.to_thread(site.table.until, id, "processing")
    return look


@pytest.mark.parametrize("queue", ["open", "limited"])
async def test_rows_reserved_beside_an_odd_one_are_not_given_back_however_long_that_takes(
    site: Site, monkeypatch: pytest.MonkeyPatch, queue: str
) -> None:
    """The good ones are ours in the table, and wait here until the odd one is found."""
    site.table.rows("INSERT INTO queues (queue, \"maxConcurrent\") VALUES ('limited', 5)")
    site.table.rows("ALTER TABLE jobs ADD CHECK (priority <> -7 OR status = 'queued') NOT VALID")
    good = site.table.enqueue("quick", queue=queue)
    odd = site.table.enqueue("quick", queue=queue, priority=-7)
    set_aside = site.organs.set_aside.queued

    async def slowly(id: int, error: Exception) -> None:
        assert site.table.row(good)["status"] == "processing"
        for _ in range(3):
            site.clock.move(5.0)
            await site.organs.heartbeat.check()
        await set_aside(id, error)

    monkeypatch.setattr(site.organs.set_aside, "queued", slowly)
    while site.road.ledger.in_flight == 0:
        site.clock.move(1.0)
        await site.reserve()
        await site.organs.reserving.limited.look(10)
    await site.road.recorder.once()
    assert [row["jobId"] for row in site.table.rows("SELECT * FROM jobs_set_aside")] == [odd]
    assert [run.job.id for run in site.road.ledger] == [good]
    assert site.table.row(good)["status"] == "processing"


async def test_rows_that_a_late_reply_may_still_bring_are_not_given_back(
    site: Site, late_reply: asyncio.Event
) -> None:
    id = site.table.enqueue("quick")
    look = await reserving(site, id)
    for _ in range(3):
        site.clock.move(5)
        await site.organs.heartbeat.check()
        assert not site.road.recorder._pending
    late_reply.set()
    assert await look == 1
    await site.organs.heartbeat.check()
    assert not site.road.recorder._pending
    assert site.runner.assigned == [site.running(id).job.lease_id]


async def test_rows_whose_reply_was_lost_are_given_back_at_the_second_comparison(
    site: Site, late_reply: asyncio.Event
) -> None:
    id = site.table.enqueue("quick")
    look = await reserving(site, id)
    look.cancel()
    await asyncio.gather(look, return_exceptions=True)
    site.clock.move(5)
    await site.organs.heartbeat.check()
    assert not site.road.recorder._pending
    site.clock.move(5)
    await site.organs.heartbeat.check()
    await site.road.recorder.once()
    row = site.table.row(id)
    assert (row["status"], row["attempts"], row["workerId"]) == ("queued", 0, None)


async def test_rows_whose_reply_was_lost_in_an_outage_are_given_back_before_the_next_look(
    site: Site, late_reply: asyncio.Event
) -> None:
    id = site.table.enqueue("quick")
    look = await reserving(site, id)
    look.cancel()
    await asyncio.gather(look, return_exceptions=True)
    await site.organs.heartbeat.check(nothing_in_flight=True)
    await site.road.recorder.once()
    assert site.table.row(id)["status"] == "queued"


async def test_after_a_withdrawal_a_late_reply_goes_back(site: Site, late_reply: asyncio.Event) -> None:
    id = site.table.enqueue("quick")
    look = await reserving(site, id)
    site.road.dispatcher.withdraw()
    late_reply.set()
    await look
    await site.road.recorder.once()
    assert (site.table.row(id)["status"], site.table.row(id)["attempts"]) == ("queued", 0)
    assert site.runner.assigned == []


async def test_a_row_too_large_to_send_in_time_is_set_aside_after_the_others(
    site: Site,
) -> None:
    noise = "".join(random.Random(1).choices(string.ascii_letters, k=2 * LARGE_BYTES))
    large, small = site.table.enqueue("quick", {"noise": noise}), site.table.enqueue("quick")
    odd_rows = OddRows(link=site.links.reserve, set_aside=site.organs.set_aside)
    odd_rows.suspected = True

    async def take(*, only: Sequence[int], seconds: float | None = None) -> list[Job]:
        if large in only:
            raise DeadlineOver(seconds or CALL_SECONDS)
        return [a_job(id=id) for id in only]

    async def careful() -> list[int]:
        probes = Probes(queues=["default"], priorities=[0], floors=[BOTTOM], floor_ids=[0])
        return [job.id for job in await odd_rows.take(Ask(("quick",), 10, 1), probes, take)]

    assert await careful() == [small]
    assert await careful() == []
    (aside,) = site.table.rows("SELECT * FROM jobs_set_aside")
    assert (aside["jobId"], odd_rows.suspected) == (large, True)
    assert await careful() == [small]
    site.table.rows("DELETE FROM jobs WHERE id = %s", small)
    assert await careful() == []
    assert not odd_rows.suspected


def ask(site: Site) -> Ask:
    return site.organs.reserving.appetite.ask(site.clock.now())


async def test_nothing_is_asked_for_while_no_runner_answers_or_too_much_is_unrecorded(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask(site).fits
    site.runner.is_silent = True
    assert not ask(site).fits
    site.runner.is_silent = False
    run = await site.start()
    site.ended(run, Completed())
    monkeypatch.setattr("rowcrew.control.road.appetite.MOST_UNRECORDED", 0)
    assert not ask(site).fits


async def full_of_short_jobs(open_site: OpenSite) -> Site:
    """Four slots, a backlog of short jobs, and a look that was filled with them."""
    site: Site = await open_site(concurrency=4)
    site.timed("quick", ENOUGH_RUNS, 0.01)
    for _ in range(20):
        site.table.enqueue("quick")
    first = ask(site)
    assert site.organs.reserving.appetite.found(first, await site.organs.reserver.look(first), 0.0)
    return site


async def test_of_a_backlog_short_jobs_are_reserved_ahead(open_site: OpenSite) -> None:
    site = await full_of_short_jobs(open_site)
    assert (ask(site).types, ask(site).room > 4) == (("quick",), True)


async def test_other_types_have_their_turn_between_short_ones(open_site: OpenSite) -> None:
    site = await full_of_short_jobs(open_site)
    site.clock.move(0.1)
    assert ask(site).types == site.catalogue.names


async def test_nothing_is_reserved_ahead_beside_a_solo_run(open_site: OpenSite) -> None:
    site = await full_of_short_jobs(open_site)
    for run in list(site.road.ledger)[:2]:
        site.began([run])
        site.ended(run, Completed())
    site.table.enqueue("alone", priority=20)
    await site.reserve(room=1)
    (alone,) = [run for run in site.road.ledger if run.job.type == "alone"]
    assert ask(site).types == site.catalogue.names
    assert ask(site).room + site.road.ledger.in_flight <= 4 + 1
    site.ended(alone, Completed())
    assert ask(site).types == ("quick",)


def test_after_a_wake_up_looks_come_quickly_and_then_by_the_poll_interval() -> None:
    looks = Looks(poll_seconds=2.0, now=0.0)
    looks.woken()
    assert [looks.pause() for _ in QUICK_LOOKS] == [seconds for seconds, _ in QUICK_LOOKS]
    assert [looks.pause(), looks.pause()] == [2.0, 2.0]


def test_the_first_look_and_each_poll_learn_the_lines() -> None:
    looks = Looks(poll_seconds=2.0, now=0.0)
    assert looks.begin(0.0) == Look(learns=True, sweep="full")
    looks.learned(0.0)
    looks.swept("full", 0.0)
    looks.swept("short", 0.0)
    assert looks.begin(0.01) == Look()
    looks.pause()
    assert looks.begin(0.02) == Look(learns=True)


def test_a_wake_up_looks_at_once_and_learns_nothing() -> None:
    looks = Looks(poll_seconds=2.0, now=0.0)
    looks.swept("full", 0.0)
    looks.swept("short", 0.0)
    looks.pause()
    looks.woken()
    assert looks.begin(0.05) == Look()


def test_sweeps_come_by_the_clock_the_full_one_first() -> None:
    looks = Looks(poll_seconds=2.0, now=0.0)
    for kind in ("full", "short"):
        looks.swept(kind, 0.0)
    assert looks.begin(SHORT_SWEEP_SECONDS - 0.01).sweep is None
    assert looks.begin(SHORT_SWEEP_SECONDS).sweep == "short"
    assert looks.begin(FULL_SWEEP_SECONDS) == Look(learns=True, sweep="full")


def test_a_costly_sweep_takes_no_more_than_a_twentieth_of_the_time() -> None:
    looks = Looks(poll_seconds=2.0, now=0.0)
    looks.begin(100.0)
    looks.swept("full", 110.0)
    looks.swept("short", 110.0)
    assert looks.begin(309.0).sweep is None
    assert looks.begin(310.0).sweep == "full"


def test_a_stream_of_wake_ups_is_paced_and_a_lone_one_is_not() -> None:
    looks = Looks(poll_seconds=2.0, now=0.0)
    looks.begin(10.0)
    assert looks.pace(10.001) == pytest.approx(0.003)
    assert looks.pace(11.0) == 0.0
