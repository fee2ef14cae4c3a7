"""Limits, grace and the end of a worker, by a clock that the test moves."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rig.waiting import as_far_as_it_gets
from rowcrew.control.road.stopping import LAST_CALL_SECONDS
from rowcrew.control.run import StopReason
from rowcrew.model.outcome import Completed, Errored
from tests.control.site import OpenSite, Site

pytestmark = pytest.mark.anyio


def limit_of_queue(site: Site, seconds: int) -> None:
    site.table.rows(
        """
        INSERT INTO queues (queue, "timeoutSeconds") VALUES ('default', %s)
            ON CONFLICT (queue) DO UPDATE SET "timeoutSeconds" = excluded."timeoutSeconds"
        """,
        seconds,
    )


@pytest.mark.parametrize(
    ("type", "columns", "queue", "limit"),
    [
        ("limited", {"timeoutSeconds": 3}, 5, 3),
        ("limited", {}, 5, 7),
        ("quick", {}, 5, 5),
        ("quick", {}, None, 11),
    ],
    ids=["the row's", "the type's", "the queue's", "everybody's"],
)
async def test_a_run_is_stopped_when_its_limit_is_over(
    open_site: OpenSite, type: str, columns: dict[str, Any], queue: int | None, limit: float
) -> None:
    site: Site = await open_site(job_timeout_seconds=11)
    if queue is not None:
        limit_of_queue(site, queue)
    await site.organs.queues.once()
    run = await site.start(type, **columns)
    site.clock.move(limit - 0.1)
    assert site.runner.told_to_stop == []
    site.clock.move(0.1)
    assert site.runner.told_to_stop == [run.job.lease_id]
    row = await site.finish(run, Errored("CancelledError"))
    assert row["errorMessage"] == f"TimeoutError: ran longer than {limit} seconds"


async def test_without_any_limit_a_run_goes_on(site: Site) -> None:
    await site.start()
    site.clock.move(1e6)
    assert site.runner.told_to_stop == []


async def test_a_changed_queue_holds_for_runs_that_begin_after_it_and_not_for_those_at_work(
    site: Site,
) -> None:
    limit_of_queue(site, 10)
    await site.organs.queues.once()
    before = await site.start()
    limit_of_queue(site, 2)
    await site.organs.queues.once()
    after = await site.start()
    site.clock.move(2)
    assert site.runner.told_to_stop == [after.job.lease_id]
    site.clock.move(8)
    assert site.runner.told_to_stop == [after.job.lease_id, before.job.lease_id]


async def test_a_queue_whose_row_goes_has_no_limit_any_more(site: Site) -> None:
    limit_of_queue(site, 2)
    await site.organs.queues.once()
    site.table.rows("DELETE FROM queues")
    await site.organs.queues.once()
    await site.start()
    site.clock.move(100)
    assert site.runner.told_to_stop == []


async def test_a_run_that_does_not_stop_within_the_grace_costs_its_runner_its_life(site: Site) -> None:
    run = await site.start("limited")
    site.clock.move(7 + 4.9)
    assert not site.runner.was_killed()
    site.clock.move(0.1)
    assert site.runner.was_killed()
    assert site.runner.culprits == {run.job.lease_id}
    assert f"job {run.job.id} does not stop" in site.said


async def test_a_run_that_stops_within_the_grace_costs_nothing(site: Site) -> None:
    run = await site.start("limited")
    site.clock.move(7)
    site.ended(run, Errored("CancelledError"))
    site.clock.move(100)
    assert not site.runner.was_killed()


async def test_the_first_reason_to_stop_stands(site: Site) -> None:
    run = await site.start("limited")
    site.clock.move(7)
    site.road.stopping.stop(run, StopReason.TAKEN)
    assert run.stop is StopReason.TIMEOUT
    assert site.runner.told_to_stop == [run.job.lease_id]


async def test_a_job_that_no_runner_has_is_dropped_at_once(site: Site) -> None:
    ids = [site.table.enqueue("quick") for _ in range(5)]
    await site.reserve()
    waiting = site.running(ids[4])
    site.road.stopping.stop(waiting, StopReason.SHUTDOWN)
    assert waiting.is_over
    assert site.runner.told_to_stop == []
    await site.road.recorder.once()
    assert (site.table.row(ids[4])["status"], site.table.row(ids[4])["attempts"]) == ("queued", 0)


async def test_a_drain_waits_asks_and_kills(site: Site) -> None:
    quick, slow, stubborn = await site.start(), await site.start(), await site.start()
    drain = asyncio.create_task(site.road.stopping.drain(25))
    await as_far_as_it_gets()
    site.ended(quick, Completed())
    site.clock.move(24)
    await as_far_as_it_gets()
    assert site.runner.told_to_stop == []
    site.clock.move(1)
    await as_far_as_it_gets()
    assert set(site.runner.told_to_stop) == {slow.job.lease_id, stubborn.job.lease_id}
    site.ended(slow, Errored("CancelledError"))
    site.clock.move(LAST_CALL_SECONDS)
    await as_far_as_it_gets()
    assert site.runner.was_killed()
    assert site.runner.culprits == {stubborn.job.lease_id}
    site.runners.leave(site.runner, "killed by SIGKILL")
    await drain
    await site.road.recorder.once()
    rows = [site.table.row(run.job.id) for run in (quick, slow, stubborn)]
    assert [(row["status"], row["attempts"]) for row in rows] == [
        ("completed", 1),
        ("queued", 0),
        ("queued", 0),
    ]


async def test_a_drain_with_nothing_at_work_is_over_at_once(site: Site) -> None:
    await site.road.stopping.drain(25)
