"""What the matrix of transitions does not tell: the words of replies, other changes by hand, heartbeats.

Each transition proves its lease inside its own statement, so whoever comes second must find that the first
has changed the row, and change nothing; or, if the first rolled back, act as if it had never been.
"""

from __future__ import annotations

import pytest

from tests.race.conftest import Meet, Table
from tests.race.transitions import (
    HELD,
    WAITING,
    Answer,
    Connection,
    Send,
    by_hand,
    cancel,
    complete,
    fetch,
    give_back,
    record,
    requeue,
    rescue,
    reserve,
)

ENDS = {"record": record, "give back": give_back, "complete": complete}
CHANGES = {
    "cancel": (cancel, "cancelled"),
    "requeue": (requeue, "queued"),
    "release": (by_hand("status = 'failed', \"errorMessage\" = 'Stuck job released'"), "failed"),
}
reprioritise = by_hand("priority = 10")
each_end = pytest.mark.parametrize("end", ENDS)
each_change = pytest.mark.parametrize("change", CHANGES)
commit_or_not = pytest.mark.parametrize("commit", [True, False], ids=["committed", "rolled back"])


def beat(connection: Connection, _job: int) -> Answer:
    ((boot,),) = connection.execute('SELECT "bootId" FROM workers WHERE id = 1').fetchall()
    return fetch(connection, "beat", worker=1, boot=boot, memory=0, cpu=0.0, restarts=0)


def rescue_of_the_other(connection: Connection, _job: int) -> Answer:
    return fetch(connection, "rescue", workers=[2], beats=[0], only=None)


def delete(connection: Connection, job: int) -> Answer:
    return connection.execute("DELETE FROM jobs WHERE id = %s RETURNING id", (job,)).fetchall()


@each_change
@each_end
def test_an_end_that_waited_for_a_change_by_hand_is_told_that_it_is_stale(
    table: Table, meet: Meet, end: str, change: str
) -> None:
    table.put(HELD)
    by_hand, status = CHANGES[change]
    meeting = meet(by_hand, ENDS[end], commit=True)
    assert meeting.waited
    assert [reply[-1] for reply in meeting.second.result()] == ([] if end == "complete" else ["STALE"])
    assert (table.row().status, table.row().told) == (status, ())


@each_change
@each_end
def test_an_end_that_waited_for_a_change_that_was_rolled_back_is_written(
    table: Table, meet: Meet, end: str, change: str
) -> None:
    table.put(HELD)
    meeting = meet(CHANGES[change][0], ENDS[end], commit=False)
    assert meeting.waited
    assert (table.row().status, table.row().worker) == ("queued" if end == "give back" else "completed", None)


@pytest.mark.parametrize("end", ["record", "give back"])
def test_an_end_told_again_while_its_first_telling_commits_is_answered_already_once_asked_again(
    table: Table, meet: Meet, end: str
) -> None:
    table.put(HELD)
    meet(ENDS[end], ENDS[end], commit=True)
    assert [reply[-1] for reply in ENDS[end](table.connection, table.id)] == ["ALREADY"]


def test_a_rescue_that_waited_for_a_beat_takes_nothing(table: Table, meet: Meet) -> None:
    table.put(HELD)
    meeting = meet(beat, rescue, commit=True)
    assert meeting.waited
    assert meeting.second.result() == []
    assert table.row() == HELD


def test_a_beat_that_waited_for_the_rescue_of_its_worker_learns_that_it_is_lost(
    table: Table, meet: Meet
) -> None:
    table.put(HELD)
    meeting = meet(rescue, beat, commit=True)
    assert meeting.waited
    assert meeting.second.result() == []


def test_a_beat_that_waited_for_a_rescue_that_was_rolled_back_proves_life(table: Table, meet: Meet) -> None:
    table.put(HELD)
    meeting = meet(rescue, beat, commit=False)
    assert meeting.waited
    assert meeting.second.result() == [(None,)]  # a row: it lives, and is asked nothing


@pytest.mark.parametrize("change", [reprioritise, delete])
@commit_or_not
def test_a_reserve_passes_over_a_row_that_somebody_moves_or_deletes(
    table: Table, meet: Meet, change: Send, commit: bool
) -> None:
    table.put(WAITING)
    meeting = meet(change, reserve, commit=commit)
    assert not meeting.waited
    assert meeting.second.result() == []


def test_a_new_priority_that_waited_for_a_reserve_leaves_the_run_alone(table: Table, meet: Meet) -> None:
    table.put(WAITING)
    meeting = meet(reserve, reprioritise, commit=True)
    assert meeting.waited
    assert (table.row().status, table.row().worker, table.row().lease) == ("processing", 2, "new")


@each_end
def test_an_end_that_waited_for_the_deletion_of_its_row_changes_nothing(
    table: Table, meet: Meet, end: str
) -> None:
    table.put(HELD)
    meeting = meet(delete, ENDS[end], commit=True)
    assert meeting.waited
    assert [reply[-1] for reply in meeting.second.result()] == ([] if end == "complete" else ["STALE"])
    assert table.row().status == "gone"


def test_a_reserve_under_way_while_its_worker_is_declared_lost_is_found_by_the_next_observer(
    table: Table, meet: Meet
) -> None:
    table.put(WAITING)
    meeting = meet(reserve, rescue_of_the_other, commit=True)
    assert (meeting.waited, meeting.second.result()) == (False, [])
    assert [row[0] for row in fetch(table.connection, "observe", worker=1)] == [2]
    assert rescue_of_the_other(table.connection, table.id) == [(table.id, "noop", "default", "queued")]


def test_a_lost_worker_reserves_nothing(table: Table) -> None:
    table.put(WAITING)
    rescue_of_the_other(table.connection, table.id)
    assert reserve(table.connection, table.id) == []
    assert table.row() == WAITING
