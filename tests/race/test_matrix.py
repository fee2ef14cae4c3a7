"""Every transition meets every other on one row, as the first and as the second.

The first stops once it has its lock, the second is seen waiting for it in pg_stat_activity, or seen through;
then the first commits or rolls back. What comes out is what the two do one after the other, or, where the
second passes by what is locked, what the first does alone; and who says that it did something did.
"""

from __future__ import annotations

import itertools
import re

import pytest

from rig.statements import statement
from rowcrew.table.statements import SQL
from tests.race import transitions
from tests.race.conftest import Meet, Table
from tests.race.transitions import STARTS, TRANSITIONS, Row

pytestmark = pytest.mark.long

PAIRS = list(itertools.product(TRANSITIONS, repeat=2))
# `prune` and `rescue` where a row of `queues` asks for more, and what people do to ended rows alone.
# `requeue` and `reschedule` by hand stand for requeue_job, requeue_edited and edit_job.
MEETS_NOBODY = {"prune_by_count", "rescue_foreign", "requeue_job", "requeue_edited", "delete_job", "edit_job"}
BY_HAND = {"cancel", "fire", "wait", "requeue", "reschedule"}


def acts_on(name: str) -> set[str]:
    return {start for start, row in STARTS.items() if TRANSITIONS[name].effect(row)}


def starts_of(first: str, second: str) -> list[str]:
    """The rows on which both do something; if there are none, those on which the first does."""
    return sorted(acts_on(first) & acts_on(second) or acts_on(first))


MEETINGS = [(first, second, start) for first, second in PAIRS for start in starts_of(first, second)]


def expected(first: str, second: str, start: Row, *, commit: bool) -> tuple[bool, bool, Row]:
    """Whether the second waits, whether it does something, and what the row is then."""
    alone = TRANSITIONS[second].effect
    now = TRANSITIONS[first].effect(start) if commit else start
    assert now is not None, f"{first} does nothing to this row, so it locks nothing"
    if first == "held":  # a plain question: it locks nothing
        return False, alone(start) is not None, alone(start) or start
    if second == "held":
        return False, alone(start) is not None, now
    skips = TRANSITIONS[second].skips and (first, second) != ("rescue", "rescue")  # those meet in `workers`
    if skips or alone(start) is None:
        return False, False, now
    return True, alone(now) is not None, alone(now) or now


@pytest.mark.parametrize("commit", [True, False], ids=["committed", "rolled back"])
@pytest.mark.parametrize(("first", "second", "start"), MEETINGS)
def test_two_that_meet_come_out_as_if_one_had_come_after_the_other(
    table: Table, meet: Meet, first: str, second: str, start: str, commit: bool
) -> None:
    table.put(STARTS[start])
    meeting = meet(TRANSITIONS[first].send, TRANSITIONS[second].send, commit=commit)
    is_done = TRANSITIONS[second].is_done(meeting.second.result())
    assert TRANSITIONS[first].is_done(meeting.first)
    assert (meeting.waited, is_done, table.row()) == expected(first, second, STARTS[start], commit=commit)


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("name", TRANSITIONS)
def test_alone_each_does_what_is_said_of_it(table: Table, name: str, start: str) -> None:
    table.put(STARTS[start])
    answer = TRANSITIONS[name].send(table.connection, table.id)
    after = TRANSITIONS[name].effect(STARTS[start])
    assert (TRANSITIONS[name].is_done(answer), table.row()) == (after is not None, after or STARTS[start])


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("name", sorted(set(TRANSITIONS) - BY_HAND))
def test_no_statement_of_a_worker_enters_the_triggers_for_changes_by_hand(
    table: Table, name: str, start: str
) -> None:
    table.put(STARTS[start])
    with table.connection.transaction():
        table.connection.execute("SET LOCAL track_functions = 'pl'")
        TRANSITIONS[name].send(table.connection, table.id)
        called = "SELECT funcname FROM pg_stat_xact_user_functions WHERE calls > 0"
        assert table.connection.execute(called).fetchall() == []


def test_every_ordered_pair_meets() -> None:
    assert {(first, second) for first, second, _ in MEETINGS} == set(PAIRS)


def test_every_statement_that_changes_a_job_meets_the_others(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    changing = {
        name.rpartition("/")[2]
        for name, text in SQL.items()
        if not name.startswith("demo/") and re.search(r"\b(UPDATE|DELETE FROM) jobs\b", text)
    }
    sent = set[str]()

    def noted(name: str) -> str:
        sent.add(name)
        return statement(name)

    monkeypatch.setattr(transitions, "statement", noted)
    for transition in TRANSITIONS.values():
        transition.send(table.connection, table.id)
    assert changing - sent == MEETS_NOBODY
