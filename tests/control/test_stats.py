"""What workers write to `job_stats`, ticked by hand, and how it is merged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from rowcrew.control.children import usage
from rowcrew.control.children.meter import Reading
from rowcrew.control.chores.stats import KEEP_HOURS_SECONDS, KEEP_MINUTES_SECONDS, MergeStats
from rowcrew.model.histogram import bucket_of
from rowcrew.model.outcome import Cancelled, Completed, Errored, Lost, Outcome, Recorded, Released, Snoozed
from rowcrew.table import stats as table
from tests.control.site import OpenSite, Site

pytestmark = pytest.mark.anyio

OUTCOMES: list[tuple[Outcome, str]] = [
    (Completed(b"1"), "completed"),
    (Errored("broken"), "retried"),
    (Errored("broken", permanent=True), "failed"),
    (Snoozed(9.0), "snoozed"),
    (Cancelled("enough"), "cancelled"),
    (Lost("died", blamed=False), "lost"),
    (Released("stopped"), "released"),
]
FROM_BUCKETS = 'unnest("runBuckets", "runCounts") AS b (bucket, runs)'


def counted(site: Site) -> dict[str, int]:
    rows = site.table.rows("SELECT outcome, sum(count)::int AS count FROM job_stats GROUP BY outcome")
    return {row["outcome"]: row["count"] for row in rows}


def rows(site: Site) -> list[dict[str, Any]]:
    return site.table.rows('SELECT * FROM job_stats ORDER BY seconds, "endsAt", outcome')


@pytest.mark.parametrize(("outcome", "word"), OUTCOMES, ids=lambda value: str(value)[:20])
async def test_each_recorded_end_counts_once_under_its_outcome(
    site: Site, outcome: Outcome, word: str
) -> None:
    run = await site.start()
    await site.finish(run, outcome)
    await site.organs.stats.once()
    await site.organs.stats.once()
    assert counted(site) == {word: 1}


async def test_a_completion_that_the_handler_committed_itself_counts(site: Site) -> None:
    await site.finish(await site.start(), Recorded())
    await site.organs.stats.once()
    assert counted(site) == {"completed": 1}


async def test_the_wait_is_that_of_the_row_and_the_run_is_as_control_saw_it(site: Site) -> None:
    run = await site.start(runAt=datetime.now(UTC) - timedelta(seconds=50))
    site.clock.move(1.5)
    row = await site.finish(run, Completed(None))
    await site.organs.stats.once()
    (written,) = rows(site)
    assert written["waitSeconds"] == pytest.approx((row["startedAt"] - row["runAt"]).total_seconds())
    assert (written["runSeconds"], written["runBuckets"], written["runCounts"]) == (
        1.5,
        [bucket_of(1.5)],
        [1],
    )
    assert (written["workerId"], written["seconds"]) == (site.organs.identity.worker_id, 60)


async def test_an_end_that_is_no_longer_ours_counts_nothing(site: Site) -> None:
    run = await site.start()
    site.table.set_status(run.job.id, "cancelled")
    await site.finish(run, Completed(None))
    await site.organs.stats.once()
    assert rows(site) == []


async def test_an_end_told_twice_counts_once(site: Site) -> None:
    """The answer to the first telling was lost."""
    run = await site.start()
    site.ended(run, Completed(None))
    ends = list(site.road.recorder._pending)
    await site.road.recorder._writer.write(ends)
    await site.road.recorder.once()
    await site.organs.stats.once()
    assert counted(site) == {"completed": 1}


async def test_where_nothing_ended_nothing_is_asked(open_site: OpenSite) -> None:
    site = await open_site()
    await site.links.close()
    opened = site.links.chores.opened
    await site.organs.stats.once()
    assert site.links.chores.opened == opened


async def test_counts_whose_answer_was_lost_are_written_again_and_count_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site.finish(await site.start(), Completed(None))
    write = table.write_stats

    async def written_and_lost(*arguments: Any, **named: Any) -> None:
        await write(*arguments, **named)
        raise psycopg.OperationalError("the connection is gone")

    monkeypatch.setattr(table, "write_stats", written_and_lost)
    with pytest.raises(psycopg.OperationalError):
        await site.organs.stats.once()
    monkeypatch.setattr(table, "write_stats", write)
    await site.finish(await site.start(), Completed(None))
    await site.organs.stats.once()
    assert [row["count"] for row in rows(site)] == [1, 1]


async def test_counts_that_an_outage_kept_back_for_hours_are_let_go(site: Site) -> None:
    """By then they may have been written and merged: written again they would count twice."""
    old = datetime.now(UTC) - timedelta(hours=2, minutes=1)
    await table.write_stats(site.links.chores, moment=old, worker=1, counts=ONE_RUN)
    assert rows(site) == []


ONE_RUN = (
    '[{"queue":"default","type":"a","outcome":"completed","count":1,"runSeconds":0.5,"waitSeconds":2,'
    '"memoryBytes":7,"runBuckets":[66],"runCounts":[1],"waitBuckets":[80],"waitCounts":[1]}]'
)


def insert(site: Site, ends_at: datetime, seconds: int = 60, **columns: Any) -> None:
    values: dict[str, Any] = {
        "endsAt": ends_at,
        "seconds": seconds,
        "workerId": 1,
        "queue": "default",
        "type": "a",
        "outcome": "completed",
        "count": 3,
        "runSeconds": 1.5,
        "waitSeconds": 2.0,
        "memoryBytes": 7,
        "runBuckets": [5, 6],
        "runCounts": [1, 2],
        "waitBuckets": [9],
        "waitCounts": [3],
        **columns,
    }
    names = ", ".join(f'"{name}"' for name in values)
    query: Any = f"INSERT INTO job_stats ({names}) VALUES ({', '.join(['%s'] * len(values))})"
    site.table.rows(query, *values.values())


def hour(hours_ago: float) -> datetime:
    """The beginning of an hour so long ago, at least."""
    moment = datetime.now(UTC) - timedelta(hours=hours_ago)
    return moment.replace(minute=0, second=0, microsecond=0)


async def test_minutes_of_a_past_hour_become_one_row_that_adds_them_up(site: Site) -> None:
    begin = hour(KEEP_MINUTES_SECONDS / 3600 + 1)
    insert(site, begin + timedelta(minutes=1))
    insert(site, begin + timedelta(minutes=2), workerId=2, memoryBytes=9, runBuckets=[6], runCounts=[3])
    insert(site, begin + timedelta(minutes=60), workerId=2, runBuckets=[], runCounts=[], memoryBytes=None)
    insert(site, begin + timedelta(minutes=2), outcome="failed", waitBuckets=[], waitCounts=[])
    await MergeStats(link=site.links.chores).once()
    completed, failed = rows(site)
    assert (completed["endsAt"], completed["seconds"]) == (begin + timedelta(hours=1), 3600)
    assert (completed["workerId"], completed["count"], completed["runSeconds"]) == (0, 9, 4.5)
    assert completed["memoryBytes"] == 9
    assert dict(zip(completed["runBuckets"], completed["runCounts"], strict=True)) == {5: 1, 6: 5}
    assert (completed["waitBuckets"], completed["waitCounts"]) == ([9], [9])
    assert (failed["outcome"], failed["count"], failed["waitBuckets"]) == ("failed", 3, [])


async def test_minutes_that_are_still_read_stay(site: Site) -> None:
    insert(site, hour(2) + timedelta(minutes=1))
    insert(site, hour(KEEP_MINUTES_SECONDS / 3600) + timedelta(seconds=1))
    await MergeStats(link=site.links.chores).once()
    assert [row["seconds"] for row in rows(site)] == [60, 60]


async def test_hours_become_days_and_days_go_after_400(site: Site) -> None:
    day = hour(0).replace(hour=0) - timedelta(seconds=KEEP_HOURS_SECONDS) - timedelta(days=1)
    insert(site, day + timedelta(hours=1), 3600, workerId=0)
    insert(site, day + timedelta(hours=24), 3600, workerId=0)
    insert(site, day - timedelta(days=390), 86400, workerId=0)
    await MergeStats(link=site.links.chores).once()
    assert [(row["endsAt"], row["seconds"], row["count"]) for row in rows(site)] == [
        (day + timedelta(hours=24), 86400, 6)
    ]


async def test_rows_for_an_hour_that_is_merged_already_are_added_to_it(site: Site) -> None:
    begin = hour(KEEP_MINUTES_SECONDS / 3600 + 1)
    for minute in (1, 2):
        insert(site, begin + timedelta(minutes=minute))
        await MergeStats(link=site.links.chores).once()
    (merged,) = rows(site)
    assert (merged["count"], merged["runSeconds"]) == (6, 3.0)
    summed: Any = f"SELECT bucket, sum(runs)::int AS runs FROM job_stats, {FROM_BUCKETS} GROUP BY 1"
    assert {row["bucket"]: row["runs"] for row in site.table.rows(summed)} == {5: 2, 6: 4}


async def test_while_one_worker_merges_another_does_not_wait_for_it(site: Site) -> None:
    insert(site, hour(KEEP_MINUTES_SECONDS / 3600 + 1))
    with site.table.another() as other:
        other.execute("SELECT pg_advisory_xact_lock(821737, 0)")
        await MergeStats(link=site.links.chores).once()
        assert [row["seconds"] for row in rows(site)] == [60]
    await MergeStats(link=site.links.chores).once()
    assert [row["seconds"] for row in rows(site)] == [3600]


async def test_jobs_of_a_lost_worker_count_as_lost_by_the_one_that_rescues_them(
    open_site: OpenSite,
) -> None:
    lost, rescuer = await open_site(), await open_site()
    await lost.start()
    await lost.start("limited")
    seen = lost.table.rows("SELECT beats FROM workers WHERE id = %s", lost.organs.identity.worker_id)
    await rescuer.organs.rescue._take_over([(lost.organs.identity.worker_id, seen[0]["beats"])])
    await rescuer.organs.stats.once()
    assert counted(rescuer) == {"lost": 2}
    assert {row["type"] for row in rows(rescuer)} == {"quick", "limited"}


async def test_memory_is_that_of_the_runner_at_a_heartbeat(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage, "reading", lambda pid: Reading(memory=123 << 20, cpu=0.0))
    run = await site.start()
    site.organs.heartbeat._usage.sample()
    await site.finish(run, Completed(None))
    await site.organs.stats.once()
    assert [row["memoryBytes"] for row in rows(site)] == [123 << 20]
