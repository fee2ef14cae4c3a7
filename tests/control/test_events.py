"""Facts and their events are one commit: there is neither without the other, and nothing is paid without."""

from __future__ import annotations

import asyncio
from typing import Any
from unittest.mock import MagicMock

import pytest

from rig.waiting import eventually
from rowcrew.context import Context, CurrentJob
from rowcrew.control.road.writing import End, failures
from rowcrew.control.run import Run
from rowcrew.crew import Crew
from rowcrew.model.errors import InvalidEvent
from rowcrew.model.event import DETAIL_BYTES, NewEvent, events_document
from rowcrew.model.job import Job
from rowcrew.model.outcome import Cancelled, Completed, Errored, Lost, Released, Snoozed
from rowcrew.model.verdict import Verdict
from rowcrew.table import worker as statements
from rowcrew.testing import run_handler
from tests.conftest import Connect
from tests.contract.hands import insert, one, read, register_worker, reserve
from tests.control.site import Site
from tests.model.made import a_job

pytestmark = pytest.mark.anyio

BROKEN = Errored("ValueError: password=hunter2 is broken", permanent=True)
EMITTED = events_document([NewEvent("rained", "Oslo", "default", "quick", 2, {"mm": 7})]).encode()
LOCK = "SELECT FROM jobs WHERE id = %s FOR UPDATE"


def events(site: Site) -> list[dict[str, Any]]:
    return site.table.rows("SELECT kind, subject, queue, type, count, detail FROM events ORDER BY id")


async def started(site: Site, number: int, **columns: Any) -> list[Run]:
    return [await site.start(**columns) for _ in range(number)]


async def finish(site: Site, *runs: Run) -> None:
    for run in runs:
        site.ended(run, BROKEN)
    await site.road.recorder.once()


async def test_jobs_that_fail_together_are_one_event(site: Site) -> None:
    runs = await started(site, 4)
    for run in runs[:-1]:
        site.ended(run, BROKEN)
    site.ended(runs[-1], Completed())
    await site.road.recorder.once()
    (event,) = events(site)
    assert (event["kind"], event["subject"], event["queue"]) == ("job.failed", "quick", "default")
    assert event["count"] == 3
    assert event["detail"] == {"jobId": runs[2].job.id, "error": "ValueError: password=*** is broken"}


def test_each_queue_and_type_has_its_own() -> None:
    verdict = Verdict("failed", "failed", error="x")
    jobs = [a_job(id=1), a_job(id=2, queue="reports"), a_job(id=3, type="other"), a_job(id=4)]
    facts = [
        (event.type, event.queue, event.count) for event in failures([_end(job, verdict) for job in jobs])
    ]
    first = jobs[0]
    assert facts == [(first.type, first.queue, 2), (first.type, "reports", 1), ("other", first.queue, 1)]


def _end(job: Job, verdict: Verdict) -> End:
    return End(job.id, job.lease_id, verdict, job)


@pytest.mark.parametrize(
    "outcome",
    [Completed(), Errored("again"), Snoozed(9.0), Cancelled("enough"), Released("x"), Lost("x", False)],
)
async def test_only_a_failure_for_good_is_told(site: Site, outcome: Any) -> None:
    await site.finish(await site.start(), outcome)
    assert events(site) == []


async def test_what_completes_is_written_in_one_statement_as_before(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await site.start()
    asked = []
    fetch = site.links.record.fetch

    async def counted(query: str, *more: Any, **options: Any) -> Any:
        asked.append(query)
        return await fetch(query, *more, **options)

    monkeypatch.setattr(site.links.record, "fetch", counted)
    monkeypatch.setattr(site.links.record, "transaction", None)
    await site.finish(run, Completed())
    assert len(asked) == 1


async def test_an_end_that_is_no_longer_ours_is_told_by_those_whose_it_is(site: Site) -> None:
    run = await site.start()
    site.table.set_status(run.job.id, "cancelled")
    await site.finish(run, BROKEN)
    assert events(site) == []


async def test_an_end_whose_answer_is_lost_is_written_again_and_told_once(site: Site) -> None:
    run = await site.start()
    end = End(run.job.id, run.job.lease_id, Verdict("failed", "failed", error="x"), run.job)
    for _ in range(2):
        await site.road.recorder._writer.write([end])
    assert len(events(site)) == 1


async def test_a_record_that_is_rolled_back_tells_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await site.start()

    async def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("between the record and its events")

    monkeypatch.setattr(site.road.recorder._writer, "_emit", broken)
    with pytest.raises(RuntimeError):
        await finish(site, run)
    assert site.table.row(run.job.id)["status"] == "processing"


async def test_beside_a_locked_row_the_others_fail_and_are_told(site: Site, connect: Connect) -> None:
    free, locked = await started(site, 2)
    hand = connect(autocommit=False)
    hand.execute(LOCK, [locked.job.id])
    await finish(site, free, locked)
    assert [row["count"] for row in events(site)] == [1]
    hand.rollback()
    while len(events(site)) < 2:
        site.clock.move(1)
        await asyncio.sleep(0.01)
        await site.road.recorder.once()
    assert [row["count"] for row in events(site)] == [1, 1]


@pytest.mark.parametrize("locked", [False, True])
async def test_what_a_run_emits_comes_with_its_completion(
    site: Site, connect: Connect, *, locked: bool
) -> None:
    run, other = await started(site, 2)
    hand = connect(autocommit=False)
    if locked:
        hand.execute(LOCK, [other.job.id])
    site.ended(run, Completed(None, None, EMITTED))
    site.ended(other, Completed())
    await site.road.recorder.once()
    hand.rollback()
    (event,) = events(site)
    assert (event["kind"], event["count"], event["detail"]) == ("rained", 2, {"mm": 7})


async def test_an_event_that_no_row_takes_fails_its_job_and_no_other(site: Site) -> None:
    odd, good = await started(site, 2)
    site.ended(odd, Completed(None, None, b'[{"kind": "NOT A KIND"}]'))
    site.ended(good, Completed())
    await site.road.recorder.once()
    assert site.table.row(odd.job.id)["status"] == "failed"
    assert "events_kind_form" in site.table.row(odd.job.id)["errorMessage"]
    assert site.table.row(good.job.id)["status"] == "completed"
    assert [row["kind"] for row in events(site)] == ["job.failed"]


async def test_a_lost_worker_is_told_once_whoever_declares_it(site: Site, connect: Connect) -> None:
    connection = connect()
    dead = register_worker(connection, name="crane", host="harbour", pid=9)
    held = [insert(connection, maxAttempts=1) for _ in range(2)]
    for id in held:
        reserve(connection, id, dead)
    for _ in range(3):
        await statements.rescue(site.links.chores, workers=[dead], beats=[0])
    (event,) = events(site)
    assert (event["kind"], event["subject"]) == ("worker.lost", "crane")
    assert event["detail"] == {"workerId": dead, "host": "harbour", "pid": 9}
    assert read(connection, held[0], "status") == ("queued",)


async def test_a_job_that_fails_with_its_worker_is_told_with_its_id(site: Site, connect: Connect) -> None:
    """Others let a job fail by a stalled worker and tell nobody, or tell without the job."""
    connection = connect()
    dead = register_worker(connection, name="crane")
    id = insert(connection, maxAttempts=1)
    reserve(connection, id, dead)
    connection.execute(
        """UPDATE workers SET "aloneWith" = (SELECT "leaseId" FROM jobs WHERE id = %s) WHERE id = %s""",
        [id, dead],
    )
    await statements.rescue(site.links.chores, workers=[dead], beats=[0])
    told = {row["kind"]: row for row in events(site)}
    assert told["job.failed"]["detail"]["jobId"] == id
    assert told["job.failed"]["subject"] == "test"
    assert read(connection, id, "status") == ("failed",)


async def test_what_another_program_left_and_what_no_worker_takes_is_told(
    site: Site, connect: Connect
) -> None:
    connection = connect()
    connection.execute("INSERT INTO queues (queue, \"rescueForeignSeconds\") VALUES ('default', 1)")
    left = insert(connection, maxAttempts=1)
    connection.execute("UPDATE jobs SET status = 'processing' WHERE id = %s", [left])
    with_time_passed = """UPDATE jobs SET "updatedAt" = now() - interval '1 hour' WHERE id = %s"""
    site.table.write_past_triggers(with_time_passed, left)
    await statements.rescue_foreign(site.links.chores, only=[left])
    odd = insert(connection)
    assert await statements.fail_odd(site.links.chores, id=odd, reason="an odd row")
    assert [row["detail"] for row in events(site)] == [
        {"jobId": left, "error": "left in processing by another program"},
        {"jobId": odd, "error": "an odd row"},
    ]
    assert one(connection, "SELECT count(*) FROM jobs WHERE status = 'failed'") == (2,)


async def test_what_fails_with_what_it_waited_for_is_told(site: Site) -> None:
    job = site.table.enqueue("quick")
    waiting = [site.table.enqueue("quick", waitsFor=[job]) for _ in range(3)]
    spared = site.table.enqueue("quick", waitsFor=[job], waitPolicy="ended")
    await site.organs.examine.once()
    site.table.set_status(job, "failed")  # by hand: nobody is told of this one
    await site.organs.examine.once()
    (event,) = events(site)
    assert (event["kind"], event["subject"], event["queue"], event["count"]) == (
        "job.failed",
        "quick",
        "default",
        3,
    )
    assert event["detail"] == {"jobId": waiting[-1], "error": f"waited for job {job}, which failed"}
    assert site.table.row(spared)["status"] == "queued"


CREW = Crew()


@CREW.job("rains")
def rains(context: Context, raises: bool = False) -> None:
    context.emit("rained", "Oslo", detail={"mm": 7})
    if raises:
        raise ValueError


def test_a_users_test_sees_what_its_handler_emits() -> None:
    (event,) = run_handler(CREW, "rains").events
    assert (event.kind, event.subject, event.queue, event.type) == ("rained", "Oslo", "default", "rains")
    assert event.detail == {"mm": 7}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"kind": "job.failed"}, "kind"),
        ({"kind": "Rained!"}, "kind"),
        ({"kind": "r" * 101}, "kind"),
        ({"subject": "s" * 201}, "subject"),
        ({"subject": "a\0b"}, "subject"),
        ({"count": 0}, "count"),
        ({"count": True}, "count"),
        ({"detail": ["no mapping"]}, "detail"),
        ({"detail": {"too": "m" * DETAIL_BYTES}}, "detail"),
        ({"detail": {"a": float("nan")}}, "detail"),
        ({"detail": {"a": object()}}, "detail"),
    ],
)
def test_what_is_no_event_is_refused_where_it_is_emitted(given: dict[str, Any], field: str) -> None:
    job = CurrentJob(id=1, type="t", queue="q", priority=0, attempt=1, max_attempts=3)
    context = Context(job=job, port=MagicMock(), log=MagicMock())
    with pytest.raises(InvalidEvent) as refused:
        context.emit(**{"kind": "rained", **given})
    assert refused.value.field == field


async def test_a_message_holds_what_jsonb_refuses_in_no_text(site: Site) -> None:
    event = NewEvent("rained", detail={"text": "a\0b"})
    run = await site.start()
    await site.finish(run, Completed(None, None, events_document([event]).encode()))
    assert events(site)[0]["detail"] == {"text": "ab"}
    eventually(lambda: site.table.row(run.job.id)["status"] == "completed")
