"""Every statement of the lease protocol, in any order, does to PostgreSQL what it does to the model.

The statements are the very .sql files that workers run, also on the road of limits and those that look after
waiting jobs; replies and rows are compared after each step. A time shift moves dates back. With LONG_TESTS
set it looks a hundred times as long.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

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

from tests.conftest import Connect
from tests.model_based import database as model
from tests.model_based import sent
from tests.model_based.database import VERDICTS, Database, End
from tests.model_based.sent import Connection, Road, Wait, Waits

pytestmark = pytest.mark.long

WORKERS = 2
EXAMPLES, STEPS = (3_000, 60) if os.environ.get("LONG_TESTS") else (150, 40)
RETRY_SECONDS = 25.0  # less than the wait after a requeue, so that the two can be confused
ANY_SEAT = st.integers(1, WORKERS)
ANY_HELD = st.integers(0, 30)
LIMITS = (None, 1, 2)
POLICIES = ("completed", "ended", "failFast")


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
        connection.execute("TRUNCATE jobs, workers, job_attempts, queues RESTART IDENTITY")
        self.models: dict[int, Database] = {}
        self.road, self.waits = Road(connection), Waits(connection)
        self.boots: dict[int, str] = {}
        self.workers = {seat: self.enter() for seat in range(1, WORKERS + 1)}
        self.leases: dict[str, int] = {}
        self.held: list[Held] = []
        self.sights: dict[int, int] = {}

    def run(self, name: str, **parameters: Any) -> list[tuple[Any, ...]]:
        return sent.run(self.connection, name, **parameters)

    def choose(self, number: int) -> Held:
        return self.held[-1 - number % len(self.held)]

    def everywhere(self, change: Callable[[Database], Database]) -> None:
        self.models = {job: change(database) for job, database in self.models.items()}

    # What producers and people do.

    @initialize(jobs=st.lists(st.sampled_from((None, None, *POLICIES)), min_size=1, max_size=3))
    def enqueue(self, jobs: list[str | None]) -> None:
        for policy in jobs:
            self.enqueue_one(policy)

    def enqueue_one(self, policy: str | None) -> None:
        waits_for = None if policy is None else [self.waits.new_child()]
        ((job,),) = self.connection.execute(
            """
            INSERT INTO jobs (type, "maxAttempts", "waitsFor", "waitPolicy") VALUES ('noop', %s, %s, %s)
            RETURNING id
            """,
            (model.MAX_ATTEMPTS, waits_for, policy),
        ).fetchall()
        known = next(iter(self.models.values()), Database(beats=(0,) * (len(self.boots) + 1)))
        self.models[job] = Database(beats=known.beats, lost=known.lost)
        if waits_for is not None and policy is not None:
            self.waits.jobs[job] = Wait(waits_for[0], policy)
            self.models[job] = self.models[job]._replace(row=model.Row(dependent=True, parked=True))

    # Few rules with much inside: hypothesis leaves whole rules out of most of its tries.
    @rule(which=ANY_HELD, how=st.sampled_from(["cancel", "requeue", "limit", "time goes by"]))
    def by_hand(self, which: int, how: str) -> None:
        job = list(self.models)[which % len(self.models)]
        if how == "cancel":
            self.cancel(job)
        elif how == "requeue":
            self.requeue(job)
        elif how == "limit":
            self.limit_the_queue(LIMITS[which % len(LIMITS)])
        else:
            self.time_goes_by()

    def limit_the_queue(self, most: int | None) -> None:
        self.road.set_limit(most)
        self.everywhere(lambda database: database._replace(limited=most is not None))

    def cancel(self, job: int) -> None:
        cancelled = self.run("cancel_job", ids=[job])
        assert bool(cancelled) == (self.models[job].row.status not in model.ENDED)
        self.models[job] = model.cancel(self.models[job])

    def requeue(self, job: int) -> None:
        self.connection.execute("UPDATE jobs SET status = 'queued' WHERE id = %s", (job,))
        self.models[job] = model.requeue(self.models[job])

    def time_goes_by(self) -> None:
        sent.age(self.connection)
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
        with self.connection.transaction(force_rollback=not kept):
            rows = self.road.reserve(worker)
        reserved, ready = {row[0] for row in rows}, self.ready_for(worker)
        assert reserved <= ready
        assert len(reserved) == min(self.free_places(), len(ready))
        for job, lease_id, *others in rows:
            lease = self.leases[str(lease_id)] = len(self.leases) + 1
            after = model.reserve(self.models[job], worker, lease)
            assert others[3] == after.row.attempts
            self.held.append(Held(worker, job, lease, after.row.attempts))
            if kept:
                self.models[job] = after

    def free_places(self) -> int:
        taken = sum(model.takes_a_place(database.row) for database in self.models.values())
        return len(self.models) if self.road.limit is None else max(0, self.road.limit - taken)

    @rule(which=ANY_HELD, what=st.sampled_from(["adopt", "look", "look", "completed", "failed"]))
    def look_after(self, which: int, what: str) -> None:
        if what == "adopt":
            self.road.adopt()
            if self.road.limit is not None:
                self.everywhere(model.adopt)
        elif what == "look":
            self.waits.look()
            self.models = {job: self.waits.looked_at(job, database) for job, database in self.models.items()}
        else:
            self.waits.end_child(which, what)

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
        children = {held.job: self.waits.new_child() for held in chosen if outcome == "waiting"}
        documents = [self._document(held, outcome, children.get(held.job)) for held in chosen]
        rows = self.run("record", ended=json.dumps(documents), worker=1)
        replies = {self.leases[lease]: reply for lease, reply in rows if lease is not None}
        for held in chosen:
            end = End(held.lease, held.attempt, outcome)
            self.models[held.job], expected = model.record(self.models[held.job], held.worker, end)
            assert replies.get(held.lease, "DONE") == expected
            if expected == "DONE" and outcome == "waiting":
                self.waits.jobs[held.job] = Wait(children[held.job], "ended")
        waits = any(replies.get(held.lease, "DONE") == "DONE" for held in chosen if held.job in children)
        assert ((None, "WAITS") in rows) == waits

    def _document(self, held: Held, outcome: str, child: int | None) -> dict[str, Any]:
        status, refund, waits = VERDICTS[outcome]
        row = {"id": held.job, "lease": self._lease_id(held), "status": status, "refund": refund}
        told = {"completed": None, "waiting": "snoozed"}.get(outcome, outcome)
        row |= {"outcome": told, "delay": RETRY_SECONDS if waits else 0.0}
        return row if child is None else row | {"waits": [child]}

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
                   coalesce("notBefore", "runAt") > clock_timestamp(), "startedAt" IS NOT NULL,
                   "placeAt" IS NOT NULL,
                   "placeAt" IS NOT NULL AND status <> 'processing'
                       AND "updatedAt" > clock_timestamp() - interval '30 seconds',
                   "waitsFor" IS NOT NULL, watches IS NOT NULL
              FROM jobs
             WHERE type = 'noop'
            """
        ).fetchall()
        for job, status, attempts, lease_id, *others in rows:
            lease = self.leases[lease_id] if lease_id else 0
            found = model.Row(status, attempts, lease, *others)
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
