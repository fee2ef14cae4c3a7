"""One job from its INSERT to its end, whatever its handler does. One worker runs for the whole file."""

from __future__ import annotations

import itertools
import os
import signal
from pathlib import Path
from typing import Any, LiteralString

import pytest

from rig.journal import Gate, Journal
from rig.table import Table
from rig.waiting import eventually
from rig.worker_process import WorkerProcess

pytestmark = pytest.mark.usefixtures("standing_worker")


@pytest.fixture
def table(shared_table: Table) -> Table:
    return shared_table


@pytest.fixture
def journal(shared_journal: Journal) -> Journal:
    return shared_journal


def test_a_plain_insert_runs_to_completion_and_leaves_its_result(table: Table) -> None:
    (job,) = table.rows(
        """INSERT INTO jobs (type, payload) VALUES ('echo', '{"value": [1, "two"]}') RETURNING id"""
    )
    row = table.until(job["id"])
    assert (row["status"], row["result"], row["attempts"], row["errorMessage"]) == (
        "completed",
        [1, "two"],
        1,
        None,
    )
    assert row["createdAt"] <= row["startedAt"] <= row["finishedAt"]
    assert row["workerId"] is None
    assert table.attempts(job["id"]) == []


def test_a_failing_job_is_retried_after_its_backoff_until_it_succeeds(table: Table) -> None:
    job = table.enqueue("fails", {"times": 2})
    row = table.until(job)
    assert (row["status"], row["result"], row["attempts"], row["errorMessage"]) == (
        "completed",
        "at last",
        3,
        None,
    )
    assert table.outcomes(job) == ["retried", "retried"]


def test_a_failing_job_waits_in_the_future(table: Table) -> None:
    job = table.enqueue("slow_to_retry")
    row = eventually(
        lambda: table.row(job)["attempts"] == 1 and table.row(job)["status"] == "queued" and table.row(job)
    )
    assert isinstance(row, dict)
    assert 290 < (row["runAt"] - row["startedAt"]).total_seconds() < 330
    assert row["errorMessage"] == "ValueError: not this time"


def test_a_job_that_fails_every_time_ends_failed_with_all_its_attempts_told(table: Table) -> None:
    job = table.enqueue("fails", {"times": 1_000}, maxAttempts=3)
    row = table.until(job)
    assert (row["status"], row["attempts"]) == ("failed", 3)
    assert row["errorMessage"] == "ValueError: attempt 3 failed, password=***"
    attempts = table.attempts(job)
    assert [(a["attempt"], a["outcome"]) for a in attempts] == [(1, "retried"), (2, "retried"), (3, "failed")]
    for attempt in attempts:
        assert attempt["traceback"].startswith("Traceback (most recent call last):")
        assert "crew_under_test.py" in attempt["traceback"]
        assert "rowcrew/runner" not in attempt["traceback"]
        assert "hunter2" not in attempt["traceback"]
        assert attempt["memoryBytes"] > 1 << 20
        assert attempt["startedAt"] <= attempt["finishedAt"]


def test_a_permanent_error_fails_at_once(table: Table) -> None:
    job = table.enqueue("permanent")
    row = table.until(job)
    assert (row["status"], row["attempts"], row["errorMessage"]) == (
        "failed",
        1,
        "PermanentError: no such customer",
    )
    assert table.outcomes(job) == ["failed"]


@pytest.mark.parametrize("returned", [False, True], ids=["raised", "returned"])
def test_a_snooze_runs_the_job_again_and_costs_no_attempt(table: Table, returned: bool) -> None:
    job = table.enqueue("ends", {"how": "snooze", "returned": returned}, maxAttempts=1)
    row = table.until(job)
    assert (row["status"], row["result"], row["attempts"]) == ("completed", "after a snooze", 1)
    assert table.outcomes(job) == ["snoozed"]


@pytest.mark.parametrize("returned", [False, True], ids=["raised", "returned"])
def test_a_retry_runs_the_job_again_and_costs_an_attempt(table: Table, returned: bool) -> None:
    job = table.enqueue("ends", {"how": "retry", "returned": returned})
    row = table.until(job)
    assert (row["status"], row["result"], row["attempts"]) == ("completed", "after a retry", 2)
    assert table.attempts(job)[0]["error"] == "the other side is busy"


@pytest.mark.parametrize("returned", [False, True], ids=["raised", "returned"])
def test_a_handler_may_cancel_its_job(table: Table, returned: bool) -> None:
    job = table.enqueue("ends", {"how": "cancel", "returned": returned})
    row = table.until(job, "cancelled")
    assert (row["attempts"], row["errorMessage"]) == (1, "nothing to do")
    assert table.outcomes(job) == ["cancelled"]


def test_a_result_without_a_json_form_fails_the_job_and_says_so(table: Table) -> None:
    job = table.enqueue("unstorable", {"where": "result", "text": "object"})
    row = table.until(job, "failed")
    assert row["errorMessage"] == "the result cannot be stored as JSON: TypeError: object has no JSON form"
    assert row["attempts"] == 1


def test_a_result_that_is_too_large_fails_the_job_and_says_what_to_do(table: Table) -> None:
    row = table.until(table.enqueue("unstorable", {"where": "result", "text": "huge"}), "failed")
    assert "store it elsewhere and return where it is" in row["errorMessage"]


@pytest.mark.parametrize("text", ["nul", "surrogate", "nan", "infinity", "deep", "number", "huge"])
@pytest.mark.parametrize("where", ["result", "progress", "checkpoint", "error"])
def test_odd_values_never_hold_up_other_jobs(table: Table, where: str, text: str) -> None:
    before = [table.enqueue("echo", {"value": "good"}) for _ in range(3)]
    odd = table.enqueue("unstorable", {"where": where, "text": text}, maxAttempts=2)
    after = [table.enqueue("echo", {"value": "good"}) for _ in range(3)]
    row = table.until(odd)
    assert row["status"] == "failed" or where != "error"
    assert row["status"] == "completed" or row["errorMessage"]
    for job in before + after:
        good = table.until(job, "completed")
        assert (good["result"], good["attempts"]) == ("good", 1)


@pytest.mark.parametrize("where", ["result", "progress", "checkpoint"])
def test_the_one_character_that_jsonb_refuses_is_left_out(table: Table, where: str) -> None:
    row = table.until(table.enqueue("unstorable", {"where": where, "text": "nul"}), "completed")
    told = row[where]["message"] if where == "progress" else row[where]["value"]
    assert told == "beforeafter"


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        ({}, "count"),
        ({"count": "many"}, "count"),
        ({"count": 1, "names": [2]}, "names"),
    ],
)
def test_a_payload_that_does_not_fit_fails_at_once_and_names_the_field(
    table: Table, payload: dict[str, Any], field: str
) -> None:
    job = table.enqueue("strict", payload)
    row = table.until(job, "failed")
    assert row["attempts"] == 1
    assert row["errorMessage"].startswith("PermanentError: payload is not what this type takes")
    assert field in row["errorMessage"]


def test_jobs_of_an_unknown_type_stay_queued_and_untouched(table: Table) -> None:
    stranger = table.enqueue("nobody_knows")
    before = table.row(stranger)
    table.until(table.enqueue("noop"), "completed")
    assert table.row(stranger) == before
    assert before["status"] == "queued"


def test_a_payload_nested_too_deeply_to_decode_fails_alone(table: Table) -> None:
    (deep,) = table.rows(
        """
        INSERT INTO jobs (type, payload)
        VALUES ('echo', ('{"value": ' || repeat('[', 12000) || repeat(']', 12000) || '}')::jsonb) RETURNING id
        """
    )
    good = table.enqueue("echo", {"value": "good"})
    assert table.until(good, "completed")["result"] == "good"
    failed: LiteralString = "SELECT attempts FROM jobs WHERE id = %s AND status = 'failed'"
    assert eventually(lambda: table.rows(failed, deep["id"])) == [{"attempts": 1}]


def test_log_lines_of_handlers_carry_the_fields_of_their_job(
    table: Table, standing_worker: WorkerProcess
) -> None:
    job = table.enqueue("writes_log")
    table.until(job, "completed")
    fields: dict[str, Any] = {"job_id": job, "type": "writes_log", "queue": "default", "attempt": 1}
    own = standing_worker.said("handler.log", message="through the context", **fields)
    assert own["chunk"] == 3
    library = standing_worker.said("handler.log", message="through the standard library", **fields)
    assert library["level"] == "warning"


def test_progress_reaches_the_row_while_the_job_runs(table: Table, journal: Journal, gate: Gate) -> None:
    job = table.enqueue("tells", {"gate": gate.path})
    row = eventually(lambda: table.row(job)["progress"] and table.row(job), 10)
    assert isinstance(row, dict)
    assert row["progress"] == {"current": 5, "total": 10, "message": "Processing chunks"}
    assert row["status"] == "processing"
    gate.open()
    table.until(job, "completed")


def test_a_talkative_job_is_written_at_most_once_a_second(table: Table, gate: Gate) -> None:
    job = table.enqueue("talks", {"gate": gate.path})
    seen: dict[int, Any] = {}

    def written_three_times() -> bool:
        row = table.row(job)
        if row["progress"] is not None:
            seen.setdefault(row["revision"], row["updatedAt"])
        return len(seen) >= 4

    eventually(written_three_times)
    gate.open()
    row = table.until(job, "completed")
    times = list(seen.values())
    gaps = [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(times)]
    assert min(gaps) > 0.9
    assert row["progress"]["current"] > 100


def test_a_checkpoint_is_found_by_the_attempt_after_a_killed_runner(
    table: Table, journal: Journal, gate: Gate
) -> None:
    job = table.enqueue("remembers", {"gate": gate.path})
    started = journal.has("start", job=job)
    eventually(lambda: table.row(job)["checkpoint"], 10)
    os.kill(started["pid"], signal.SIGKILL)
    row = table.until(job, "completed")
    assert row["result"] == {"chunk": 3}
    assert journal.has("start", job=job, times=2)["found"] == {"chunk": 3}


def test_children_appear_with_the_completion_of_their_parent_and_not_before(
    table: Table, journal: Journal, gate: Gate
) -> None:
    job = table.enqueue("parent", {"gate": gate.path, "children": 3})
    journal.has("start", job=job)
    children = 'SELECT id, status FROM jobs WHERE "parentId" = %s'
    assert table.rows(children, job) == []
    gate.open()
    table.until(job, "completed")
    born = table.rows(children, job)
    assert len(born) == 3
    for child in born:
        table.until(child["id"], "completed")


def test_a_parent_that_is_killed_leaves_no_children(
    table: Table, journal: Journal, gate: Gate, tmp_path: Path
) -> None:
    job = table.enqueue("parent", {"gate": str(tmp_path / "never"), "children": 3}, maxAttempts=1)
    killed: list[int] = []

    def fails() -> (
        bool
    ):  # where other tests' jobs have ended in its runner, a death may be theirs and counts not
        for start in journal.entries("start", job=job)[len(killed) :]:
            killed.append(start["pid"])
            os.kill(start["pid"], signal.SIGKILL)
        return bool(table.row(job)["status"] == "failed")

    eventually(fails)
    assert table.rows('SELECT id FROM jobs WHERE "parentId" = %s', job) == []


@pytest.fixture
def written(table: Table) -> Table:
    """A table of the user's own beside `jobs`."""
    table.rows("CREATE TABLE IF NOT EXISTS written (job bigint)")
    return table


def has_written(table: Table, job: int) -> bool:
    return bool(table.rows("SELECT job FROM written WHERE job = %s", job))


def test_what_a_handler_writes_in_its_transaction_commits_with_the_completion(
    written: Table, journal: Journal, gate: Gate
) -> None:
    job = written.enqueue("transacts", {"gate": gate.path})
    journal.has("start", job=job)
    assert not has_written(written, job)
    gate.open()
    with written.another() as observer:  # one look at both: nobody ever sees the one without the other
        observer.autocommit = True
        look = """SELECT (SELECT status FROM jobs WHERE id = %(job)s) = 'completed' AS done,
                         EXISTS (SELECT FROM written WHERE job = %(job)s) AS written,
                         EXISTS (SELECT FROM jobs WHERE "parentId" = %(job)s) AS child"""

        def all_or_nothing() -> bool:
            row = observer.execute(look, {"job": job}).fetchone()
            assert row is not None
            assert len({row["done"], row["written"], row["child"]}) == 1, row
            return bool(row["done"])

        eventually(all_or_nothing)
    assert written.row(job)["result"] == "committed"


def test_a_plain_handler_has_the_same_transaction(written: Table) -> None:
    job = written.enqueue("transacts_thread")
    assert written.until(job, "completed")["result"] == "committed"
    assert has_written(written, job)


def test_a_transaction_leaves_nothing_when_its_handler_raises(
    written: Table, journal: Journal, gate: Gate
) -> None:
    gate.open()
    job = written.enqueue("transacts", {"gate": gate.path, "raises": True}, maxAttempts=1)
    assert written.until(job, "failed")["errorMessage"] == "ValueError: changed my mind"
    assert not has_written(written, job)
    assert written.rows('SELECT id FROM jobs WHERE "parentId" = %s', job) == []


def test_a_transaction_rolls_back_when_the_job_was_cancelled_meanwhile(
    written: Table, journal: Journal, gate: Gate
) -> None:
    job = written.enqueue("transacts", {"gate": gate.path}, maxAttempts=1)
    journal.has("start", job=job)
    # Past the trigger, and so without a notification: only the commit itself can find it out.
    written.write_past_triggers("UPDATE jobs SET status = 'cancelled' WHERE id = %s", job)
    gate.open()
    eventually(lambda: written.row(job)["workerId"] is None)
    assert written.row(job)["status"] == "cancelled"
    assert not has_written(written, job)
