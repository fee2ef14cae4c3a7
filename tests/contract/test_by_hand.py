"""What follows from an UPDATE that no worker sent: dates, lease and counters are put right by triggers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.conftest import Connect
from tests.contract.hands import ENDED, STATUSES, Connection, insert, job_in, one, read, record, reserve

SOON = timedelta(seconds=30)


def set_by_hand(connection: Connection, id: int, status: str) -> None:
    connection.execute("UPDATE jobs SET status = %s WHERE id = %s", [status, id])


def wait(connection: Connection, id: int) -> timedelta:
    """How long the job still has to wait."""
    (left,) = one(connection, 'SELECT "runAt" - clock_timestamp() FROM jobs WHERE id = %s', [id])
    assert isinstance(left, timedelta)
    return left


@pytest.mark.parametrize("before", STATUSES)
@pytest.mark.parametrize("after", STATUSES)
def test_every_status_can_be_set_by_hand_and_leaves_a_consistent_row(
    table: Connect, before: str, after: str
) -> None:
    connection = table()
    id = job_in(connection, before)
    columns = ("leaseId", "workerId", "revision", "updatedAt", "startedAt", "finishedAt", "attempts")
    lease, worker, revision, updated_at, started_at, finished_at, attempts = read(connection, id, *columns)
    set_by_hand(connection, id, after)
    now = read(connection, id, *columns)
    assert read(connection, id, "status") == (after,)
    assert now[2] == revision + (before != after)
    assert now[3] > updated_at
    if before == after:
        assert (now[0], now[1], *now[4:]) == (lease, worker, started_at, finished_at, attempts)
    elif after == "queued":
        assert (now[0], now[1], *now[4:]) == (lease, None, None, None, 0)
    elif after == "processing":
        assert now[0] not in (None, lease)
        assert (now[1], now[5], now[6]) == (None, None, attempts)
        assert now[4] >= updated_at
    else:
        assert (now[0], now[1], now[4], now[6]) == (lease, worker, started_at, attempts)
        assert now[5] >= updated_at


def test_a_workers_own_writes_pass_by_the_trigger(table: Connect) -> None:
    connection = table()
    id = insert(connection)
    lease = reserve(connection, id)
    assert read(connection, id, "revision", "workerId", "attempts") == (1, 7, 1)
    assert record(connection, id, lease)
    assert read(connection, id, "revision", "workerId", "status", "leaseId") == (2, None, "completed", lease)


@pytest.mark.parametrize(("column", "value"), [("leaseId", uuid4()), ("workerId", 99), ("revision", 50)])
def test_hands_cannot_write_what_proves_ownership(table: Connect, column: str, value: Any) -> None:
    connection = table()
    id = insert(connection)
    lease = reserve(connection, id)
    connection.execute(f'UPDATE jobs SET "{column}" = %s WHERE id = %s', [value, id])
    assert read(connection, id, "leaseId", "workerId", "revision") == (lease, 7, 1)


@pytest.mark.parametrize("ending", ENDED)
def test_a_run_that_lost_its_row_to_a_hand_can_no_longer_record(table: Connect, ending: str) -> None:
    connection = table()
    id = insert(connection)
    lease = reserve(connection, id)
    set_by_hand(connection, id, ending)
    assert read(connection, id, "workerId") == (7,), "its worker has not said yet that the run is dead"
    assert not record(connection, id, lease)
    assert read(connection, id, "status") == (ending,)


def test_a_row_moved_into_processing_by_hand_is_out_of_reach_of_the_old_run(table: Connect) -> None:
    connection = table()
    id = insert(connection)
    old_lease = reserve(connection, id)
    set_by_hand(connection, id, "queued")
    set_by_hand(connection, id, "processing")
    assert not record(connection, id, old_lease)


@pytest.mark.parametrize("ending", ENDED)
def test_a_requeue_waits_while_the_old_run_may_still_be_dying(table: Connect, ending: str) -> None:
    connection = table()
    id = insert(connection)
    reserve(connection, id)
    set_by_hand(connection, id, ending)
    set_by_hand(connection, id, "queued")
    assert timedelta(seconds=20) < wait(connection, id) <= SOON


def test_a_requeue_of_a_running_job_waits_too(table: Connect) -> None:
    connection = table()
    id = job_in(connection, "processing")
    set_by_hand(connection, id, "queued")
    assert timedelta(seconds=20) < wait(connection, id) <= SOON


def test_that_wait_cannot_be_shortened_by_rescheduling(table: Connect) -> None:
    connection = table()
    id = job_in(connection, "processing")
    set_by_hand(connection, id, "queued")
    connection.execute('UPDATE jobs SET "runAt" = now(), priority = 20 WHERE id = %s', [id])
    assert timedelta(seconds=20) < wait(connection, id) <= SOON
    set_by_hand(connection, id, "cancelled")
    set_by_hand(connection, id, "queued")
    assert timedelta(seconds=20) < wait(connection, id) <= SOON


@pytest.mark.parametrize("ending", ENDED)
def test_a_requeue_of_a_run_that_its_worker_ended_is_immediate(table: Connect, ending: str) -> None:
    connection = table()
    id = job_in(connection, ending)
    set_by_hand(connection, id, "queued")
    assert wait(connection, id) <= timedelta(0)


def test_a_requeue_long_after_the_end_is_immediate_even_without_acknowledgement(table: Connect) -> None:
    connection = table()
    id = job_in(connection, "processing")
    set_by_hand(connection, id, "cancelled")
    connection.execute("""UPDATE jobs SET "finishedAt" = now() - interval '31 s' WHERE id = %s""", [id])
    set_by_hand(connection, id, "queued")
    assert wait(connection, id) <= timedelta(0)


@pytest.mark.parametrize("began", [False, True])
def test_a_requeue_of_a_job_that_was_ended_before_its_time_is_immediate(table: Connect, began: bool) -> None:
    connection = table()
    id = insert(connection)
    if began:
        assert record(connection, id, reserve(connection, id), "queued")
    connection.execute("""UPDATE jobs SET "runAt" = now() + interval '1 hour' WHERE id = %s""", [id])
    set_by_hand(connection, id, "cancelled")
    assert wait(connection, id) > timedelta(minutes=59)
    set_by_hand(connection, id, "queued")
    assert wait(connection, id) <= timedelta(0)


def test_a_requeue_may_say_when(table: Connect) -> None:
    connection = table()
    id = job_in(connection, "failed")
    connection.execute(
        """UPDATE jobs SET status = 'queued', "runAt" = now() + interval '1 hour' WHERE id = %s""", [id]
    )
    assert wait(connection, id) > timedelta(minutes=59)


def test_dates_without_microseconds_written_back_keep_a_jobs_place_in_the_line(table: Connect) -> None:
    connection = table()
    id = insert(connection)
    before = read(connection, id, "runAt")
    connection.execute(
        """UPDATE jobs SET "runAt" = date_trunc('milliseconds', "runAt"), payload = '{}' WHERE id = %s""",
        [id],
    )
    assert read(connection, id, "runAt") == before


@pytest.mark.parametrize("status", STATUSES)
def test_any_status_can_be_set_after_the_limit_of_attempts_was_lowered_under_a_run(
    table: Connect, status: str
) -> None:
    connection = table()
    id = insert(connection, attempts=1)
    lease = reserve(connection, id)
    connection.execute('UPDATE jobs SET "maxAttempts" = 2 WHERE id = %s', [id])
    assert record(connection, id, lease, "queued"), "its worker was told three"
    reserve(connection, id)
    assert read(connection, id, "attempts", "maxAttempts") == (3, 2)
    set_by_hand(connection, id, status)
    assert read(connection, id, "status") == (status,)


def test_two_failed_jobs_of_one_unique_key_cannot_both_be_requeued(table: Connect) -> None:
    connection = table()
    first = job_in(connection, "failed", uniqueKey="k")
    second = job_in(connection, "failed", uniqueKey="k")
    with pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute("UPDATE jobs SET status = 'queued' WHERE status = 'failed'")
    assert read(connection, first, "status") == read(connection, second, "status") == ("failed",)


def test_a_job_never_becomes_due_before_the_moment_it_is_written(table: Connect) -> None:
    """Workers remember how far they have read: a row behind that place would wait for a full look."""
    connection = table()
    (before,) = one(connection, "SELECT clock_timestamp()")
    lagging_clock = insert(connection, runAt=datetime(2020, 1, 1, tzinfo=UTC))
    beginning_of_time = insert(connection, runAt="-infinity")
    rescheduled, reprioritised = insert(connection), insert(connection)
    connection.execute("""UPDATE jobs SET "runAt" = '2020-01-01' WHERE id = %s""", [rescheduled])
    connection.execute("UPDATE jobs SET priority = 10 WHERE id = %s", [reprioritised])
    for id in (lagging_clock, beginning_of_time, rescheduled, reprioritised):
        assert read(connection, id, "runAt")[0] >= before
    moved, stayed = read(connection, reprioritised, "runAt")[0], read(connection, rescheduled, "createdAt")[0]
    assert moved > stayed


def test_a_change_of_other_columns_keeps_a_jobs_place_in_the_line(table: Connect) -> None:
    connection = table()
    id = insert(connection)
    before = read(connection, id, "runAt")
    connection.execute("""UPDATE jobs SET payload = '{"n": 2}', "maxAttempts" = 9 WHERE id = %s""", [id])
    assert read(connection, id, "runAt") == before


def test_an_imported_job_keeps_its_history_and_claims_nothing_from_a_worker(table: Connect) -> None:
    connection = table()
    long_ago = datetime(2021, 5, 1, tzinfo=UTC)
    history = {"runAt": long_ago, "createdAt": long_ago, "startedAt": long_ago, "finishedAt": long_ago}
    claims = {"leaseId": uuid4(), "workerId": 7, "revision": 2**31 - 1, "crashes": 9}
    id = insert(connection, status="completed", attempts=2, **history, **claims)
    assert read(connection, id, *history, "attempts") == (*history.values(), 2)
    assert read(connection, id, *claims) == (None, None, 0, 0)


def test_an_imported_end_without_a_date_ends_now(table: Connect) -> None:
    id = insert(table(), status="failed")
    assert read(table(), id, "finishedAt") != (None,)


def test_a_foreign_run_gets_a_lease_of_its_own_that_no_worker_knows(table: Connect) -> None:
    lease = uuid4()
    id = insert(table(), status="processing", leaseId=lease, workerId=7)
    stored, worker, started_at = read(table(), id, "leaseId", "workerId", "startedAt")
    assert stored not in (None, lease)
    assert worker is None
    assert started_at is not None
