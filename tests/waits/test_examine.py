"""Who waits, runs when all it waits for have ended, and not before; whatever people do meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from rowcrew.control.chores.prune import Prune
from rowcrew.control.chores.waits import SweepWaits
from rowcrew.log import Log
from rowcrew.model.outcome import Cancelled, Completed, Errored
from rowcrew.settings import read
from tests.control.site import Site
from tests.waits.conftest import Family

pytestmark = pytest.mark.anyio


async def test_a_job_runs_after_the_last_of_those_it_waits_for(site: Site, family: Family) -> None:
    first, second = family.job(), family.job()
    waiter = family.waiter([first, second])
    await site.organs.examine.once()
    assert await site.reserve() == 2
    for id in (second, first):
        assert family.waits(waiter)
        await site.finish(site.running(id), Completed(b"1"))
        await site.organs.examine.once()
    assert not family.waits(waiter)
    assert await site.reserve() == 1
    assert site.running(waiter).job.attempt == 1


async def test_a_chain_runs_link_by_link(site: Site, family: Family) -> None:
    chain = [family.job()]
    for _ in range(4):
        chain.append(family.waiter(chain[-1:]))
    for id in chain:
        await site.organs.examine.once()
        assert await site.reserve() == 1
        await site.finish(site.running(id), Completed(None))
    assert family.count("completed") == 5


@pytest.mark.parametrize(
    ("policy", "end", "then"),
    [
        ("completed", "failed", "failed"),
        ("completed", "cancelled", "cancelled"),
        ("ended", "failed", "queued"),
        ("ended", "cancelled", "queued"),
        ("failFast", "failed", "failed"),
        ("failFast", "cancelled", "cancelled"),
        ("failFast", "completed", "queued"),
    ],
)
async def test_the_policy_says_what_becomes_of_a_waiter(
    site: Site, family: Family, policy: str, end: str, then: str
) -> None:
    job = family.job()
    waiter = family.waiter([job], policy)
    await site.organs.examine.once()
    family.end(job, end)
    await site.organs.examine.once()
    row = family.row(waiter)
    assert row["status"] == then
    assert (row["finishedAt"] is None) == (then == "queued")
    assert not family.waits(waiter)
    if then != "queued":
        was = "which failed" if end == "failed" else "which was cancelled"
        assert row["errorMessage"] == f"waited for job {job}, {was}"


@pytest.mark.parametrize(
    ("outcome", "then"), [(Errored("broken", permanent=True), "failed"), (Cancelled("enough"), "cancelled")]
)
async def test_an_end_that_is_no_completion_cascades(
    site: Site, family: Family, outcome: Any, then: str
) -> None:
    run = await site.start()
    chain = [run.job.id]
    for _ in range(3):
        chain.append(family.waiter(chain[-1:]))
    await site.organs.examine.once()
    await site.finish(run, outcome)
    await site.organs.examine.once()
    assert [family.row(id)["status"] for id in chain] == [then] * 4
    assert not family.rows("SELECT id FROM jobs WHERE watches IS NOT NULL")


async def test_only_who_wants_it_fails_before_the_others_have_ended(site: Site, family: Family) -> None:
    jobs = [family.job() for _ in range(3)]
    patient, hasty = family.waiter(jobs), family.waiter(jobs, "failFast")
    await site.organs.examine.once()
    family.end(jobs[0], "failed")
    await site.organs.examine.once()
    assert family.row(hasty)["status"] == "failed"
    assert family.waits(patient)
    family.end(jobs[0], "queued")
    for id in jobs:
        family.end(id)
    await site.organs.examine.once()
    assert not family.waits(patient)
    assert family.row(patient)["status"] == "queued"


async def test_a_failed_job_may_be_requeued_before_the_decision(site: Site, family: Family) -> None:
    first, second = family.job(), family.job()
    waiter = family.waiter([first, second])
    await site.organs.examine.once()
    family.end(second, "failed")
    await site.organs.examine.once()
    family.end(second, "queued")
    family.end(first)
    await site.organs.examine.once()
    assert family.waits(waiter)
    family.end(second)
    await site.organs.examine.once()
    assert not family.waits(waiter)
    assert family.row(waiter)["status"] == "queued"


async def test_ended_jobs_hold_nobody_back_and_an_empty_list_neither(site: Site, family: Family) -> None:
    job = family.job()
    family.end(job)
    waiter, free = family.waiter([job]), family.waiter([])
    assert not family.waits(free)
    await site.organs.examine.once()
    assert not family.waits(waiter)


async def test_a_waiter_keeps_the_time_it_was_given(site: Site, family: Family) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    job = family.job()
    waiter = family.waiter([job], runAt=tomorrow)
    await site.organs.examine.once()
    family.end(job)
    await site.organs.examine.once()
    assert family.row(waiter)["runAt"] == tomorrow


async def test_who_becomes_ready_wakes_idle_workers(site: Site, family: Family, connect: Any) -> None:
    job = family.job()
    family.waiter([job])
    await site.organs.examine.once()
    family.end(job)
    listener = connect()
    listener.execute("LISTEN rowcrew_wake")
    await site.organs.examine.once()
    assert [note.channel for note in listener.notifies(timeout=30, stop_after=1)] == ["rowcrew_wake"]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("waitsFor", [10**9]),
        ("waitsFor", [0]),
        ("waitsFor", [None]),
        ("waitsFor", [1] * 100_001),
        ("waitPolicy", "some"),
    ],
    ids=str,
)
def test_nonsense_is_refused_by_name(family: Family, column: str, value: Any) -> None:
    for _ in range(3):
        family.job()
    columns: Any = {"waitsFor": [1], column: value}
    with pytest.raises(psycopg.errors.CheckViolation, match=r"jobs_wait(s_for_earlier|_policy_known)"):
        family.enqueue("quick", **columns)


def test_nobody_waits_for_itself(family: Family) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="may wait for at most 100000 earlier jobs"):
        family.enqueue("quick", id=77, waitsFor=[77])


async def test_an_id_that_is_not_there_is_waited_for_one_minute(site: Site, family: Family) -> None:
    gone = family.job()
    family.rows("DELETE FROM jobs WHERE id = %s", gone)
    strict, lenient = family.waiter([gone]), family.waiter([gone], "ended")
    await site.organs.examine.once()
    assert family.waits(strict)
    assert family.waits(lenient)
    family.write_past_triggers("""UPDATE jobs SET "updatedAt" = "updatedAt" - interval '61 s'""")
    await site.organs.examine.once()
    assert family.row(strict)["errorMessage"] == f"waited for job {gone}, which is not in the table"
    assert family.row(lenient)["status"] == "queued"
    assert not family.waits(lenient)


async def test_a_locked_row_holds_up_nobody_else(site: Site, family: Family, connect: Any) -> None:
    locked, free = family.job(), family.job()
    late, soon = family.waiter([locked]), family.waiter([free])
    holder = connect(autocommit=False)
    holder.execute("SELECT FROM jobs WHERE id = %s FOR UPDATE", (locked,))
    family.end(free)
    await site.organs.examine.once()
    assert not family.waits(soon)
    assert family.row(late)["watches"] == 0
    holder.rollback()
    await site.organs.examine.once()
    assert family.row(late)["watches"] == locked


async def test_what_is_parked_is_neither_ready_nor_delayed(family: Family) -> None:
    job = family.job()
    family.waiter([job])
    family.job(runAt=datetime.now(UTC) + timedelta(days=1))
    (row,) = family.rows("SELECT ready, delayed, waiting FROM queue_depth")
    assert row == {"ready": 1, "delayed": 1, "waiting": 1}


class TestByHand:
    """People, and programs that know nothing of waiting."""

    async def test_a_new_time_ends_the_wait(self, site: Site, family: Family) -> None:
        waiter = family.waiter([family.job()])
        await site.organs.examine.once()
        family.rows('UPDATE jobs SET "runAt" = now() WHERE id = %s', waiter)
        assert not family.waits(waiter)
        assert await site.reserve() == 2

    async def test_another_priority_does_not(self, site: Site, family: Family) -> None:
        job = family.job()
        waiter = family.waiter([job])
        await site.organs.examine.once()
        family.rows("UPDATE jobs SET priority = 20 WHERE id = %s", waiter)
        assert family.waits(waiter)
        family.end(job)
        await site.organs.examine.once()
        assert not family.waits(waiter)

    async def test_an_end_shows_the_time_it_was_given_and_cascades(self, site: Site, family: Family) -> None:
        job = family.job()
        waiter = family.waiter([job])
        last = family.waiter([waiter])
        await site.organs.examine.once()
        family.end(waiter, "cancelled")
        assert family.row(waiter)["runAt"].year != 9000
        await site.organs.examine.once()
        assert family.row(last)["status"] == "cancelled"

    async def test_a_requeued_waiter_waits_again(self, site: Site, family: Family) -> None:
        job = family.job()
        waiter = family.waiter([job])
        family.end(waiter, "cancelled")
        family.end(waiter, "queued")
        await site.organs.examine.once()
        assert family.waits(waiter)
        family.end(job)
        await site.organs.examine.once()
        assert not family.waits(waiter)

    async def test_a_waiter_that_another_program_takes_waits_no_longer(self, family: Family) -> None:
        waiter = family.waiter([family.job()])
        family.end(waiter, "processing")
        assert not family.waits(waiter)

    async def test_other_jobs_to_wait_for_are_taken_up(self, site: Site, family: Family) -> None:
        first, second = family.job(), family.job()
        waiter = family.waiter([first])
        await site.organs.examine.once()
        family.rows('UPDATE jobs SET "waitsFor" = %s WHERE id = %s', [second], waiter)
        await site.organs.examine.once()
        assert family.row(waiter)["watches"] == second
        family.rows('UPDATE jobs SET "waitsFor" = NULL WHERE id = %s', waiter)
        assert not family.waits(waiter)
        free = family.job()
        family.rows('UPDATE jobs SET "waitsFor" = %s WHERE id = %s', [second], free)
        await site.organs.examine.once()
        assert family.row(free)["watches"] == second

    def test_hands_write_neither_who_watches_nor_who_is_awaited(self, family: Family) -> None:
        job = family.job()
        waiter = family.waiter([job])
        family.rows("UPDATE jobs SET watches = NULL, awaited = true WHERE id = %s", waiter)
        assert (family.row(waiter)["watches"], family.row(waiter)["awaited"]) == (0, None)
        free = family.enqueue("quick", watches=-1, awaited=True, notBefore=datetime.now(UTC))
        row = family.row(free)
        assert (row["watches"], row["awaited"], row["notBefore"]) == (None, None, None)

    @pytest.mark.parametrize("examined", [True, False])
    async def test_a_whole_row_written_back_changes_no_wait(
        self, site: Site, family: Family, examined: bool
    ) -> None:
        """As Django saves: every column as the INSERT named it, but for the one that was changed."""
        sent = datetime.now(UTC) - timedelta(seconds=1)
        job = family.job()
        waiter = family.waiter([job], runAt=sent)
        if examined:
            await site.organs.examine.once()
        for run_at in (sent, family.row(waiter)["notBefore"], family.row(waiter)["runAt"]):
            family.rows('UPDATE jobs SET priority = 10, "runAt" = %s WHERE id = %s', run_at, waiter)
            assert family.waits(waiter)

    async def test_a_stale_save_parks_nobody_and_lets_nobody_go(
        self, site: Site, family: Family, connect: Any
    ) -> None:
        job = family.job()
        waiter = family.waiter([job])
        save = """
            UPDATE jobs SET revision = %(revision)s, "runAt" = %(runAt)s, watches = %(watches)s,
                   "waitsFor" = %(waitsFor)s, "notBefore" = %(notBefore)s, awaited = %(awaited)s, priority = 7
             WHERE id = %(id)s
        """
        new = family.row(waiter)
        await site.organs.examine.once()
        watching = family.row(waiter)
        connect().execute(save, {**new, "runAt": datetime.now(UTC) + timedelta(hours=1)})
        assert family.row(waiter)["watches"] == job
        family.end(job)
        await site.organs.examine.once()
        connect().execute(save, watching)
        row = family.row(waiter)
        assert not family.waits(waiter)
        assert (row["priority"], row["runAt"].year == 9000) == (7, False)
        assert await site.reserve() == 1


async def test_a_waiter_hears_of_a_job_that_was_deleted_or_ended_unheard(site: Site, family: Family) -> None:
    deleted, silent = family.job(), family.job()
    first, second = family.waiter([deleted], "ended"), family.waiter([silent])
    await site.organs.examine.once()
    family.rows("DELETE FROM jobs WHERE id = %s", deleted)
    family.write_past_triggers(
        """UPDATE jobs SET status = 'completed', "finishedAt" = now() WHERE id = %s""", silent
    )
    family.write_past_triggers("""UPDATE jobs SET "updatedAt" = "updatedAt" - interval '61 s'""")
    await site.organs.examine.once()
    assert family.waits(first)
    assert family.waits(second)
    await SweepWaits(link=site.links.chores, examine=site.organs.examine).once()
    await site.organs.examine.once()
    assert not family.waits(first)
    assert not family.waits(second)


async def test_pruning_spares_what_somebody_waits_for(site: Site, family: Family, database_url: str) -> None:
    early, late = family.job(), family.job()
    waiter = family.waiter([early, late])
    await site.organs.examine.once()
    family.end(early)
    family.end(late, "failed")
    family.write_past_triggers(
        """UPDATE jobs SET "finishedAt" = "finishedAt" - interval '8 days' WHERE id = %s""", early
    )
    settings = read({"DATABASE_URL": database_url})
    prune = Prune(link=site.links.chores, settings=settings, log=Log("text", site.output))
    await prune.everything()
    assert family.row(early)["status"] == "completed"
    await site.organs.examine.once()
    assert family.row(waiter)["errorMessage"] == f"waited for job {late}, which failed"
    family.write_past_triggers("""UPDATE jobs SET "finishedAt" = "finishedAt" - interval '31 days'""")
    assert await prune.everything() == 3


async def test_a_chore_looks_often_only_where_somebody_waits(site: Site, family: Family) -> None:
    chore = site.organs.examine._chore
    await site.organs.examine.once()
    idle = chore.period_seconds
    job = family.job()
    family.waiter([job])
    await site.organs.examine.once()
    assert chore.period_seconds == 2.0 < idle
