"""Jobs that were there when a runner or worker died: how many run together, where, and who is blamed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from rig.staging import WAITING_FOR_LOCKS
from rig.waiting import comes_true
from rowcrew.control.children.runners import GROUP_IDLE_SECONDS
from rowcrew.control.road.alone import RunAlone
from rowcrew.control.run import Run, StopReason
from rowcrew.model.outcome import Completed, Errored, Released, Snoozed
from rowcrew.model.suspicion import ALONE_SECONDS, MOST_GROUPS
from rowcrew.table import worker as table
from tests.control.site import OpenSite, Site, StandInRunner

pytestmark = pytest.mark.anyio

SLOTS = 8
LONE = 4  # the number of deaths after which a suspect of a worker with so many slots needs it alone


@pytest.fixture
async def crowd(open_site: OpenSite) -> Site:
    """A worker with eight slots and one shared runner."""
    site: Site = await open_site(concurrency=SLOTS, runners=1)
    return site


async def suspects(site: Site, number: int, crashes: int, type: str = "quick", **columns: Any) -> list[Run]:
    """Reserve jobs that were there at so many deaths."""
    ids = [site.table.enqueue(type, **columns) for _ in range(number)]
    site.table.rows("UPDATE jobs SET crashes = %s WHERE id = ANY (%s)", crashes, ids)
    await site.reserve()
    return [site.running(id) for id in ids]


def groups(site: Site) -> list[StandInRunner]:
    return [runner for runner in site.all_runners if runner.kind == "group"]


def begin_all(site: Site) -> None:
    site.began([run for runner in groups(site) for run in runner.runs.values() if run.started_at is None])


async def next_round(site: Site) -> None:
    """What ended is recorded, and reserved again."""
    await site.road.recorder.once()
    await site.reserve()
    begin_all(site)


def lone_chore(site: Site) -> RunAlone:
    return next(chore for chore in site.organs._chores() if isinstance(chore, RunAlone))


def said(site: Site) -> str | None:
    (row,) = site.table.rows('SELECT "aloneWith"::text AS lease FROM workers')
    lease = row["lease"]
    assert lease is None or isinstance(lease, str)
    return lease


@pytest.mark.parametrize(("crashes", "together"), [(1, 4), (2, 2), (3, 1)])
async def test_suspects_run_in_two_groups_that_are_halved_with_every_death(
    crowd: Site, crashes: int, together: int
) -> None:
    runs = await suspects(crowd, SLOTS, crashes)
    assert [len(runner.runs) for runner in groups(crowd)] == [together] * MOST_GROUPS
    assert crowd.runner.assigned == []
    for run in runs:
        crowd.ended(run, Completed())
        assert len(groups(crowd)) <= MOST_GROUPS
        crowd.let_leave()
        assert all(len(runner.runs) <= together for runner in groups(crowd))
    assert crowd.road.ledger.in_flight == 0


async def test_a_suspect_joins_no_group_that_would_be_larger_than_any_of_its_members_may_have_it(
    crowd: Site,
) -> None:
    first = await suspects(crowd, 1, 1)
    more_suspect = await suspects(crowd, 2, 2)
    last = await suspects(crowd, 3, 1)
    one, other = groups(crowd)
    assert list(one.runs) == [first[0].job.lease_id, more_suspect[0].job.lease_id]
    assert list(other.runs) == [more_suspect[1].job.lease_id, last[0].job.lease_id]
    crowd.ended(more_suspect[0], Completed())
    assert len(one.runs) == 3


async def test_the_next_in_line_is_not_passed_by_others_that_would_fit_before(crowd: Site) -> None:
    await suspects(crowd, 4, 1)
    running = await suspects(crowd, 2, 2)
    (alone,) = await suspects(crowd, 1, 3)
    (late,) = await suspects(crowd, 1, 2)
    crowd.ended(running[0], Completed())
    assert late.runner is None
    crowd.ended(running[1], Completed())
    crowd.let_leave()
    assert alone.runner is groups(crowd)[1]


async def test_without_memory_for_a_second_group_there_is_one(crowd: Site) -> None:
    crowd.runners.has_memory = False
    runs = await suspects(crowd, SLOTS, 1)
    assert [len(runner.runs) for runner in groups(crowd)] == [4]
    crowd.runners.has_memory = True
    crowd.ended(runs[0], Completed())
    assert [len(runner.runs) for runner in groups(crowd)] == [4, 3]


async def test_suspects_of_a_type_with_its_own_processes_run_in_those(crowd: Site) -> None:
    await suspects(crowd, 3, 1, type="alone")
    assert groups(crowd) == []
    assert sum(len(runner.runs) for runner in crowd.all_runners if runner.kind == "solo") == 3


async def test_a_suspect_of_such_a_type_gets_a_process_that_no_other_has_had(crowd: Site) -> None:
    (before,) = await suspects(crowd, 1, 0, type="alone")
    crowd.ended(before, Completed())
    (suspect,) = await suspects(crowd, 1, 1, type="alone")
    assert suspect.runner not in (None, before.runner)


async def test_who_is_to_be_alone_gets_a_runner_where_no_other_has_been(crowd: Site) -> None:
    (one, other) = await suspects(crowd, 2, 2)
    (lone,) = await suspects(crowd, 1, 3)
    (first,) = groups(crowd)[:1]
    assert (len(groups(crowd)), lone.runner) == (2, groups(crowd)[1])
    (next_one,) = await suspects(crowd, 1, 3)
    crowd.ended(one, Completed())
    crowd.ended(other, Completed())
    assert (first.retiring, next_one.runner) == (True, None)
    crowd.let_leave()
    assert next_one.runner is groups(crowd)[1]
    assert groups(crowd)[1] is not first


async def test_a_death_where_others_have_ended_is_blamed_on_nobody(crowd: Site) -> None:
    (before,) = await suspects(crowd, 1, 0)
    crowd.ended(before, Completed())
    run = await crowd.start(maxAttempts=1)
    crowd.runners.leave(crowd.runner, "killed by SIGSEGV")
    await crowd.road.recorder.once()
    row = crowd.table.row(run.job.id)
    assert (row["status"], row["attempts"], row["crashes"]) == ("queued", 0, 1)


async def test_a_runner_of_suspects_leaves_when_there_are_none(crowd: Site) -> None:
    (run,) = await suspects(crowd, 1, 1)
    (group,) = groups(crowd)
    crowd.ended(run, Completed())
    crowd.clock.move(GROUP_IDLE_SECONDS)
    crowd.runners.retire_idle()
    assert not group.retiring
    crowd.clock.move(1)
    crowd.runners.retire_idle()
    assert group.retiring


async def test_one_culprit_fails_and_no_neighbour_loses_an_attempt(crowd: Site) -> None:
    """Its neighbours run on and on: nobody is cleared by an end."""
    ids = [crowd.table.enqueue("quick", maxAttempts=1) for _ in range(SLOTS)]
    await crowd.reserve()
    culprit = crowd.running(ids[5])
    crowd.began(list(crowd.road.ledger))
    deaths = 0
    while crowd.table.row(ids[5])["status"] == "processing":
        culprit = crowd.running(ids[5])
        runner = culprit.runner
        if runner is None:  # it waits for a place: the innocents of one group come to their end
            others = next(iter(groups(crowd)))
            for run in list(others.runs.values()):
                crowd.ended(run, Completed())
            crowd.let_leave()
        else:
            deaths += 1
            if runner is crowd.runner:
                crowd.runners.add("shared")
            assert isinstance(runner, StandInRunner)
            crowd.runners.leave(runner, "killed by SIGSEGV")
        await next_round(crowd)
        assert len(groups(crowd)) <= MOST_GROUPS
    assert deaths == 4  # with 8, 4, 2 and 1 in the runner
    for id in ids:
        expected = ("failed",) if id == ids[5] else ("completed", "processing")
        assert crowd.table.row(id)["status"] in expected


@pytest.mark.parametrize(
    ("outcome", "crashes"),
    [(Errored("no"), 0), (Snoozed(5.0), 0), (Released("the worker is stopping"), 2)],
    ids=lambda value: type(value).__name__,
)
async def test_a_suspect_that_ends_by_itself_is_one_no_more(
    crowd: Site, outcome: Errored | Snoozed | Released, crashes: int
) -> None:
    (run,) = await suspects(crowd, 1, 2)
    begin_all(crowd)
    row = await crowd.finish(run, outcome)
    assert (row["status"], row["crashes"]) == ("queued", crashes)


async def test_a_suspect_whose_crashes_somebody_cleared_meanwhile_can_be_recorded(crowd: Site) -> None:
    (run,) = await suspects(crowd, 1, 2)
    begin_all(crowd)
    crowd.table.rows("UPDATE jobs SET crashes = 0")
    row = await crowd.finish(run, Errored("no"))
    assert (row["status"], row["crashes"]) == ("queued", 0)


async def host(site: Site) -> asyncio.Task[None]:
    """The chore in the middle of its work: it waits for the others to end, or for the run that is alone."""
    timers = site.clock.timers
    task = asyncio.create_task(lone_chore(site).once())
    await comes_true(lambda: site.clock.timers > timers)
    return task


async def test_the_last_suspects_of_lost_workers_run_one_by_one_with_nothing_beside_them(crowd: Site) -> None:
    (before,) = await suspects(crowd, 1, 0)
    first, second = await suspects(crowd, 2, LONE)
    assert groups(crowd) == []
    hosting = await host(crowd)
    assert (said(crowd), first.runner, crowd.road.dispatcher.takes_jobs) == (None, None, False)
    crowd.ended(before, Completed())
    (late,) = await suspects(crowd, 1, 0)
    await comes_true(lambda: first.runner is not None)
    assert said(crowd) == first.job.lease_id
    assert [list(runner.runs) for runner in groups(crowd)] == [[first.job.lease_id]]
    assert (late.runner, second.runner) == (None, None)
    crowd.ended(first, Completed())
    await hosting
    assert said(crowd) is None
    assert (late.runner, second.runner) == (crowd.runner, None)


async def test_a_lone_suspect_begins_only_when_the_row_of_its_worker_says_so(crowd: Site) -> None:
    (run,) = await suspects(crowd, 1, LONE)
    with crowd.table.another() as somebody:
        somebody.execute("SELECT FROM workers FOR UPDATE")
        hosting = asyncio.create_task(lone_chore(crowd).once())
        await comes_true(lambda: crowd.table.rows(WAITING_FOR_LOCKS))
        assert run.runner is None
    await comes_true(lambda: run.runner is not None)
    assert said(crowd) == run.job.lease_id
    assert list(groups(crowd)[0].runs) == [run.job.lease_id]
    crowd.ended(run, Completed())
    await hosting


async def test_a_lost_worker_gives_itself_to_nobody(crowd: Site) -> None:
    (run,) = await suspects(crowd, 1, LONE)
    crowd.table.rows('UPDATE workers SET "lostAt" = now()')
    await lone_chore(crowd).once()
    assert (said(crowd), run.runner) == (None, None)


async def test_a_worker_that_does_not_become_empty_in_time_runs_lone_suspects_beside_others(
    crowd: Site,
) -> None:
    await suspects(crowd, 1, 0)
    lone = await suspects(crowd, 3, LONE)
    hosting = await host(crowd)
    crowd.clock.move(ALONE_SECONDS)
    await hosting
    assert said(crowd) is None
    assert [len(runner.runs) for runner in groups(crowd)] == [1, 1]
    assert [run.runner is None for run in lone] == [False, False, True]
    assert crowd.road.dispatcher.takes_jobs


async def test_a_long_run_has_the_worker_alone_for_a_time_and_then_others_come(crowd: Site) -> None:
    (lone,) = await suspects(crowd, 1, LONE)
    hosting = await host(crowd)
    (other,) = await suspects(crowd, 1, 0)
    assert (said(crowd), other.runner) == (lone.job.lease_id, None)
    crowd.clock.move(ALONE_SECONDS)
    await hosting
    assert said(crowd) is None
    assert other.runner is crowd.runner


async def test_a_lone_suspect_that_is_cancelled_while_it_waits_lets_the_others_go_on(crowd: Site) -> None:
    (before,) = await suspects(crowd, 1, 0)
    (lone,) = await suspects(crowd, 1, LONE)
    hosting = await host(crowd)
    crowd.road.stopping.stop(lone, StopReason.TAKEN)
    crowd.ended(before, Completed())
    await hosting
    assert said(crowd) is None
    assert crowd.road.dispatcher.takes_jobs


async def lose(site: Site) -> Sequence[table.RescuedJob]:
    """What a rescuer does with this worker."""
    worker = site.organs.identity.worker_id
    return await table.rescue(site.links.chores, workers=[worker], beats=[0])


async def test_a_lost_worker_blames_nobody(crowd: Site) -> None:
    (fresh,) = await suspects(crowd, 1, 0, maxAttempts=1)
    (suspect,) = await suspects(crowd, 1, 3, maxAttempts=1)
    await lose(crowd)
    rows = [crowd.table.row(run.job.id) for run in (fresh, suspect)]
    assert [(row["status"], row["attempts"], row["crashes"]) for row in rows] == [
        ("queued", 0, 1),
        ("queued", 0, 4),
    ]
    assert [crowd.table.outcomes(run.job.id) for run in (fresh, suspect)] == [["lost"], ["lost"]]


async def test_a_lost_worker_blames_the_suspect_that_had_it_alone_and_none_that_waited(
    crowd: Site,
) -> None:
    (lone,) = await suspects(crowd, 1, LONE, maxAttempts=1)
    hosting = await host(crowd)
    (waiting,) = await suspects(crowd, 1, 0, maxAttempts=1)
    await lose(crowd)
    rows = [crowd.table.row(run.job.id) for run in (lone, waiting)]
    assert [(row["status"], row["attempts"], row["crashes"]) for row in rows] == [
        ("failed", 1, LONE),
        ("queued", 0, 0),
    ]
    crowd.ended(lone, Completed())
    await hosting


async def test_a_suspect_that_was_alone_runs_alone_again_while_it_has_attempts(crowd: Site) -> None:
    (lone,) = await suspects(crowd, 1, LONE, maxAttempts=2)
    hosting = await host(crowd)
    await lose(crowd)
    row = crowd.table.row(lone.job.id)
    assert (row["status"], row["attempts"], row["crashes"]) == ("queued", 1, LONE)
    crowd.ended(lone, Completed())
    await hosting
