"""Every statement of the lease protocol, in any order, does to PostgreSQL what it does to the model.

The statements are the very .sql files that workers run; replies and rows are compared after each step. A time
shift moves "runAt" back. With LONG_TESTS set it looks a hundred times as long.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from rig.staging import past_triggers
from rig.statements import statement
from tests.conftest import Connect
from tests.model_based import database as model
from tests.model_based.database import VERDICTS, Database, End

pytestmark = pytest.mark.long

Connection = psycopg.Connection[tuple[Any, ...]]

WORKERS = 2
EXAMPLES, STEPS = (3_000, 60) if os.environ.get("LONG_TESTS") else (150, 40)
RETRY_SECONDS = 25.0  # less than the wait after a requeue, so that the two can be confused
ANY_SEAT = st.integers(1, WORKERS)
ANY_HELD = st.integers(0, 30)


class Held(NamedTuple):
    """What some worker has been told that it holds; it may have lost it long ago."""

    worker: int
    job: int
    lease: int
    attempt: int


class LeaseMachine(RuleBasedStateMachine):
    """Two workers and up to three jobs; `models` has each job as it ought to be.

    A worker is spoken of by its seat, because its number changes when it enters anew.
    """

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self.connection = connection
        connection.execute("TRUNCATE jobs, workers, job_attempts RESTART IDENTITY")
        self.models: dict[int, Database] = {}
        self.boots: dict[int, str] = {}
        self.workers = {seat: self.enter() for seat in range(1, WORKERS + 1)}
        self.leases: dict[str, int] = {}
        self.held: list[Held] = []
        self.sights: dict[int, int] = {}

    def run(self, name: str, **parameters: Any) -> list[tuple[Any, ...]]:
        cursor = self.connection.execute(statement(name), parameters)
        return cursor.fetchall() if cursor.description else []

    def choose(self, number: int) -> Held:
        return self.held[-1 - number % len(self.held)]

    def everywhere(self, change: Callable[[Database], Database]) -> None:
        self.models = {job: change(database) for job, database in self.models.items()}

    # What producers and people do.

    @initialize(jobs=st.integers(1, 3))
    def enqueue(self, jobs: int) -> None:
        for _ in range(jobs):
            self.enqueue_one()

    def enqueue_one(self) -> None:
        rows = self.connection.execute(
            """INSERT INTO jobs (type, "maxAttempts") VALUES ('noop', %s) RETURNING id""",
            (model.MAX_ATTEMPTS,),
        ).fetchall()
        known = next(iter(self.models.values()), Database(beats=(0,) * (len(self.boots) + 1)))
        self.models[rows[0][0]] = Database(beats=known.beats, lost=known.lost)

    # Few rules with much inside: hypothesis leaves whole rules out of most of its tries.
    @rule(which=ANY_HELD, how=st.sampled_from(["cancel", "requeue", "time goes by"]))
    def by_hand(self, which: int, how: str) -> None:
        job = list(self.models)[which % len(self.models)]
        if how == "cancel":
            self.cancel(job)
        elif how == "requeue":
            self.requeue(job)
        else:
            self.time_goes_by()

    def cancel(self, job: int) -> None:
        cancelled = self.run("cancel_job", ids=[job])
        assert bool(cancelled) == (self.models[job].row.status not in model.ENDED)
        self.models[job] = model.cancel(self.models[job])

    def requeue(self, job: int) -> None:
        self.connection.execute("UPDATE jobs SET status = 'queued' WHERE id = %s", (job,))
        self.models[job] = model.requeue(self.models[job])

    def time_goes_by(self) -> None:
        with past_triggers(self.connection):  # a hand would bring it no further back than to now
            self.connection.execute("""UPDATE jobs SET "runAt" = "runAt" - interval '1 day'""")
        self.everywhere(model.due)

    # What workers do.

    def enter(self) -> int:
        boot = str(uuid.uuid4())
        rows = self.connection.execute(
            'INSERT INTO workers ("bootId") VALUES (%s) RETURNING id', (boot,)
        ).fetchall()
        self.boots[rows[0][0]] = boot
        self.everywhere(model.enter)
        return int(rows[0][0])

    @rule(seat=ANY_SEAT, kept=st.sampled_from([True, True, True, False]))
    def reserve(self, seat: int, kept: bool) -> None:
        """Not kept: the server forgets the commit in a crash, the worker does not."""
        worker = self.workers[seat]
        if not self.ready_for(worker):
            for job in [job for job, database in self.models.items() if database.row.status in model.ENDED]:
                self.requeue(job)
            self.time_goes_by()
        probe = {"queues": ["default"], "priorities": [0], "floors": ["-infinity"], "floor_ids": [0]}
        with self.connection.transaction(force_rollback=not kept):
            rows = self.run("reserve", worker=worker, types=["noop"], room=10, only=None, **probe)
        assert {row[0] for row in rows} == self.ready_for(worker)
        for job, lease_id, *others in rows:
            lease = self.leases[str(lease_id)] = len(self.leases) + 1
            after = model.reserve(self.models[job], worker, lease)
            assert others[3] == after.row.attempts
            self.held.append(Held(worker, job, lease, after.row.attempts))
            if kept:
                self.models[job] = after

    def ready_for(self, worker: int) -> set[int]:
        return {job for job, database in self.models.items() if model.is_ready(database, worker)}

    @precondition(lambda self: self.held)
    @rule(
        which=st.lists(ANY_HELD, min_size=1, max_size=3),
        outcome=st.sampled_from([*sorted(VERDICTS), "completed with its handler"]),
    )
    def end(self, which: list[int], outcome: str) -> None:
        if outcome in VERDICTS:
            self.record(which, outcome)
        else:
            self.complete_with_the_handler(self.choose(which[0]))

    def record(self, which: list[int], outcome: str) -> None:
        """Several in one statement; also such as were recorded before, or were lost long ago."""
        chosen = {held.job: held for held in map(self.choose, which)}.values()
        rows = self.run(
            "record", ended=json.dumps([self._document(held, outcome) for held in chosen]), worker=1
        )
        replies = {self.leases[lease]: reply for lease, reply in rows}
        for held in chosen:
            end = End(held.lease, held.attempt, outcome)
            self.models[held.job], expected = model.record(self.models[held.job], held.worker, end)
            assert replies.get(held.lease, "DONE") == expected

    def _document(self, held: Held, outcome: str) -> dict[str, Any]:
        status, refund, waits = VERDICTS[outcome]
        row = {"id": held.job, "lease": self._lease_id(held), "status": status, "refund": refund}
        told = None if outcome == "completed" else outcome
        return row | {"outcome": told, "delay": RETRY_SECONDS if waits else 0.0}

    def _lease_id(self, held: Held) -> str:
        return next(lease_id for lease_id, lease in self.leases.items() if lease == held.lease)

    def complete_with_the_handler(self, held: Held) -> None:
        values = {"result": None, "progress": None, "checkpoint": None}
        rows = self.run("complete", id=held.job, lease=self._lease_id(held), **values)
        end = End(held.lease, held.attempt, "completed")
        self.models[held.job], reply = model.record(self.models[held.job], held.worker, end)
        assert bool(rows) == (reply == "DONE")

    def note(self, held: Held) -> None:
        said = {"id": held.job, "lease": self._lease_id(held), "progress": {"current": 1}, "checkpoint": None}
        rows = self.run("note", notes=json.dumps([said]))
        end = End(held.lease, held.attempt, "completed")
        assert bool(rows) == model.by_lease(self.models[held.job].row, end, held.worker)

    @precondition(lambda self: self.held)
    @rule(which=ANY_HELD, what=st.sampled_from(["note", "acknowledge", "look"]))
    def between(self, which: int, what: str) -> None:
        held = self.choose(which)
        if what == "note":
            self.note(held)
        elif what == "acknowledge":
            self.acknowledge(held)
        else:
            self.look(held.worker)

    def acknowledge(self, held: Held) -> None:
        self.run("ack", ids=[held.job], leases=[self._lease_id(held)])
        self.models[held.job] = model.acknowledge(self.models[held.job], held.lease)

    @rule(seat=ANY_SEAT, what=st.sampled_from(["beat", "observe", "rescue", "observe, rescue"]))
    def live(self, seat: int, what: str) -> None:
        worker = self.workers[seat]
        if what == "beat" and not self.beat(worker):
            self.workers[seat] = self.enter()
        if "observe" in what:
            self.observe(self.workers[WORKERS + 1 - seat])
        if "rescue" in what and worker in self.sights:
            self.rescue(worker, self.sights[worker])

    def beat(self, worker: int) -> bool:
        rows = self.run("beat", worker=worker, boot=self.boots[worker], memory=None, cpu=None, restarts=0)
        for job, database in self.models.items():
            self.models[job], alive = model.beat(database, worker)
            assert bool(rows) == alive
        return bool(rows)

    def observe(self, worker: int) -> None:
        rows = self.run("observe", worker=worker)
        database = next(iter(self.models.values()))
        holders = {d.row.holder for d in self.models.values() if d.row.status == "processing"}
        others = {
            number: database.beats[number]
            for number in self.boots
            if number != worker and (number not in database.lost or number in holders)
        }
        assert {row[0]: row[1] for row in rows} == others
        self.sights |= others

    def rescue(self, worker: int, beats: int) -> None:
        """With what was seen at some time; the worker may have beaten since."""
        rows = self.run("rescue", workers=[worker], beats=[beats], only=None)
        freed = {}
        for job, database in self.models.items():
            self.models[job] = model.rescue(database, worker, beats)
            if self.models[job].row != database.row:
                freed[job] = self.models[job].row.status
        assert {row[0]: row[3] for row in rows} == freed

    def look(self, worker: int) -> None:
        rows = self.run("held", worker=worker)
        assert {(job, self.leases[lease]) for job, lease in rows} == {
            (job, database.row.lease)
            for job, database in self.models.items()
            if database.row.status == "processing" and database.row.holder == worker
        }

    @invariant()
    def the_rows_are_as_the_model_says(self) -> None:
        rows = self.connection.execute(
            """
            SELECT id, status, attempts, "leaseId"::text, coalesce("workerId", 0),
                   "runAt" > clock_timestamp(), "startedAt" IS NOT NULL
              FROM jobs
            """
        ).fetchall()
        for job, status, attempts, lease_id, holder, waits, begun in rows:
            lease = self.leases[lease_id] if lease_id else 0
            found = model.Row(status, attempts, lease, holder, waits, begun)
            assert _seen(found) == _seen(self.models[job].row)


def _seen(row: model.Row) -> model.Row:
    """Whether a row waits matters only while it is queued, or may be again."""
    return row._replace(waits=False) if row.status == "processing" else row


@pytest.mark.timeout(0 if os.environ.get("LONG_TESTS") else 300)
def test_the_statements_do_to_postgresql_what_they_do_to_the_model(connect: Connect) -> None:
    connection = connect()
    run_state_machine_as_test(
        lambda: LeaseMachine(connection),  # type: ignore[arg-type]  # a factory will do
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
