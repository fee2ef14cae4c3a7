"""A client reads a row, the job goes on, and the client writes all columns back as it read them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from tests.conftest import Connect
from tests.contract.hands import ENDED, STATUSES, Connection, insert, job_in, read, record, reserve

DECIDED: dict[str, Any] = {
    "priority": 20,
    "payload": {"n": 2},
    "maxAttempts": 9,
    "timeoutSeconds": 60,
    "queue": "other",
}
LIVE = ("queued", "processing")
WHAT_WORKERS_WRITE = (
    *("status", "attempts", "crashes", "runAt", "workerId", "leaseId", "startedAt", "finishedAt"),
    *("progress", "checkpoint", "result", "errorMessage", "createdAt", "revision"),
)


class Snapshot(NamedTuple):
    """A row as a client read it; saved with all columns, or with those that the client knows."""

    connection: Connection
    row: dict[str, Any]

    @classmethod
    def of(cls, connection: Connection, id: int) -> Snapshot:
        with connection.cursor(row_factory=dict_row) as cursor:
            row = cursor.execute("SELECT * FROM jobs WHERE id = %s", [id]).fetchone()
        assert row is not None
        return cls(connection, row)

    def save(self, known: Sequence[str] | None = None, **changes: Any) -> None:
        row = {**self.row, **changes}
        names = [name for name in row if name != "id" and (known is None or name in known)]
        assignments = sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in names
        )
        values = {name: Jsonb(value) if isinstance(value, dict) else value for name, value in row.items()}
        self.connection.execute(sql.SQL("UPDATE jobs SET {} WHERE id = %(id)s").format(assignments), values)


def run(connection: Connection, id: int, end: str | None = None) -> None:
    """One more run of the job: with progress, and as a worker ends it."""
    lease = reserve(connection, id)
    connection.execute(
        """
        UPDATE jobs SET progress = '{"current": 5}', checkpoint = '{"at": 5}', revision = revision + 1,
               "updatedAt" = clock_timestamp()
         WHERE id = %s
        """,
        [id],
    )
    if end is not None:
        assert record(connection, id, lease, end)
        connection.execute(
            """UPDATE jobs SET result = '{"sum": 7}', "errorMessage" = 'no such month' WHERE id = %s""", [id]
        )


def requeue(connection: Connection, id: int) -> None:
    connection.execute("UPDATE jobs SET status = 'queued' WHERE id = %s", [id])


def requeued_and_run(connection: Connection, id: int, end: str | None) -> None:
    if read(connection, id, "status") == ("processing",):
        connection.execute("UPDATE jobs SET status = 'failed' WHERE id = %s", [id])
    if read(connection, id, "status") != ("queued",):
        requeue(connection, id)
    if end != "not run":
        run(connection, id, end)


MEANWHILE: dict[str, Callable[[Connection, int], None]] = {
    "was retried and waits": lambda connection, id: requeued_and_run(connection, id, "queued"),
    "runs under another lease": lambda connection, id: requeued_and_run(connection, id, None),
    "completed": lambda connection, id: requeued_and_run(connection, id, "completed"),
    "failed": lambda connection, id: requeued_and_run(connection, id, "failed"),
    "was cancelled by its handler": lambda connection, id: requeued_and_run(connection, id, "cancelled"),
}


@pytest.mark.parametrize("meanwhile", MEANWHILE)
@pytest.mark.parametrize("read_when", ["queued", "processing", "completed", "failed"])
def test_it_undoes_nothing_and_what_a_person_decides_is_kept(
    table: Connect, read_when: str, meanwhile: str
) -> None:
    connection = table()
    id = job_in(connection, read_when)
    snapshot = Snapshot.of(connection, id)
    MEANWHILE[meanwhile](connection, id)
    before = read(connection, id, *WHAT_WORKERS_WRITE)
    snapshot.save(**DECIDED)
    after = dict(zip(WHAT_WORKERS_WRITE, read(connection, id, *WHAT_WORKERS_WRITE), strict=True))
    expected = dict(zip(WHAT_WORKERS_WRITE, before, strict=True))
    if expected["status"] == "queued":  # moved to another queue: not behind those who have read it
        assert after.pop("runAt") > expected.pop("runAt")
    assert after == expected
    assert read(connection, id, *DECIDED) == tuple(DECIDED.values())


def test_the_run_that_goes_on_still_records(table: Connect) -> None:
    connection = table()
    id = insert(connection)
    snapshot = Snapshot.of(connection, id)
    lease = reserve(connection, id)
    snapshot.save(priority=5)
    assert record(connection, id, lease)
    assert read(connection, id, "status", "priority") == ("completed", 5)


@pytest.mark.parametrize("ending", ENDED)
@pytest.mark.parametrize("read_when", LIVE)
def test_a_job_read_live_and_saved_as_ended_ends_whatever_has_happened_while_it_lives(
    table: Connect, read_when: str, ending: str
) -> None:
    connection = table()
    id = job_in(connection, read_when)
    snapshot = Snapshot.of(connection, id)
    if read_when == "processing":
        assert record(connection, id, snapshot.row["leaseId"], "queued")
    lease = reserve(connection, id)
    snapshot.save(status=ending, errorMessage="Stuck job released")
    assert read(connection, id, "status", "errorMessage") == (ending, "Stuck job released")
    assert read(connection, id, "attempts", "leaseId", "workerId") == (1 + (read_when != "queued"), lease, 7)
    assert read(connection, id, "finishedAt") != (None,)
    assert not record(connection, id, lease)


@pytest.mark.parametrize("ending", ENDED)
def test_an_end_that_was_only_read_does_not_end_the_run_that_a_requeue_began(
    table: Connect, ending: str
) -> None:
    connection = table()
    id = job_in(connection, ending)
    snapshot = Snapshot.of(connection, id)
    requeue(connection, id)
    snapshot.save()
    assert read(connection, id, "status") == ("queued",)
    reserve(connection, id)
    snapshot.save()
    assert read(connection, id, "status") == ("processing",)


@pytest.mark.parametrize("status", LIVE)
@pytest.mark.parametrize("ending", ENDED)
def test_it_requeues_no_job_that_has_ended_since(table: Connect, ending: str, status: str) -> None:
    connection = table()
    id = insert(connection)
    snapshot = Snapshot.of(connection, id)
    run(connection, id, ending)
    snapshot.save(status=status)
    assert read(connection, id, "status", "attempts", "result") == (ending, 1, {"sum": 7})


@pytest.mark.parametrize("before", STATUSES)
@pytest.mark.parametrize("after", STATUSES)
def test_a_save_of_all_columns_with_nothing_between_counts_as_any_change_by_hand(
    table: Connect, before: str, after: str
) -> None:
    connection = table()
    id, by_statement = job_in(connection, before), job_in(connection, before)
    Snapshot.of(connection, id).save(status=after, **DECIDED)
    connection.execute("UPDATE jobs SET status = %s WHERE id = %s", [after, by_statement])
    same = ("status", "attempts", "workerId", "revision")
    assert read(connection, id, *same) == read(connection, by_statement, *same)
    assert read(connection, id, *DECIDED) == tuple(DECIDED.values())


def test_an_object_that_is_saved_twice_is_not_behind_itself(table: Connect) -> None:
    connection = table()
    id = insert(connection)
    lease = reserve(connection, id)
    connection.execute("SELECT pg_sleep(0.002)")
    assert record(connection, id, lease, "failed")
    snapshot = Snapshot.of(connection, id)
    snapshot.save(priority=10)
    snapshot.save(priority=10, status="queued")
    assert read(connection, snapshot.row["id"], "status", "priority", "attempts") == ("queued", 10, 0)


def test_a_time_to_come_is_a_decision_and_a_time_gone_by_is_none(table: Connect) -> None:
    connection = table()
    id = insert(connection)
    snapshot = Snapshot.of(connection, id)
    run(connection, id, "queued")
    retried_at = read(connection, id, "runAt")
    snapshot.save()
    assert read(connection, id, "runAt") == retried_at
    (tomorrow,) = connection.execute("SELECT now() + interval '1 day'").fetchone() or ()
    snapshot.save(runAt=tomorrow)
    assert read(connection, id, "runAt", "attempts") == (tomorrow, 1)


def test_another_programs_run_takes_what_that_program_saves_from_the_row_it_took(table: Connect) -> None:
    connection = table()
    taken = Snapshot.of(connection, insert(connection))
    reader = Snapshot.of(connection, taken.row["id"])
    taken.save(status="processing")
    taken.save(status="processing", progress={"current": 1}, attempts=7)
    assert read(connection, taken.row["id"], "status", "progress") == ("processing", {"current": 1})
    reader.save(priority=20)
    taken.save(status="completed", result={"sum": 7})
    columns = ("status", "progress", "result", "attempts")
    assert read(connection, taken.row["id"], *columns) == ("completed", {"current": 1}, {"sum": 7}, 0)


# Clients that do not know the column `revision`.

FOUND_BY: dict[str, list[str]] = {
    "the lease": [name for name in WHAT_WORKERS_WRITE if name != "revision"],
    "the date of the last change": ["type", "payload", "status", "createdAt", "updatedAt"],
}


@pytest.mark.parametrize(
    ("known", "after"),
    [
        ("the lease", "completed"),
        ("the date of the last change", "completed"),
        ("the date of the last change", "queued"),
    ],
)
def test_without_the_revision_it_is_known_by_other_signs(table: Connect, known: str, after: str) -> None:
    connection = table()
    id = job_in(connection, "processing")
    snapshot = Snapshot.of(connection, id)
    connection.execute("SELECT pg_sleep(0.002)")  # such clients hold milliseconds
    assert record(connection, id, snapshot.row["leaseId"], after)
    snapshot.save(FOUND_BY[known])
    assert read(connection, id, "status") == (after,)


def test_a_new_job_saved_by_its_dates_alone_is_not_run_again(table: Connect) -> None:
    connection = table()
    snapshot = Snapshot.of(connection, insert(connection))
    connection.execute("SELECT pg_sleep(0.002)")
    run(connection, snapshot.row["id"], "completed")
    snapshot.save(FOUND_BY["the date of the last change"])
    assert read(connection, snapshot.row["id"], "status") == ("completed",)


@pytest.mark.parametrize("behind", ["1 second", "1 day"])
def test_a_clock_that_lags_does_not_make_a_change_by_hand_an_old_one(table: Connect, behind: str) -> None:
    connection = table()
    id = job_in(connection, "failed")
    connection.execute(
        """UPDATE jobs SET status = 'queued', "updatedAt" = now() - %s::interval WHERE id = %s""",
        [behind, id],
    )
    assert read(connection, id, "status") == ("queued",)


@pytest.mark.parametrize(
    "statement",
    [
        """UPDATE jobs SET status = 'queued', "workerId" = NULL, "leaseId" = NULL WHERE id = %s""",
        """UPDATE jobs SET status = 'queued', "workerId" = NULL, "startedAt" = NULL WHERE id = %s""",
    ],
)
def test_a_person_may_clear_what_looks_like_the_workers(table: Connect, statement: str) -> None:
    connection = table()
    id = job_in(connection, "processing")
    connection.execute(statement, [id])
    assert read(connection, id, "status", "attempts") == ("queued", 0)


def test_another_program_may_take_a_job_under_names_of_its_own(table: Connect) -> None:
    connection = table()
    id = insert(connection)
    connection.execute(
        """
        UPDATE jobs SET status = 'processing', "workerId" = 4, "leaseId" = gen_random_uuid() WHERE id = %s
        """,
        [id],
    )
    assert read(connection, id, "status", "workerId") == ("processing", None)


# Optimistic locking: the client counts the revision itself, as a worker does.


@pytest.mark.parametrize("before", STATUSES)
@pytest.mark.parametrize("after", STATUSES)
def test_a_hand_that_counts_the_revision_is_a_hand(table: Connect, before: str, after: str) -> None:
    connection = table()
    counted, plain = job_in(connection, before), job_in(connection, before)
    (updated_at,) = read(connection, counted, "updatedAt")
    connection.execute(
        "UPDATE jobs SET status = %s, priority = 7, revision = revision + 1 WHERE id = %s", [after, counted]
    )
    connection.execute("UPDATE jobs SET status = %s, priority = 7 WHERE id = %s", [after, plain])
    (was,) = read(connection, plain, "revision")
    assert read(connection, counted, "revision") == (was + (before == after),)
    alike = 'status, attempts, "workerId", "startedAt" IS NULL, "finishedAt" IS NULL'
    rows = connection.execute(
        f"SELECT DISTINCT {alike} FROM jobs WHERE id IN (%s, %s)", [counted, plain]
    ).fetchall()
    assert len(rows) == 1
    if (before, after) != ("processing", "processing"):
        assert read(connection, counted, "updatedAt")[0] > updated_at


def test_optimistic_locking_refuses_the_second_of_two_saves(table: Connect) -> None:
    connection = table()
    id = insert(connection)
    (seen,) = read(connection, id, "revision")
    locked = "UPDATE jobs SET priority = %s, revision = %s WHERE id = %s AND revision = %s"
    assert connection.execute(locked, [5, seen + 1, id, seen]).rowcount == 1
    assert connection.execute(locked, [6, seen + 1, id, seen]).rowcount == 0
    assert read(connection, id, "priority", "revision") == (5, seen + 1)


def test_a_held_job_released_with_a_counted_revision_still_waits_for_its_dying_run(table: Connect) -> None:
    connection = table()
    id = job_in(connection, "processing")
    connection.execute(
        """UPDATE jobs SET status = 'queued', "workerId" = NULL, revision = revision + 1 WHERE id = %s""",
        [id],
    )
    ahead = """SELECT "runAt" > now() + interval '20 s' FROM jobs WHERE id = %s"""
    assert connection.execute(ahead, [id]).fetchone() == (True,)


@pytest.mark.parametrize("lease", [None, "00000000-0000-0000-0000-000000000000"])
def test_no_counted_revision_lets_a_hand_write_the_fence(table: Connect, lease: str | None) -> None:
    connection: psycopg.Connection[Any] = table()
    id = job_in(connection, "processing")
    before = read(connection, id, "leaseId", "workerId")
    connection.execute('UPDATE jobs SET "leaseId" = %s, revision = revision + 1 WHERE id = %s', [lease, id])
    assert read(connection, id, "leaseId", "workerId") == before
