"""Pairs of transitions on one row, forced to meet: the first holds its lock, the second is seen waiting for
it, then the first commits or rolls back. No sleeps, no luck.

Each transition proves its lease inside its own statement, so whoever comes second must find that the first
has changed the row, and change nothing; or, if the first rolled back, act as if it had never been.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import psycopg
import pytest

from rowcrew.table import statements
from tests.conftest import Connect
from tests.waiting import eventually

Connection = psycopg.Connection[tuple[Any, ...]]
LEASE = uuid.UUID("00000000-0000-4000-8000-000000000001")


class Row(NamedTuple):
    """What the outcome is judged by."""

    status: str
    attempts: int
    worker: int | None
    lease_is_old: bool


class Table:
    """One job, held by worker 1 under LEASE unless a test says otherwise, and worker 2 beside it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        for _ in range(2):
            connection.execute("""INSERT INTO workers ("bootId") VALUES (gen_random_uuid())""")
        self.id: int = connection.execute("INSERT INTO jobs (type) VALUES ('noop') RETURNING id").fetchall()[
            0
        ][0]

    def hold(self) -> None:
        self._connection.execute(
            """
            UPDATE jobs SET status = 'processing', attempts = 1, "workerId" = 1, "leaseId" = %s,
                   revision = revision + 1
            """,
            (LEASE,),
        )

    def end(self) -> None:
        self._connection.execute(
            """
            UPDATE jobs SET status = 'failed', attempts = 3, "finishedAt" = now() - interval '1 year',
                   revision = revision + 1
            """
        )

    def row(self) -> Row | None:
        found = self._connection.execute(
            """SELECT status, attempts, "workerId", "leaseId" = %s FROM jobs WHERE id = %s""",
            (LEASE, self.id),
        ).fetchone()
        return None if found is None else Row(found[0], found[1], found[2], bool(found[3]))

    def attempts_recorded(self) -> list[str]:
        rows = self._connection.execute('SELECT outcome FROM job_attempts ORDER BY "finishedAt"')
        return [row[0] for row in rows]


Transition = Callable[[Connection, int], list[tuple[Any, ...]]]


def _fetch(connection: Connection, name: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    return connection.execute(statements.text(name), parameters).fetchall()


def _ended(job: int, **values: Any) -> dict[str, Any]:
    row = {"id": job, "lease": str(LEASE), "status": "completed", **values}
    return {"ended": json.dumps([row]), "worker": 1}


def reserve(connection: Connection, _job: int) -> list[tuple[Any, ...]]:
    probe = {"queues": ["default"], "priorities": [0], "floors": ["-infinity"], "floor_ids": [0]}
    return _fetch(connection, "reserve", {"worker": 2, "types": ["noop"], "room": 1, **probe})


def record(connection: Connection, job: int) -> list[tuple[Any, ...]]:
    return _fetch(connection, "record", _ended(job))


def give_back(connection: Connection, job: int) -> list[tuple[Any, ...]]:
    return _fetch(connection, "record", _ended(job, status="queued", outcome="released", refund=1))


def complete(connection: Connection, job: int) -> list[tuple[Any, ...]]:
    values = {"result": None, "progress": None, "checkpoint": None}
    return _fetch(connection, "complete", {"id": job, "lease": LEASE, **values})


def note(connection: Connection, job: int) -> list[tuple[Any, ...]]:
    row = {"id": job, "lease": str(LEASE), "progress": {"current": 1}}
    return _fetch(connection, "note", {"notes": json.dumps([row])})


def rescue(connection: Connection, _job: int) -> list[tuple[Any, ...]]:
    return _fetch(connection, "rescue", {"workers": [1], "beats": [0]})


def by_hand(change: str) -> Transition:
    def update(connection: Connection, job: int) -> list[tuple[Any, ...]]:
        return connection.execute(
            f"UPDATE jobs SET {change} WHERE id = %s RETURNING status", (job,)
        ).fetchall()

    return update


cancel = by_hand("status = 'cancelled'")
requeue = by_hand("status = 'queued'")
release = by_hand("status = 'failed', \"errorMessage\" = 'Stuck job released'")
reprioritise = by_hand("priority = 10")
reschedule = by_hand("\"runAt\" = now() + interval '1 hour'")


def documented_cancel(connection: Connection, job: int) -> list[tuple[Any, ...]]:
    return connection.execute(
        """
        UPDATE jobs SET status = 'cancelled' WHERE id = %s AND status IN ('queued', 'processing') RETURNING id
        """,
        (job,),
    ).fetchall()


def delete(connection: Connection, job: int) -> list[tuple[Any, ...]]:
    return connection.execute("DELETE FROM jobs WHERE id = %s RETURNING id", (job,)).fetchall()


def prune(connection: Connection, _job: int) -> list[tuple[Any, ...]]:
    return _fetch(connection, "prune", {"after": 0, "batch": 10, "keep_completed": 60, "keep_failed": 60})


@pytest.fixture
def table(connect: Connect) -> Table:
    return Table(connect())


class Meeting(NamedTuple):
    """The second transition, under way in a thread, and whether it had to wait for the first."""

    answer: Future[list[tuple[Any, ...]]]
    waited: bool


@pytest.fixture
def meet(connect: Connect, table: Table) -> Iterator[Callable[..., Meeting]]:
    """Let two transitions meet on the row: the first ends once the second waits for it or is through."""
    watching = connect()
    with ThreadPoolExecutor(max_workers=1) as threads:

        def meet(first: Transition, second: Transition, *, commit: bool) -> Meeting:
            holding, coming = connect(autocommit=False), connect()
            first(holding, table.id)
            answer = threads.submit(second, coming, table.id)
            pid = coming.info.backend_pid
            waited = False

            def settled() -> bool:
                nonlocal waited
                waited = _waits_for_lock(watching, pid)
                return waited or answer.done()

            eventually(settled)
            (holding.commit if commit else holding.rollback)()
            answer.exception(timeout=30)
            return Meeting(answer, waited)

        yield meet


def _waits_for_lock(watching: Connection, pid: int) -> bool:
    row = watching.execute("SELECT wait_event_type FROM pg_stat_activity WHERE pid = %s", (pid,)).fetchone()
    return row is not None and row[0] == "Lock"


WORKERS_ENDS = {"record": record, "give back": give_back, "complete": complete}
HANDS = {"cancel": cancel, "requeue": requeue, "release": release}
AFTER_HAND = {"cancel": "cancelled", "requeue": "queued", "release": "failed"}
AFTER_END = {"record": "completed", "give back": "queued", "complete": "completed"}


@pytest.mark.parametrize("hand", HANDS)
@pytest.mark.parametrize("end", WORKERS_ENDS)
def test_an_end_that_waited_for_a_change_by_hand_changes_nothing(
    table: Table, meet: Callable[..., Meeting], end: str, hand: str
) -> None:
    table.hold()
    meeting = meet(HANDS[hand], WORKERS_ENDS[end], commit=True)
    row = table.row()
    assert meeting.waited
    assert row is not None
    assert row.status == AFTER_HAND[hand]
    assert table.attempts_recorded() == []
    assert [reply[-1] for reply in meeting.answer.result()] in (["STALE"], [])


@pytest.mark.parametrize("hand", HANDS)
@pytest.mark.parametrize("end", WORKERS_ENDS)
def test_an_end_that_waited_for_a_change_that_was_rolled_back_is_written(
    table: Table, meet: Callable[..., Meeting], end: str, hand: str
) -> None:
    table.hold()
    meeting = meet(HANDS[hand], WORKERS_ENDS[end], commit=False)
    row = table.row()
    assert meeting.waited
    assert row is not None
    assert (row.status, row.worker) == (AFTER_END[end], None)


@pytest.mark.parametrize("end", WORKERS_ENDS)
def test_a_cancel_that_waited_for_the_end_of_the_run_finds_only_a_row_that_was_given_back(
    table: Table, meet: Callable[..., Meeting], end: str
) -> None:
    table.hold()
    meeting = meet(WORKERS_ENDS[end], documented_cancel, commit=True)
    row = table.row()
    assert meeting.waited
    assert row is not None
    assert row.status == ("cancelled" if end == "give back" else AFTER_END[end])


@pytest.mark.parametrize("second", WORKERS_ENDS)
@pytest.mark.parametrize("first", WORKERS_ENDS)
def test_of_two_ends_of_one_lease_the_second_changes_nothing(
    table: Table, meet: Callable[..., Meeting], first: str, second: str
) -> None:
    table.hold()
    meeting = meet(WORKERS_ENDS[first], WORKERS_ENDS[second], commit=True)
    row = table.row()
    assert meeting.waited
    assert row is not None
    assert row.status == AFTER_END[first]
    assert len(table.attempts_recorded()) == (first == "give back")


@pytest.mark.parametrize("end", ["record", "give back"])
def test_an_end_told_again_while_its_first_telling_commits_is_answered_already_once_asked_again(
    connect: Connect, table: Table, meet: Callable[..., Meeting], end: str
) -> None:
    table.hold()
    meet(WORKERS_ENDS[end], WORKERS_ENDS[end], commit=True)
    assert [reply[-1] for reply in WORKERS_ENDS[end](connect(), table.id)] == ["ALREADY"]


@pytest.mark.parametrize("end", WORKERS_ENDS)
def test_a_rescue_never_waits_for_a_row_and_leaves_one_that_is_just_ending(
    table: Table, meet: Callable[..., Meeting], end: str
) -> None:
    table.hold()
    meeting = meet(WORKERS_ENDS[end], rescue, commit=True)
    row = table.row()
    assert not meeting.waited
    assert row is not None
    assert row.status == AFTER_END[end]
    assert "lost" not in table.attempts_recorded()


@pytest.mark.parametrize("end", WORKERS_ENDS)
def test_an_end_that_waited_for_the_rescue_of_its_worker_changes_nothing(
    table: Table, meet: Callable[..., Meeting], end: str
) -> None:
    table.hold()
    meeting = meet(rescue, WORKERS_ENDS[end], commit=True)
    row = table.row()
    assert meeting.waited
    assert row is not None
    assert (row.status, row.attempts, row.worker) == ("queued", 1, None)
    assert table.attempts_recorded() == ["lost"]


def test_a_rescue_that_waited_for_a_beat_takes_nothing(
    connect: Connect, table: Table, meet: Callable[..., Meeting]
) -> None:
    boot = connect().execute('SELECT "bootId" FROM workers WHERE id = 1').fetchall()[0][0]

    def beat(connection: Connection, _job: int) -> list[tuple[Any, ...]]:
        return _fetch(connection, "beat", {"worker": 1, "boot": boot, "memory": 0, "cpu": 0.0})

    table.hold()
    meeting = meet(beat, rescue, commit=True)
    row = table.row()
    assert meeting.waited
    assert meeting.answer.result() == []
    assert row is not None
    assert (row.status, row.worker) == ("processing", 1)


def test_a_beat_that_waited_for_the_rescue_of_its_worker_learns_that_it_is_lost(
    connect: Connect, table: Table, meet: Callable[..., Meeting]
) -> None:
    boot = connect().execute('SELECT "bootId" FROM workers WHERE id = 1').fetchall()[0][0]

    def beat(connection: Connection, _job: int) -> list[tuple[Any, ...]]:
        return _fetch(connection, "beat", {"worker": 1, "boot": boot, "memory": 0, "cpu": 0.0})

    table.hold()
    meeting = meet(rescue, beat, commit=True)
    assert meeting.waited
    assert meeting.answer.result() == []


def test_of_two_rescuers_one_takes_the_row(table: Table, meet: Callable[..., Meeting]) -> None:
    table.hold()
    meet(rescue, rescue, commit=True)
    assert table.attempts_recorded() == ["lost"]


CHANGES = {"cancel": cancel, "reprioritise": reprioritise, "reschedule": reschedule, "delete": delete}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("commit", [True, False], ids=["committed", "rolled back"])
def test_a_reserve_passes_over_a_row_that_somebody_is_changing(
    table: Table, meet: Callable[..., Meeting], change: str, commit: bool
) -> None:
    meeting = meet(CHANGES[change], reserve, commit=commit)
    assert not meeting.waited
    assert meeting.answer.result() == []


def test_of_two_reserves_the_second_passes_over_the_row(table: Table, meet: Callable[..., Meeting]) -> None:
    meeting = meet(reserve, reserve, commit=True)
    assert not meeting.waited
    assert meeting.answer.result() == []


def test_a_cancel_of_a_queued_row_that_waited_for_its_reserve_ends_the_run_instead(
    table: Table, meet: Callable[..., Meeting]
) -> None:
    meeting = meet(reserve, documented_cancel, commit=True)
    row = table.row()
    assert meeting.waited
    assert row is not None
    assert (row.status, row.worker) == ("cancelled", 2)


@pytest.mark.parametrize("change", ["reprioritise", "reschedule"])
def test_a_change_that_waited_for_a_reserve_leaves_the_run_alone(
    table: Table, meet: Callable[..., Meeting], change: str
) -> None:
    meeting = meet(reserve, CHANGES[change], commit=True)
    row = table.row()
    assert meeting.waited
    assert row is not None
    assert (row.status, row.worker, row.attempts) == ("processing", 2, 1)


@pytest.mark.parametrize("end", WORKERS_ENDS)
def test_a_note_never_waits_for_the_end_of_its_run(
    table: Table, meet: Callable[..., Meeting], end: str
) -> None:
    table.hold()
    meeting = meet(WORKERS_ENDS[end], note, commit=True)
    assert not meeting.waited
    assert meeting.answer.result() == []


@pytest.mark.parametrize("commit", [True, False], ids=["committed", "rolled back"])
def test_a_prune_that_waited_for_a_requeue_deletes_only_what_is_still_ended(
    table: Table, meet: Callable[..., Meeting], commit: bool
) -> None:
    table.end()
    meeting = meet(requeue, prune, commit=commit)
    assert meeting.waited
    assert (table.row() is not None) == commit


def test_a_requeue_that_waited_for_a_prune_finds_nothing(table: Table, meet: Callable[..., Meeting]) -> None:
    table.end()
    meeting = meet(prune, requeue, commit=True)
    assert meeting.waited
    assert meeting.answer.result() == []
    assert table.row() is None
