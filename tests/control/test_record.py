"""How ends reach their rows: every outcome, and everything that can be in the way."""

from __future__ import annotations

import asyncio
import json
from typing import Any, LiteralString

import pytest

from rowcrew.control.road.ending import as_stopped
from rowcrew.control.road.notes import MOST_BYTES, portions
from rowcrew.control.road.writing import End, in_ascii, size_of
from rowcrew.control.run import Run, StopReason
from rowcrew.model.outcome import (
    Cancelled,
    Completed,
    Errored,
    Lost,
    Outcome,
    Parked,
    Recorded,
    Released,
    Snoozed,
)
from rowcrew.model.verdict import Verdict
from tests.control.site import OpenSite, Site
from tests.model.made import a_job

pytestmark = pytest.mark.anyio

ENDED = ("job.completed", "job.snoozed", "job.released")
CHILD = b'[{"type":"quick","payload":{}}]'
# Outcome; then before the last attempt, and for it: status, the row's attempts, the word in job_attempts.
ENDS: list[tuple[Outcome, tuple[str, int, str | None], tuple[str, int, str | None]]] = [
    (Completed(b'{"a":1}'), ("completed", 1, None), ("completed", 1, None)),
    (Completed(None, CHILD), ("completed", 1, None), ("completed", 1, None)),
    (Errored("broken"), ("queued", 1, "retried"), ("failed", 1, "failed")),
    (Errored("broken", permanent=True), ("failed", 1, "failed"), ("failed", 1, "failed")),
    (Errored("broken", after_seconds=5.0), ("queued", 1, "retried"), ("failed", 1, "failed")),
    (Snoozed(9.0), ("queued", 0, "snoozed"), ("queued", 0, "snoozed")),
    (Cancelled("enough"), ("cancelled", 1, "cancelled"), ("cancelled", 1, "cancelled")),
    (Lost("died", blamed=True), ("queued", 1, "retried"), ("failed", 1, "failed")),
    (Lost("died", blamed=False), ("queued", 0, "lost"), ("queued", 0, "lost")),
    (Released("stopped"), ("queued", 0, "released"), ("queued", 0, "released")),
]


@pytest.mark.parametrize("is_last", [False, True], ids=["attempts left", "last attempt"])
@pytest.mark.parametrize(("outcome", "first", "last"), ENDS, ids=lambda value: str(value)[:40])
async def test_each_outcome_reaches_its_row(
    site: Site,
    outcome: Outcome,
    first: tuple[str, int, str | None],
    last: tuple[str, int, str | None],
    is_last: bool,
) -> None:
    run = await site.start(maxAttempts=1 if is_last else 3)
    row = await site.finish(run, outcome)
    status, attempts, word = last if is_last else first
    assert (row["status"], row["attempts"], row["workerId"]) == (status, attempts, None)
    assert site.table.outcomes(run.job.id) == ([] if word is None else [word])
    assert len(site.road.ledger) == site.road.ledger.in_flight == 0
    assert site.table.count("queued") == (status == "queued") + (getattr(outcome, "children", None) is CHILD)


async def test_a_log_in_json_says_how_long_each_run_took_from_its_begin(open_site: OpenSite) -> None:
    site = await open_site(log_format="json")
    for outcome in (Completed(None), Recorded(), Snoozed(9.0)):
        run = await site.start()
        site.clock.move(1.25)
        await site.finish(run, outcome)
    site.table.enqueue("quick")
    await site.reserve()
    (unbegun,) = site.road.ledger
    site.clock.move(1.25)
    await site.finish(unbegun, Released("stopped"))
    lines = [json.loads(line) for line in site.said.splitlines()]
    assert [(line["event"], line.get("seconds")) for line in lines if line["event"] in ENDED] == [
        ("job.completed", 1.25),
        ("job.completed", 1.25),
        ("job.snoozed", 1.25),
        ("job.released", None),
    ]


@pytest.mark.parametrize(
    ("outcome", "seconds"),
    [(Errored("x"), 40), (Errored("x", after_seconds=5.0), 5), (Snoozed(9.0), 9), (Released("x"), 0)],
    ids=["backoff", "retry after", "snooze", "released"],
)
async def test_a_job_that_runs_again_waits_as_long_as_its_end_says(
    site: Site, outcome: Outcome, seconds: float
) -> None:
    run = await site.start()
    row = await site.finish(run, outcome)
    assert (row["runAt"] - row["updatedAt"]).total_seconds() == pytest.approx(seconds, abs=0.01)


async def test_what_a_handlers_own_transaction_recorded_is_not_written_again(site: Site) -> None:
    run = await site.start()
    site.ended(run, Recorded())
    assert f"Job completed: {run.job.id}" in site.said
    assert len(site.road.ledger) == 0
    assert site.table.row(run.job.id)["status"] == "processing"  # the handler's transaction would have


KEEP_THEIR_END = [Completed(), Recorded(), Snoozed(1.0), Parked(b"[]", [1]), Cancelled("x")]
GIVE_WAY = [Errored("x", memory_bytes=5), Lost("x", blamed=True, memory_bytes=5), Released("x")]


@pytest.mark.parametrize("outcome", KEEP_THEIR_END, ids=lambda outcome: type(outcome).__name__)
@pytest.mark.parametrize("reason", StopReason)
def test_a_run_that_ended_by_itself_keeps_its_end_though_it_was_asked_to_stop(
    outcome: Outcome, reason: StopReason
) -> None:
    assert as_stopped(stopped(reason), outcome) is outcome


@pytest.mark.parametrize("outcome", GIVE_WAY, ids=lambda outcome: type(outcome).__name__)
def test_a_run_that_was_stopped_ends_as_its_stop_reason_says(outcome: Outcome) -> None:
    memory = getattr(outcome, "memory_bytes", None)
    text = "TimeoutError: ran longer than 7 seconds"
    assert as_stopped(stopped(StopReason.TIMEOUT), outcome) == Errored(text, memory_bytes=memory)
    for reason in (StopReason.SHUTDOWN, StopReason.FENCED):
        assert as_stopped(stopped(reason), outcome) == Released(reason.value)


def stopped(reason: StopReason) -> Run:
    run = Run(a_job(), 0.0, is_long=True)
    run.limited(7, asyncio_timer())
    run.asked_to_stop(reason)
    return run


def asyncio_timer() -> Any:
    class Timer:
        def cancel(self) -> None: ...

    return Timer()


async def test_a_stale_lease_changes_nothing_and_its_row_is_let_go(site: Site) -> None:
    run, other = await site.start(), await site.start()
    site.table.set_status(run.job.id, "cancelled")
    assert site.table.row(run.job.id)["workerId"] is not None
    site.ended(run, Completed(b"1", CHILD))
    site.ended(other, Completed())
    await site.road.recorder.once()
    await site.road.letting_go.done()
    row = site.table.row(run.job.id)
    assert (row["status"], row["result"], row["workerId"]) == ("cancelled", None, None)
    assert site.table.row(other.job.id)["status"] == "completed"
    assert f"no longer ours, nothing written: {run.job.id}" in site.said
    assert f"Job completed: {run.job.id}" not in site.said
    assert site.table.count("queued") == 0  # no child of a run that lost its row


async def test_an_end_that_is_told_twice_was_written_once(site: Site) -> None:
    run = await site.start()
    end = End(run.job.id, run.job.lease_id, Verdict("queued", "retried", error="x"), run.job)
    writer = site.road.recorder._writer
    assert (await writer.write([end])).strangers == {}
    again = await writer.write([end])
    assert again.strangers == {run.job.lease_id: "ALREADY"}
    assert site.table.outcomes(run.job.id) == ["retried"]


@pytest.mark.parametrize("poison", [b'"\\u0000"', b"1e200000", b"no json"], ids=["NUL", "number", "no JSON"])
async def test_a_poisoned_value_fails_alone(site: Site, poison: bytes) -> None:
    ids = [site.table.enqueue("quick") for _ in range(4)]
    await site.reserve()
    runs = [site.running(id) for id in ids]
    site.began(runs)
    for run in runs:
        site.ended(run, Completed(poison if run is runs[2] else b"1"))
    await site.road.recorder.once()
    statuses = [site.table.row(id)["status"] for id in ids]
    assert statuses == ["completed", "completed", "failed", "completed"]
    assert "could not be stored" in site.table.row(ids[2])["errorMessage"]
    assert f"end could not be stored as it was: {ids[2]}" in site.said
    assert len(site.road.ledger) == 0


async def test_a_locked_row_holds_up_no_other_and_is_written_when_it_is_free(site: Site) -> None:
    locked, free = await site.start(), await site.start()
    with site.table.another() as hand:
        hand.execute("SELECT FROM jobs WHERE id = %s FOR UPDATE", (locked.job.id,))
        site.ended(locked, Completed(b"1"))
        site.ended(free, Completed(b"2"))
        await site.road.recorder.once()
        assert site.table.row(free.job.id)["status"] == "completed"
        assert site.table.row(locked.job.id)["status"] == "processing"
        assert locked.job.lease_id in site.road.ledger
        hand.commit()
    site.clock.move(1.0)
    await site.road.recorder.once()
    assert site.table.row(locked.job.id)["status"] == "completed"
    assert len(site.road.ledger) == 0


async def test_a_lost_connection_is_told_once_and_the_ends_are_written_once_it_is_back(site: Site) -> None:
    run = await site.start()
    await site.finish(await site.start(), Completed())  # the record link is open
    for connection in site.table.connections_of_workers():
        if connection["name"] == "rowcrew record":
            site.table.rows("SELECT pg_terminate_backend(%s)", connection["pid"])
    site.ended(run, Completed(b"1"))
    await site.while_time_passes(site.road.recorder.once())
    assert site.table.row(run.job.id)["status"] == "completed"
    assert site.said.count("connection lost (record)") == 1
    assert site.said.count("connection is back (record)") == 1


async def test_a_row_that_only_the_database_holds_here_goes_back_with_its_attempt(site: Site) -> None:
    id = site.table.enqueue("quick")
    await site.reserve()
    (lease,) = [run.job.lease_id for run in site.road.ledger]
    site.road.ledger.forget([lease])
    site.road.recorder.give_back(id, lease)
    await site.road.recorder.once()
    row = site.table.row(id)
    assert (row["status"], row["attempts"]) == ("queued", 0)
    assert site.table.outcomes(id) == ["released"]


async def test_flushed_waits_for_ends_that_are_being_written(site: Site) -> None:
    run = await site.start()
    with site.table.another() as hand:
        hand.execute("LOCK TABLE job_attempts IN ACCESS EXCLUSIVE MODE")
        site.ended(run, Errored("x"))
        writing = asyncio.create_task(site.road.recorder.once())
        flushed = asyncio.create_task(site.road.recorder.flushed())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not flushed.done()
        hand.rollback()
    await asyncio.gather(writing, flushed)
    assert site.table.row(run.job.id)["status"] == "queued"


async def test_a_shutdown_waits_for_an_end_whose_row_is_locked(site: Site) -> None:
    locked = await site.start()
    with site.table.another() as hand:
        hand.execute("SELECT FROM jobs WHERE id = %s FOR UPDATE", (locked.job.id,))
        site.ended(locked, Completed(b"1"))
        await site.road.recorder.once()
        flushed = asyncio.create_task(site.road.recorder.flushed())
        await asyncio.sleep(0)
        assert not flushed.done()
        hand.commit()
    site.clock.move(1.0)
    await site.road.recorder.once()
    await flushed
    assert site.table.row(locked.job.id)["status"] == "completed"


# Rows of priority 7 cannot leave "processing".
REFUSE: LiteralString = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'not this one'; END $$;
    CREATE TRIGGER refuse BEFORE UPDATE ON jobs FOR EACH ROW
    WHEN (OLD.status = 'processing' AND NEW.status <> 'processing' AND OLD.priority = 7)
    EXECUTE FUNCTION refuse()
"""


async def test_an_end_that_no_row_takes_frees_its_slot_delays_no_shutdown_and_is_tried_again(
    site: Site,
) -> None:
    site.table.rows(REFUSE)
    odd, good = await site.start(priority=7), await site.start()
    for run in (odd, good):
        site.ended(run, Completed(b"1"))
    await site.road.recorder.once()
    await site.road.recorder.flushed()
    assert site.table.row(good.job.id)["status"] == "completed"
    assert site.table.row(odd.job.id)["status"] == "processing"
    assert site.road.ledger.in_flight == 0
    (aside,) = site.table.rows("SELECT * FROM jobs_set_aside")
    assert (aside["jobId"], aside["tries"], "not this one" in aside["reason"]) == (odd.job.id, 1, True)
    site.table.rows("DROP FUNCTION refuse CASCADE")
    site.clock.move(11)
    await site.road.recorder.once()
    assert site.table.row(odd.job.id)["status"] == "completed"
    assert len(site.road.ledger) == 0


async def test_a_row_that_takes_no_end_beside_a_locked_one_stops_no_worker(site: Site) -> None:
    site.table.rows(REFUSE)
    odd, locked, good = await site.start(priority=7), await site.start(), await site.start()
    with site.table.another() as hand:
        hand.execute("SELECT FROM jobs WHERE id = %s FOR UPDATE", (locked.job.id,))
        for run in (locked, odd, good):
            site.ended(run, Completed(b"1"))
        await site.road.recorder.once()
        assert site.table.row(good.job.id)["status"] == "completed"
        hand.commit()
    assert [row["jobId"] for row in site.table.rows("SELECT * FROM jobs_set_aside")] == [odd.job.id]
    site.clock.move(1.0)
    await site.road.recorder.once()
    assert site.table.row(locked.job.id)["status"] == "completed"


async def test_a_locked_row_holds_up_no_end_with_children(site: Site) -> None:
    locked, parent = await site.start(), await site.start()
    with site.table.another() as hand:
        hand.execute("SELECT FROM jobs WHERE id = %s FOR UPDATE", (locked.job.id,))
        site.ended(locked, Completed(b"1", CHILD))
        site.ended(parent, Completed(b"2", CHILD))
        await site.road.recorder.once()
        assert site.table.row(parent.job.id)["status"] == "completed"
        assert site.table.row(locked.job.id)["status"] == "processing"
        assert site.table.count("queued") == 1
        hand.commit()
    site.clock.move(1.0)
    await site.road.recorder.once()
    assert site.table.row(locked.job.id)["status"] == "completed"
    assert site.table.count("queued") == 2
    assert site.road.backlog.bytes_held == 0


def test_one_statement_carries_no_more_than_its_share_of_bytes() -> None:
    decided = Verdict("completed", None, result=b"x" * 950_000)
    ends = [End(n, "lease", decided, a_job(), size=size_of(decided, None, None)) for n in range(240)]
    shares = list(portions(ends, [end.size for end in ends]))
    assert [end for share in shares for end in share] == ends
    assert max(sum(end.size for end in share) for share in shares) <= MOST_BYTES


def test_an_end_in_ascii_keeps_what_the_handler_gave() -> None:
    verdict = Verdict("queued", "retried", error="→ ü", traceback="…", result='"→"'.encode())
    letters = '"→"'.encode()
    plain = in_ascii(End(1, "lease", verdict, progress=letters, checkpoint=letters))
    assert (plain.verdict.error, plain.verdict.traceback) == ("\\u2192 \\xfc", "\\u2026")
    assert (plain.verdict.status, plain.verdict.result) == ("queued", verdict.result)
    assert (plain.progress, plain.checkpoint) == (None, letters)
    assert in_ascii(End(1, "lease", Verdict("completed"), progress=b"1")).progress == b"1"
