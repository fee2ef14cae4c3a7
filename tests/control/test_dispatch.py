"""Which runner gets which job, and what comes of runners that die, hang or are taken back from."""

from __future__ import annotations

import pytest

from rowcrew.control.children.runner import BEGIN_SECONDS
from rowcrew.control.chores.unbegun import TakeBackUnbegun
from rowcrew.control.road.appetite import Ask
from rowcrew.model.appetite import ENOUGH_RUNS
from rowcrew.model.outcome import Completed
from rowcrew.runner.wire import Assign
from tests.control.site import OpenSite, Site

pytestmark = pytest.mark.anyio


async def test_jobs_go_to_the_runner_with_the_fewest_runs(open_site: OpenSite) -> None:
    site: Site = await open_site(concurrency=4, runners=2)
    for _ in range(4):
        site.table.enqueue("quick")
    await site.reserve()
    assert [len(runner.assigned) for runner in site.all_runners] == [2, 2]


async def test_a_long_job_waits_for_a_free_slot_and_a_short_one_goes_ahead(site: Site) -> None:
    for _ in range(6):
        site.table.enqueue("quick")
    await site.reserve()
    assert len(site.runner.assigned) == 4
    site.ended(site.running(1), Completed())
    assert len(site.runner.assigned) == 5
    site.timed("limited", ENOUGH_RUNS, 0.001)
    site.ended(site.running(2), Completed())
    site.table.enqueue("limited")
    await site.reserve()
    assert len(site.runner.assigned) == 7


async def test_a_job_for_a_process_of_its_own_gets_one_and_the_next_one_the_same(site: Site) -> None:
    run = await site.start("alone")
    (solo,) = [runner for runner in site.all_runners if runner.kind == "solo"]
    assert solo.assigned == [run.job.lease_id]
    await site.finish(run, Completed())
    again = await site.start("alone")
    assert solo.assigned == [run.job.lease_id, again.job.lease_id]


async def test_a_job_for_an_idle_solo_runner_waits_for_a_slot_all_the_same(site: Site) -> None:
    first = await site.start("alone")
    await site.finish(first, Completed())
    (solo,) = [runner for runner in site.all_runners if runner.kind == "solo"]
    shared = [await site.start() for _ in range(4)]
    site.table.enqueue("alone")
    await site.reserve()
    assert len(solo.assigned) == 1
    site.ended(shared[0], Completed())
    assert len(solo.assigned) == 2


@pytest.mark.parametrize("alone", [0, 2, 4])
async def test_no_more_runs_than_slots_begin_however_many_are_reserved_ahead(
    open_site: OpenSite, alone: int
) -> None:
    site: Site = await open_site(concurrency=4)
    site.timed("quick", ENOUGH_RUNS, 0.01)
    for number in range(40):
        site.table.enqueue("alone" if number < alone else "quick", priority=20 if number < alone else 0)
    appetite = site.organs.reserving.appetite
    for _ in range(60):
        ask: Ask = appetite.ask(site.clock.now())
        if ask.fits:
            appetite.found(ask, await site.organs.reserver.look(ask), site.clock.now())
        at_work = begin_what_slots_allow(site)
        assert at_work <= 4
        for run in list(site.road.ledger)[:1]:
            site.ended(run, Completed())
            await site.road.recorder.once()
        site.clock.move(0.2)
    assert site.table.count("completed") == 40


def begin_what_slots_allow(site: Site) -> int:
    """Runners begin what they hold as soon as one of their own slots is free; how many runs are at work."""
    for runner in site.all_runners:
        held = list(runner.runs.values())[: runner.slots]
        site.began([run for run in held if run.started_at is None])
    return sum(run.started_at is not None and not run.is_over for run in site.road.ledger)


async def test_a_withdrawal_takes_back_what_has_not_begun(site: Site) -> None:
    ids = [site.table.enqueue("quick") for _ in range(6)]
    await site.reserve()
    site.began([site.running(ids[0])])
    site.road.dispatcher.withdraw()
    assert site.runner.withdrawn
    waiting = [site.running(id).job.lease_id for id in ids[1:4]]
    site.road.reports.on_withdrawn(site.runner, waiting)
    await site.road.recorder.once()
    assert [site.table.row(id)["status"] for id in ids] == ["processing", *["queued"] * 5]
    assert [site.table.row(id)["attempts"] for id in ids] == [1, 0, 0, 0, 0, 0]


async def test_the_only_run_of_a_dead_runner_is_blamed(site: Site) -> None:
    run = await site.start()
    site.runners.leave(site.runner, "exit code 3")
    await site.road.recorder.once()
    row = site.table.row(run.job.id)
    assert (row["status"], row["attempts"], row["crashes"]) == ("queued", 1, 0)
    assert row["errorMessage"] == "its runner died: exit code 3"


async def test_of_several_runs_of_a_dead_runner_none_is_blamed_and_those_that_had_begun_are_suspects(
    site: Site,
) -> None:
    begun = [await site.start(), await site.start()]
    fresh = site.table.enqueue("quick")
    await site.reserve()
    site.runners.leave(site.runner, "exit code 3")
    await site.road.recorder.once()
    rows = [site.table.row(id) for id in (begun[0].job.id, begun[1].job.id, fresh)]
    assert [(row["attempts"], row["crashes"]) for row in rows] == [(0, 1), (0, 1), (0, 0)]


async def test_of_a_runner_that_was_killed_for_one_run_only_that_run_is_blamed(site: Site) -> None:
    culprit, neighbour = await site.start(), await site.start()
    site.runner.kill_for(culprit.job.lease_id)
    site.runners.leave(site.runner, "killed by SIGKILL")
    await site.road.recorder.once()
    rows = [site.table.row(run.job.id) for run in (culprit, neighbour)]
    assert [(row["attempts"], row["crashes"]) for row in rows] == [(1, 0), (0, 0)]


def unbegun(site: Site) -> TakeBackUnbegun:
    return next(chore for chore in site.organs._chores() if isinstance(chore, TakeBackUnbegun))


async def test_runs_that_a_runner_does_not_begin_in_time_go_elsewhere_and_it_gets_no_more(site: Site) -> None:
    id, chore = site.table.enqueue("quick"), unbegun(site)
    site.clock.move(0.1)
    await site.reserve()
    for _ in range(2):
        site.clock.move(1)
        await chore.once()
    assert site.road.ledger.in_flight == 1
    site.clock.move(1)
    await chore.once()
    assert site.road.ledger.in_flight == 0
    await site.road.recorder.once()
    assert (site.table.row(id)["status"], site.table.row(id)["attempts"]) == ("queued", 0)
    assert site.runner.is_silent
    assert not site.road.dispatcher.takes_jobs
    (assign,) = [message for message in site.runner.heard if isinstance(message, Assign)]
    assert assign.begin_by == 1000.1 + BEGIN_SECONDS


async def test_after_control_itself_stood_still_no_runner_is_judged(site: Site) -> None:
    chore = unbegun(site)
    site.table.enqueue("quick")
    await site.reserve()
    site.clock.move(10)
    await chore.once()
    assert site.road.ledger.in_flight == 1


async def test_a_beginning_that_was_taken_back_meanwhile_is_stopped(site: Site) -> None:
    run = await site.start()
    site.runner.drop(run.job.lease_id)
    site.road.ending.end(run, Completed())
    site.began([run])
    assert site.runner.told_to_stop == [run.job.lease_id]
