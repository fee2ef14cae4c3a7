"""Heartbeat, fence and the comparison of leases, beat by beat."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from rowcrew.control.care.compare import NOTHING_COMPARED, Comparison, compare
from rowcrew.control.care.heartbeat import IDLE_COMPARE_SECONDS
from rowcrew.control.run import Run, StopReason
from rowcrew.model.outcome import Completed, Errored
from rowcrew.table import worker as statements
from rowcrew.table.listening import CHANGED, READY
from rowcrew.table.worker import HeldLease
from tests.control.site import Site
from tests.model.made import a_job

pytestmark = pytest.mark.anyio


async def is_fenced(site: Site) -> bool:
    site.organs.fence.once()
    return not site.organs.fence.sound.is_set()


@pytest.mark.parametrize("late", [1, 19, 20, 21, 30])
async def test_a_beat_closes_the_fence_when_it_is_twenty_seconds_late(site: Site, late: float) -> None:
    await site.organs.heartbeat.once()
    run = await site.start()
    site.clock.move(late)
    assert await is_fenced(site) == (late >= 20)
    assert site.runner.was_killed() == (late >= 20)
    assert run.stop == (StopReason.FENCED if late >= 20 else None)
    await site.organs.heartbeat.once()
    assert site.organs.fence.sound.is_set()
    assert not await is_fenced(site)


async def test_a_fence_says_when_to_look_again(site: Site) -> None:
    await site.organs.heartbeat.once()
    site.clock.move(5)
    assert site.organs.fence.once() == 15
    site.clock.move(16)
    assert site.organs.fence.once() == 1


async def test_the_time_counts_from_when_a_beat_was_sent(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    beat = statements.beat

    async def slow(*given: object, **named: object) -> statements.Beat | None:
        site.clock.move(19)
        return await beat(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(statements, "beat", slow)
    await site.organs.heartbeat.once()
    assert not await is_fenced(site)
    site.clock.move(1)
    assert await is_fenced(site)


async def test_a_fenced_run_goes_back_with_its_attempt(site: Site) -> None:
    await site.organs.heartbeat.once()
    run = await site.start()
    site.clock.move(20)
    await is_fenced(site)
    site.runners.leave(site.runner, "killed by SIGKILL")
    await site.road.recorder.once()
    row = site.table.row(run.job.id)
    assert (row["status"], row["attempts"], row["errorMessage"]) == ("queued", 0, StopReason.FENCED.value)


async def test_an_idle_worker_that_stays_unheard_is_fenced_once(site: Site) -> None:
    await site.organs.heartbeat.once()
    for _ in range(3):
        site.clock.move(20)
        assert await is_fenced(site)
    assert site.said.count("No heartbeat for 20 seconds") == 1


async def test_a_database_that_serves_nobody_stops_the_fences_clock_and_silence_does_not(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    async def refused(*given: object, **named: object) -> bool:
        raise psycopg.OperationalError("the database system is starting up")

    async def silent(*given: object, **named: object) -> bool:
        raise psycopg.OperationalError("the connection is closed")

    await site.organs.heartbeat.once()
    for answer, fenced in ((refused, False), (silent, True)):
        monkeypatch.setattr(statements, "beat", answer)
        for _ in range(4):
            site.clock.move(5)
            assert await site.organs.heartbeat.once() == 1
        assert await is_fenced(site) == fenced
    assert site.said.count("(heartbeat)") == 1


async def test_a_run_cancelled_by_hand_is_stopped_at_the_next_beat_and_its_row_let_go(site: Site) -> None:
    run, other = await site.start(), await site.start()
    site.table.set_status(run.job.id, "cancelled")
    site.clock.move(5)
    await site.organs.heartbeat.once()
    assert site.runner.told_to_stop == [run.job.lease_id]
    assert (run.stop, other.stop) == (StopReason.TAKEN, None)
    site.ended(run, Errored("it was stopped"))
    await site.road.letting_go.done()
    row = site.table.row(run.job.id)
    assert (row["status"], row["workerId"], row["errorMessage"]) == ("cancelled", None, None)


async def test_a_worker_that_was_declared_lost_drops_its_runs_and_enters_anew(site: Site) -> None:
    run = await site.start()
    before = site.organs.identity.worker_id
    site.table.rows('UPDATE workers SET "lostAt" = now() WHERE id = %s', before)
    await site.organs.heartbeat.once()
    assert site.organs.identity.worker_id != before
    assert (site.runner.was_killed(), run.stop) == (True, StopReason.TAKEN)
    assert site.organs.fence.sound.is_set()
    assert "declared lost" in site.said


async def test_a_worker_that_holds_nothing_compares_once_a_minute(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, held = [], statements.held

    async def counted(*given: object, **named: object) -> list[HeldLease]:
        asked.append(site.clock.now())
        return await held(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(statements, "held", counted)
    began = site.clock.now()
    for _ in range(14):
        await site.organs.heartbeat.once()
        site.clock.move(5)
    assert asked == [began, began + IDLE_COMPARE_SECONDS]
    await site.start()
    await site.organs.heartbeat.once()
    assert len(asked) == 3


def run_of(lease_id: str, reserved_at: float = 0.0, *, is_over: bool = False) -> Run:
    run = Run(a_job(lease_id=lease_id), reserved_at, is_long=True)
    if is_over:
        run.over()
    return run


def compared(
    known: Mapping[str, int],
    *runs: Run,
    before: Comparison = NOTHING_COMPARED,
    reserving_since: float | None = None,
    nothing_in_flight: bool = False,
) -> Comparison:
    return compare(
        known,
        runs,
        asked_at=10.0,
        before=before,
        reserving_since=reserving_since,
        nothing_in_flight=nothing_in_flight,
    )


def test_a_run_that_the_database_does_not_know_is_stopped_unless_it_is_younger_than_the_question() -> None:
    lost, known, young = run_of("lost"), run_of("known"), run_of("young", 10.0)
    over = run_of("over", is_over=True)
    assert compared({"known": 1}, lost, known, young, over).stop == [lost]


def test_a_lease_that_nothing_holds_is_given_back_when_it_is_seen_twice() -> None:
    once = compared({"a": 1})
    assert (once.give_back, once.unheld) == ({}, frozenset({"a"}))
    assert compared({"a": 1, "b": 2}, before=once).give_back == {"a": 1}


def test_a_run_that_is_over_and_not_recorded_still_holds_its_lease() -> None:
    once = compared({"a": 1}, run_of("a", is_over=True))
    assert (once.give_back, once.unheld) == ({}, frozenset())


@pytest.mark.parametrize(("since", "given"), [(None, {"a": 1}), (9.0, {}), (10.0, {}), (11.0, {"a": 1})])
def test_an_answer_on_its_way_since_the_last_comparison_may_still_bring_a_lease(
    since: float | None, given: Mapping[str, int]
) -> None:
    once = compared({"a": 1})
    assert compared({"a": 1}, before=once, reserving_since=since).give_back == given


def test_after_an_outage_nothing_is_on_its_way() -> None:
    assert compared({"a": 1}, nothing_in_flight=True).give_back == {"a": 1}


async def test_a_completed_run_is_not_stopped_by_a_comparison(site: Site) -> None:
    run = await site.start()
    await site.finish(run, Completed())
    site.clock.move(5)
    await site.organs.heartbeat.once()
    assert site.runner.told_to_stop == []


async def test_only_a_notification_about_this_worker_brings_the_beat_forward(
    site: Site, database_url: str
) -> None:
    wake_up, heartbeat = site.organs._make_wake_up(database_url), site.organs.heartbeat
    mine = site.organs.identity.worker_id
    for payload in (mine + 1, mine):
        wake_up._receive(CHANGED, str(payload).encode())
        assert heartbeat._asked.is_set() == (payload == mine)
    assert not site.road.ledger.woken.is_set()
    wake_up._receive(READY, b"")
    assert site.road.ledger.woken.is_set()


async def test_a_row_that_somebody_has_locked_delays_no_beat_and_no_other_acknowledgement(site: Site) -> None:
    locked, free = await site.start(), await site.start()
    for run in (locked, free):
        site.table.set_status(run.job.id, "cancelled")
    with site.table.another() as hand:
        hand.execute("SELECT FROM jobs WHERE id = %s FOR UPDATE", (locked.job.id,))
        site.clock.move(5)
        async with asyncio.timeout(10):
            await site.organs.heartbeat.once()
            for run in (locked, free):
                site.ended(run, Errored("it was stopped"))
            await site.road.letting_go.done()
            await site.organs.heartbeat.once()
        assert site.table.row(free.job.id)["workerId"] is None
        assert site.table.row(locked.job.id)["workerId"] is not None
        hand.commit()
    site.clock.move(1)
    await site.road.letting_go.done()
    assert site.table.row(locked.job.id)["workerId"] is None


async def test_the_heart_has_a_connection_of_its_own(site: Site) -> None:
    others = (site.links.reserve, site.links.record, site.links.chores)
    assert not any(site.organs.heartbeat._link is link for link in others)


async def test_a_row_that_cannot_be_rescued_keeps_no_other_from_it(site: Site) -> None:
    runs = [await site.start(priority=10 if number == 1 else 0) for number in range(3)]
    site.table.rows(
        """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'not this one'; END $$;
        CREATE TRIGGER refuse BEFORE UPDATE ON jobs FOR EACH ROW
        WHEN (OLD.status = 'processing' AND NEW.status <> 'processing' AND OLD.priority = 10)
        EXECUTE FUNCTION refuse()
        """
    )
    (row,) = site.table.rows("SELECT id, beats FROM workers")
    await site.organs.rescue._take_over([(row["id"], row["beats"])])
    statuses = [site.table.row(run.job.id)["status"] for run in runs]
    assert statuses == ["queued", "processing", "queued"]
    assert [aside["jobId"] for aside in site.table.rows("SELECT * FROM jobs_set_aside")] == [runs[1].job.id]
    nobody = 0
    assert await statements.observe(site.links.chores, nobody) == []  # nor is its worker told as lost again
    site.table.rows("""UPDATE jobs_set_aside SET "nextTryAt" = now()""")
    assert [other.id for other in await statements.observe(site.links.chores, nobody)] == [row["id"]]
    site.table.rows("""UPDATE jobs_set_aside SET "nextTryAt" = now() + interval '1 minute'""")
    site.table.rows("DROP FUNCTION refuse CASCADE")
    await site.organs.rescue._take_over([(row["id"], row["beats"])])
    assert site.table.row(runs[1].job.id)["status"] == "processing"  # it is passed by until its time comes
