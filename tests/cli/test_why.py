"""`rowcrew why ID`: the judgement on real rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from rig.staging import past_triggers
from rig.waiting import eventually
from rowcrew.cli import main
from tests.cli.conftest import Served
from tests.conftest import Connect
from tests.contract.hands import Connection, insert, job_in, record, register_worker, reserve

Why = Callable[[int], dict[str, Any]]


@pytest.fixture(autouse=True)
def address(monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)


@pytest.fixture
def why(capsys: pytest.CaptureFixture[str]) -> Why:
    def why(id: int) -> dict[str, Any]:
        """The answer, when it has one reason."""
        assert main(["why", str(id), "--json"]) == 0
        answer: dict[str, Any] = json.loads(capsys.readouterr().out)
        [reason] = answer["reasons"]
        assert reason["remedy"]
        return {**answer, **reason}

    return why


@pytest.fixture
def connection(connect: Connect) -> Connection:
    return connect()


def age(connection: Connection, id: int, seconds: int) -> None:
    """Make a ready job wait for so long already, past the trigger: by hand it would be put right."""
    with past_triggers(connection):
        connection.execute(
            """UPDATE jobs SET "runAt" = now() - %s * interval '1 second' WHERE id = %s""", [seconds, id]
        )


def end_attempt(connection: Connection, id: int, outcome: str, delay_seconds: int) -> None:
    """What a worker's record does with a run that is to be repeated."""
    connection.execute(
        """
        WITH freed AS (
          UPDATE jobs
             SET status = 'queued', "workerId" = NULL, revision = revision + 1,
                 "updatedAt" = clock_timestamp(), "runAt" = clock_timestamp() + %s * interval '1 second'
           WHERE id = %s RETURNING id, "leaseId", attempts, "startedAt")
        INSERT INTO job_attempts ("leaseId", "jobId", attempt, outcome, error, "startedAt")
        SELECT "leaseId", id, attempts, %s, 'no luck', "startedAt" FROM freed
        """,
        [delay_seconds, id, outcome],
    )


def test_without_a_worker_it_is_said_who_was_heard_last(why: Why, connection: Connection) -> None:
    id = insert(connection)
    assert "none ever did" in why(id)["what"]
    register_worker(connection, name="alpha", stoppedAt="2026-01-01")
    answer = why(id)
    assert answer["code"] == "no-worker"
    assert "alpha was heard last" in answer["what"]


@pytest.mark.parametrize(
    ("worker", "code"),
    [
        ({"queues": ["another"]}, "queue-unserved"),
        ({"types": ["tests"]}, "type-unknown"),
        ({"slots": 1}, "about-to-run"),
        ({"slots": 1, "queues": []}, "about-to-run"),
        ({"slots": 0}, "slots-taken"),
        ({"slots": 1, "heartbeatAt": "2026-01-01"}, "no-worker"),
        ({"slots": 1, "lostAt": "2026-01-01"}, "no-worker"),
    ],
)
def test_what_live_workers_offer_decides(
    why: Why, connection: Connection, worker: dict[str, Any], code: str
) -> None:
    register_worker(connection, **worker)
    assert why(insert(connection))["code"] == code


def test_a_worker_of_another_queue_that_knows_the_type_is_named(why: Why, connection: Connection) -> None:
    register_worker(connection, queues=["default"], types=["other"], slots=1)
    register_worker(connection, name="beta", queues=["reports"], types=["test"], slots=1)
    assert "beta would" in why(insert(connection))["what"]


def test_the_slots_of_a_busy_worker_are_taken_and_the_jobs_before_are_counted(
    why: Why, connection: Connection
) -> None:
    worker = register_worker(connection, slots=2)
    for _ in range(3):
        reserve(connection, insert(connection), worker)
    insert(connection)
    insert(connection, queue="other")
    id = insert(connection)
    insert(connection)
    insert(connection, priority=10)
    answer = why(id)
    assert answer["code"] == "slots-taken"
    assert "2 of 2 on 1 worker; 2 ready jobs before it" in answer["what"]


def test_a_job_that_is_ready_for_long_though_slots_are_free_is_overdue(
    why: Why, connection: Connection
) -> None:
    register_worker(connection, slots=1)
    id = insert(connection)
    age(connection, id, 60)
    assert why(id)["code"] == "overdue"


def test_an_open_transaction_that_has_locked_the_row_is_named(
    why: Why, connection: Connection, connect: Connect
) -> None:
    register_worker(connection, slots=1)
    id = insert(connection)
    age(connection, id, 60)
    holder = connect(autocommit=False, application_name="forgotten psql")
    holder.execute("SELECT FROM jobs WHERE id = %s FOR UPDATE", [id])
    eventually(lambda: why(id)["code"] == "row-locked")  # at first it may be a reservation under way
    answer = why(id)
    assert f"forgotten psql (server process {holder.info.backend_pid})" in answer["what"]
    holder.rollback()
    assert why(id)["code"] == "overdue"


@pytest.mark.parametrize(("outcome", "code"), [("retried", "backoff"), ("snoozed", "snoozed")])
def test_backoff_and_snooze_are_told_apart_from_a_schedule(
    why: Why, connection: Connection, outcome: str, code: str
) -> None:
    register_worker(connection, slots=1)
    id = insert(connection)
    reserve(connection, id)
    end_attempt(connection, id, outcome, 600)
    assert why(id)["code"] == code
    connection.execute('UPDATE job_attempts SET "finishedAt" = "finishedAt" - interval \'1 min\'')
    connection.execute("UPDATE jobs SET \"runAt\" = now() + interval '1 day' WHERE id = %s", [id])
    assert why(id)["code"] == "scheduled"
    assert why(insert(connection, runAt="2199-01-01"))["code"] == "scheduled"


def test_a_job_requeued_while_it_ran_waits_for_the_end_of_that_run(why: Why, connection: Connection) -> None:
    worker = register_worker(connection, slots=1)
    id = insert(connection)
    reserve(connection, id, worker)
    connection.execute("UPDATE jobs SET status = 'cancelled' WHERE id = %s", [id])
    assert "worker worker may still be stopping" in why(id)["what"]
    connection.execute("UPDATE jobs SET status = 'queued' WHERE id = %s", [id])
    assert why(id)["code"] == "old-run"


def test_a_failed_job_requeued_for_later_is_scheduled(why: Why, connection: Connection) -> None:
    register_worker(connection, slots=1)
    id = insert(connection)
    lease = reserve(connection, id)
    assert record(connection, id, lease, "failed")
    connection.execute(
        "UPDATE jobs SET status = 'queued', \"runAt\" = now() + interval '1 day' WHERE id = %s", [id]
    )
    assert why(id)["code"] == "scheduled"


@pytest.mark.parametrize(
    ("worker", "code", "named"),
    [
        ({"leaseSeconds": 30}, "running", "alpha has had it"),
        ({"heartbeatAt": "2026-01-01"}, "worker-gone", "alpha, which has had it"),
        ({"lostAt": "2026-01-01"}, "worker-gone", "is lost"),
    ],
)
def test_of_a_running_job_the_worker_is_named_and_what_its_lease_has_left(
    why: Why, connection: Connection, worker: dict[str, Any], code: str, named: str
) -> None:
    id = insert(connection)
    reserve(connection, id, register_worker(connection, name="alpha", **worker))
    answer = why(id)
    assert (answer["code"], answer["status"]) == (code, "processing")
    assert named in answer["what"]
    if code == "running":
        assert "its lease has 2" in answer["what"] or "its lease has 30 s" in answer["what"]


def test_a_row_set_to_processing_by_hand_is_told_with_the_rule_of_its_queue(
    why: Why, connection: Connection
) -> None:
    id = insert(connection, status="processing")
    assert "UPDATE jobs SET status = 'queued'" in why(id)["remedy"]
    connection.execute("INSERT INTO queues (queue, \"rescueForeignSeconds\") VALUES ('default', 600)")
    assert "given back after 10 min" in why(id)["remedy"]


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
def test_of_an_ended_job_the_end_is_told_with_the_error(
    why: Why, connection: Connection, status: str
) -> None:
    id = job_in(connection, status)
    connection.execute(
        "UPDATE jobs SET \"errorMessage\" = 'no such scenario', revision = revision + 1 WHERE id = %s", [id]
    )
    answer = why(id)
    assert answer["code"] == status
    assert ("no such scenario" in answer["what"]) == (status != "completed")


def test_a_real_worker_is_named_and_then_the_end_of_its_run(served: Served) -> None:
    id = served.insert(type="endless")
    eventually(lambda: served.column("status", id) == "processing")
    (name,) = served.connection.execute("SELECT name FROM workers").fetchone() or ("",)
    told = served.run("why", str(id)).stdout.splitlines()
    assert told[0] == f"Job {id} (type endless, queue default): processing"
    assert told[1].startswith(f"- worker {name} has had it for ")
    assert served.run("jobs", "cancel", str(id)).returncode == 0
    eventually(lambda: served.column("workerId", id) is None)
    told = served.run("why", str(id)).stdout.splitlines()
    assert told[1].startswith("- cancelled ")
    assert f"`rowcrew jobs requeue {id}`" in told[2]


def test_people_get_every_reason_with_its_remedy(
    connection: Connection, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    id = insert(connection, runAt="2199-01-01")
    assert main(["why", str(id)]) == 0
    head, *rest = capsys.readouterr().out.splitlines()
    assert head == f"Job {id} (type test, queue default): queued"
    assert [line[:4].strip()[0] for line in rest] == ["-", "→", "-", "→"]


def test_on_a_terminal_reasons_and_remedies_wrap_between_words_below_their_beginnings(
    connection: Connection, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    id = insert(connection, runAt="2199-01-01")
    assert main(["why", str(id)]) == 0
    _head, *rest = capsys.readouterr().out.splitlines()
    assert max(map(len, rest)) <= 80
    assert {line[:4].strip()[:1] for line in rest} == {"-", "→", ""}


def test_a_job_that_is_not_there_exits_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["why", "4711"]) == 1
    assert capsys.readouterr().err.startswith("rowcrew: there is no job 4711")
    assert main(["why", "x"]) == 2


def test_asking_changes_nothing(why: Why, connection: Connection) -> None:
    id = insert(connection)
    before = connection.execute("SELECT xmin, jobs.* FROM jobs").fetchall()
    why(id)
    assert connection.execute("SELECT xmin, jobs.* FROM jobs").fetchall() == before


def test_a_job_that_only_a_draining_worker_would_take_names_it(why: Why, connection: Connection) -> None:
    worker = register_worker(connection, name="anna")
    id = insert(connection)
    connection.execute("UPDATE workers SET asked = 'drain' WHERE id = %s", (worker,))
    assert "anna: draining" in why(id)["what"]
