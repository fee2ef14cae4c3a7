"""The moments in which a wait could get lost, staged with open transactions: each comes out right."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from rig.staging import WAITING_FOR_LOCKS
from rig.waiting import comes_true, eventually
from rowcrew.model.outcome import Completed, Errored, Parked
from rowcrew.table import waits
from rowcrew.table import worker as table
from rowcrew.table.link import Link
from rowcrew.table.statements import SQL
from tests.conftest import Connect
from tests.control.site import Site
from tests.waits.conftest import WHOLE_LOOK, Family

pytestmark = pytest.mark.anyio


@contextmanager
def open_transaction(connect: Connect) -> Iterator[psycopg.Connection[Any]]:
    """Commits at the end of the block, whatever is left open in it until then."""
    connection = connect(autocommit=False)
    connection.execute("SELECT")
    yield connection
    connection.commit()


@contextmanager
def examining(connect: Connect) -> Iterator[None]:
    """An examiner has decided, and does not commit before the end of the block."""
    with open_transaction(connect) as connection:
        connection.execute(SQL["waits/examine"], WHOLE_LOOK)
        yield


def blocked(family: Family) -> bool:
    return bool(family.rows(WAITING_FOR_LOCKS))


async def test_the_end_of_a_job_that_is_being_watched_waits_and_then_tells(
    site: Site, family: Family, connect: Connect
) -> None:
    run = await site.start()
    waiter = family.waiter([run.job.id])
    with examining(connect):
        site.ended(run, Completed(None))
        recording = asyncio.ensure_future(site.road.recorder.once())
        await comes_true(lambda: blocked(family))
    await recording
    assert family.row(run.job.id)["watches"] == -1
    await site.organs.examine.once()
    assert not family.waits(waiter)


async def test_an_examiner_passes_by_an_end_that_is_being_written(
    site: Site, family: Family, connect: Connect
) -> None:
    run = await site.start()
    waiter = family.waiter([run.job.id])
    with open_transaction(connect) as recording:
        ends = f'[{{"id":{run.job.id},"lease":"{run.job.lease_id}","status":"completed"}}]'
        recording.execute(SQL["worker/record"], {"ended": ends, "worker": 1})
        look = await waits.examine(site.links.chores)
        assert (look.moved, look.left) == (0, 1)
        assert family.row(waiter)["watches"] == 0
    await site.organs.examine.once()
    assert not family.waits(waiter)


async def test_the_first_failure_is_not_missed_while_it_is_being_written(
    site: Site, family: Family, connect: Connect
) -> None:
    run = await site.start()
    last = family.job()
    hasty = family.waiter([run.job.id, last], "failFast")
    with open_transaction(connect) as recording:
        ends = f'[{{"id":{run.job.id},"lease":"{run.job.lease_id}","status":"failed","outcome":"failed"}}]'
        recording.execute(SQL["worker/record"], {"ended": ends, "worker": 1})
        await waits.examine(site.links.chores)
        assert family.row(hasty)["watches"] == 0
    await site.organs.examine.once()
    assert family.row(hasty)["status"] == "failed"


@pytest.mark.parametrize("examined", [True, False])
async def test_two_last_jobs_that_end_at_once_let_their_waiter_run_once(
    site: Site, family: Family, connect: Connect, examined: bool
) -> None:
    first, second = await site.start(), await site.start()
    waiter = family.waiter([first.job.id, second.job.id])
    if examined:
        await site.organs.examine.once()
    with open_transaction(connect) as one, open_transaction(connect) as other:
        for run, connection in ((first, one), (second, other)):
            ends = f'[{{"id":{run.job.id},"lease":"{run.job.lease_id}","status":"completed"}}]'
            connection.execute(SQL["worker/record"], {"ended": ends, "worker": 1})
        await waits.examine(site.links.chores)
        assert family.waits(waiter)
    before = family.row(waiter)["revision"]
    await site.organs.examine.once()
    assert not family.waits(waiter)
    assert family.row(waiter)["revision"] == before + 1


async def test_a_job_that_ends_before_its_waiter_is_committed_lets_it_run(
    site: Site, family: Family, connect: Connect
) -> None:
    run = await site.start()
    with open_transaction(connect) as producer:
        (waiter,) = producer.execute(
            """INSERT INTO jobs (type, "waitsFor") VALUES ('quick', %s) RETURNING id""", ([run.job.id],)
        ).fetchone()  # type: ignore[misc]
        await site.finish(run, Completed(None))
        await site.organs.examine.once()
    await site.organs.examine.once()
    assert not family.waits(waiter)


async def test_a_slow_producer_does_not_silence_the_others(family: Family, connect: Connect) -> None:
    job, listener = family.job(), connect()
    listener.execute("LISTEN rowcrew_waits")
    with open_transaction(connect) as slow:
        is_old = "SELECT clock_timestamp() - now() > interval '20 ms' AS is_old"
        eventually(lambda: slow.execute(is_old).fetchone() == (True,))
        slow.execute("""INSERT INTO jobs (type, "waitsFor") VALUES ('quick', %s)""", ([job],))
        family.waiter([job])
        assert list(listener.notifies(timeout=30, stop_after=1))


async def test_a_job_whose_insert_is_not_committed_yet_is_waited_for(
    site: Site, family: Family, connect: Connect
) -> None:
    with open_transaction(connect) as producer:
        (job,) = producer.execute("INSERT INTO jobs (type) VALUES ('quick') RETURNING id").fetchone()  # type: ignore[misc]
        waiter = family.waiter([job])
        await site.organs.examine.once()
        assert family.row(waiter)["watches"] == 0
    await site.organs.examine.once()
    assert family.row(waiter)["watches"] == job


async def test_a_second_examiner_leaves_the_work_to_the_first_and_looks_again(
    site: Site, family: Family, connect: Connect
) -> None:
    family.waiter([family.job()])
    chore = site.organs.examine._chore
    with open_transaction(connect) as other:
        other.execute("SELECT pg_advisory_xact_lock(821735, 0)")
        await site.organs.examine.once()
        assert chore.period_seconds < 1.0
    await site.organs.examine.once()
    assert chore.period_seconds == 2.0


async def test_of_a_waiter_taken_by_hand_meanwhile_nothing_is_changed(
    site: Site, family: Family, connect: Connect
) -> None:
    job = family.job()
    waiter = family.waiter([job])
    await site.organs.examine.once()
    family.end(job)
    with open_transaction(connect) as hand:
        hand.execute("UPDATE jobs SET status = 'cancelled' WHERE id = %s", (waiter,))
        await site.organs.examine.once()
    await site.organs.examine.once()
    assert family.row(waiter)["status"] == "cancelled"
    assert not family.rows("SELECT id FROM jobs WHERE watches IS NOT NULL")


@pytest.mark.parametrize("jobs", [201, 1])
async def test_waiters_that_somebody_holds_keep_no_others_waiting(
    site: Site, family: Family, connect: Connect, jobs: int
) -> None:
    """Of as many jobs, or so many of one job, as a look begins with."""
    family.rows("INSERT INTO jobs (type) SELECT 'quick' FROM generate_series(1, %s)", jobs)
    family.rows(
        """
        INSERT INTO jobs (type, "waitsFor")
        SELECT 'held', ARRAY[id] FROM jobs CROSS JOIN generate_series(1, %s) WHERE type = 'quick'
        """,
        1001 // jobs,
    )
    waiter = family.waiter([family.job()])
    await site.organs.examine.once()
    with open_transaction(connect) as hand:
        hand.execute("SELECT FROM jobs WHERE type = 'held' FOR UPDATE")
        family.rows("UPDATE jobs SET status = 'completed' WHERE type = 'quick' AND \"waitsFor\" IS NULL")
        new = family.waiter([family.job()])
        await site.organs.examine.once()
        assert not family.waits(waiter)
        assert family.row(new)["watches"] > 0
    await site.organs.examine.once()
    assert family.rows("SELECT id FROM jobs WHERE type = 'held' AND watches IS NOT NULL") == []


async def test_new_waiters_that_somebody_holds_keep_no_others_waiting(
    site: Site, family: Family, connect: Connect
) -> None:
    job = family.job()
    many = "INSERT INTO jobs (type, \"waitsFor\") SELECT 'held', ARRAY[%s] FROM generate_series(1, 1001)"
    family.rows(many, job)
    waiter = family.waiter([job])
    with open_transaction(connect) as hand:
        hand.execute("SELECT FROM jobs WHERE type = 'held' FOR UPDATE")
        await site.organs.examine.once()
        assert family.row(waiter)["watches"] == job


async def test_a_worker_that_records_an_awaited_end_looks_at_once(site: Site, family: Family) -> None:
    run = await site.start()
    waiter = family.waiter([run.job.id])
    await site.organs.examine.once()
    site.organs.examine._woken.clear()
    await site.finish(run, Errored("broken", permanent=True))
    assert site.organs.examine._woken.is_set()
    assert family.waits(waiter)


async def test_the_lost_last_run_of_an_awaited_job_tells(
    site: Site, family: Family, database_url: str
) -> None:
    run = await site.start(maxAttempts=1)
    waiter = family.waiter([run.job.id], "ended")
    await site.organs.examine.once()
    site.table.rows('UPDATE workers SET "aloneWith" = %s', run.job.lease_id)
    rescuer = Link(database_url, purpose="rescuer")
    try:
        (worker,) = site.table.rows("SELECT id, beats FROM workers")
        await table.rescue(rescuer, workers=[worker["id"]], beats=[worker["beats"]])
    finally:
        await rescuer.close()
    assert family.row(run.job.id)["status"] == "failed"
    await site.organs.examine.once()
    assert not family.waits(waiter)


async def test_a_foreign_run_that_is_given_up_tells(site: Site, family: Family) -> None:
    family.rows("""INSERT INTO queues (queue, "rescueForeignSeconds") VALUES ('default', 1)""")
    job = family.job(maxAttempts=1)
    waiter = family.waiter([job])
    family.end(job, "processing")
    await site.organs.examine.once()
    family.write_past_triggers("""UPDATE jobs SET "updatedAt" = now() - interval '1 hour'""")
    await table.rescue_foreign(site.links.chores, only=[job])
    await site.organs.examine.once()
    assert family.row(waiter)["errorMessage"] == f"waited for job {job}, which failed"


async def test_an_odd_job_that_cannot_be_reserved_tells(site: Site, family: Family) -> None:
    job = family.job()
    waiter = family.waiter([job])
    await site.organs.examine.once()
    assert await table.fail_odd(site.links.reserve, id=job, reason="odd")
    await site.organs.examine.once()
    assert family.row(waiter)["status"] == "failed"


async def test_a_row_that_nobody_can_write_holds_up_its_own_waiter_and_no_other(
    site: Site, family: Family
) -> None:
    odd, good = family.job(), family.job()
    stuck, free = family.waiter([odd]), family.waiter([good])
    family.write_past_triggers("UPDATE jobs SET revision = 2147483647 WHERE id = %s", odd)
    family.end(good)
    await site.organs.examine.once()
    assert not family.waits(free)
    assert family.waits(stuck)
    (aside,) = family.rows('SELECT "jobId" FROM jobs_set_aside')
    assert aside["jobId"] == stuck
    family.write_past_triggers("UPDATE jobs SET revision = 1 WHERE id = %s", odd)
    family.rows("DELETE FROM jobs_set_aside")
    await site.organs.examine.once()
    family.end(odd)
    await site.organs.examine.once()
    assert not family.waits(stuck)


CHILD = b'[{"type":"quick","payload":{}}]'


async def test_a_run_that_was_cancelled_meanwhile_leaves_no_children_to_wait_for(
    site: Site, family: Family
) -> None:
    run, other = await site.start(), await site.start()
    family.end(run.job.id, "cancelled")
    site.ended(other, Parked(CHILD, []))
    row = await site.finish(run, Parked(CHILD, []))
    assert (row["status"], row["waitsFor"]) == ("cancelled", None)
    assert family.count("queued") == 2  # the other one and its child
    assert family.waits(other.job.id)


async def test_a_parent_whose_row_is_locked_parks_when_it_is_free(
    site: Site, family: Family, connect: Connect
) -> None:
    run, other = await site.start(), await site.start()
    with open_transaction(connect) as hand:
        hand.execute("SELECT FROM jobs WHERE id = %s FOR UPDATE", (run.job.id,))
        site.ended(run, Parked(CHILD, []))
        site.ended(other, Completed(None))
        await site.road.recorder.once()
        assert family.row(other.job.id)["status"] == "completed"
        assert family.count("queued") == 0
    site.clock.move(2.0)
    await site.road.recorder.once()
    assert family.waits(run.job.id)
    assert len(family.row(run.job.id)["waitsFor"]) == 1


async def test_a_parent_with_nothing_left_to_wait_for_runs_again(site: Site, family: Family) -> None:
    run = await site.start()
    await site.finish(run, Parked(b"[]", []))
    await site.organs.examine.once()
    assert not family.waits(run.job.id)
    assert await site.reserve() == 1
