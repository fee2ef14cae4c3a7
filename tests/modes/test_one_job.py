"""One job from its INSERT to its end is the same in every mode. One host of each mode runs for the file."""

from __future__ import annotations

import pytest

from rig.journal import Gate, Journal
from rig.table import Table
from rig.waiting import eventually
from rig.worker_process import is_gone
from rowcrew import enqueue

pytestmark = [pytest.mark.usefixtures("standing_host"), pytest.mark.timeout(300)]


@pytest.fixture
def table(standing_table: Table) -> Table:
    return standing_table


@pytest.fixture
def journal(standing_journal: Journal) -> Journal:
    return standing_journal


def test_a_row_that_sql_inserts_becomes_a_result(table: Table) -> None:
    (job,) = table.rows(
        """INSERT INTO jobs (type, payload, status) VALUES ('echo', '{"value": [1, "two"]}', 'queued')
           RETURNING id"""
    )
    row = table.until(job["id"])
    assert (row["status"], row["result"], row["attempts"]) == ("completed", [1, "two"], 1)


def test_a_failing_job_is_retried_until_it_succeeds(table: Table) -> None:
    job = table.enqueue("fails", {"times": 2})
    row = table.until(job)
    assert (row["status"], row["result"], row["attempts"]) == ("completed", "at last", 3)
    assert table.outcomes(job) == ["retried", "retried"]


def test_between_attempts_a_job_waits_for_its_backoff(table: Table) -> None:
    job = table.enqueue("slow_to_retry")
    eventually(lambda: table.outcomes(job) == ["retried"])
    row = table.row(job)
    assert (row["status"], row["attempts"], row["errorMessage"]) == ("queued", 1, "ValueError: not this time")
    assert 290 < (row["runAt"] - row["startedAt"]).total_seconds() < 330


def test_progress_and_the_last_step_are_in_the_row_while_the_job_runs(
    table: Table, journal: Journal, gate: Gate
) -> None:
    tells, remembers = (table.enqueue(type, {"gate": gate.path}) for type in ("tells", "remembers"))
    told = {"current": 5, "total": 10, "message": "Processing chunks"}
    eventually(lambda: table.row(tells)["progress"] == told)
    eventually(lambda: table.row(remembers)["checkpoint"] == {"chunk": 3})
    assert [table.row(job)["status"] for job in (tells, remembers)] == ["processing", "processing"]
    gate.open()
    for job in (tells, remembers):
        table.until(job, "completed")


def test_cancelling_the_row_stops_the_run_and_nothing_else(
    table: Table, journal: Journal, gate: Gate
) -> None:
    job, beside = (table.enqueue("hold", {"gate": gate.path}) for _ in range(2))
    pid = journal.has("start", job=job)["pid"]
    journal.has("start", job=beside)
    table.set_status(job, "cancelled")
    journal.has("end", job=job)
    eventually(lambda: table.row(job)["workerId"] is None)
    gate.open()
    table.until(beside, "completed")
    assert table.row(job)["status"] == "cancelled"
    assert not is_gone(pid)


def test_a_run_past_its_time_limit_is_stopped_and_retried(table: Table, journal: Journal) -> None:
    job = table.enqueue("limited", maxAttempts=2)
    row = table.until(job, "failed")
    assert row["errorMessage"].startswith("TimeoutError")
    assert table.outcomes(job) == ["retried", "failed"]
    assert len(journal.entries("start", job=job)) == 2


def test_a_handler_that_ends_its_process_pays_for_it_alone(
    table: Table, journal: Journal, gate: Gate
) -> None:
    beside = table.enqueue("hold", {"gate": gate.path}, maxAttempts=1)
    journal.has("start", job=beside)
    job = table.enqueue("dies", {"how": "kill"}, maxAttempts=1)
    row = table.until(job, "failed")
    assert row["attempts"] == 1
    gate.open()
    row = table.until(beside, "completed")
    assert (row["attempts"], row["result"]) == (1, "let go")


def test_a_handler_in_a_process_of_its_own_is_killed_for_itself(
    table: Table, journal: Journal, gate: Gate
) -> None:
    beside = table.enqueue("hold", {"gate": gate.path})
    pid = journal.has("start", job=beside)["pid"]
    job = table.enqueue("regex_alone", timeoutSeconds=1, maxAttempts=1)
    assert table.until(job, "failed")["errorMessage"].startswith("TimeoutError")
    assert not is_gone(pid)
    gate.open()
    assert table.outcomes(beside) == []
    table.until(beside, "completed")


def test_a_unique_key_belongs_to_one_live_job_and_is_free_when_that_has_ended(
    table: Table, journal: Journal, gate: Gate
) -> None:
    with table.another() as connection:
        first = enqueue("hold", {"gate": gate.path}, unique_key="one", on=connection)
        connection.commit()
        journal.has("start", job=first.id)
        again = enqueue("hold", {"gate": gate.path}, unique_key="one", on=connection)
        connection.commit()
        assert (again.id, again.created) == (first.id, False)
        gate.open()
        table.until(first.id, "completed")
        later = enqueue("hold", {"gate": gate.path}, unique_key="one", on=connection)
    assert later.created
    table.until(later.id, "completed")


def test_a_job_that_waits_for_another_begins_when_that_has_ended(
    table: Table, journal: Journal, gate: Gate
) -> None:
    first = table.enqueue("hold", {"gate": gate.path})
    second = table.enqueue("tick", waitsFor=[first])
    journal.has("start", job=first)
    assert (table.row(second)["status"], table.row(second)["attempts"]) == ("queued", 0)
    gate.open()
    rows = [table.until(job, "completed") for job in (first, second)]
    assert rows[0]["finishedAt"] <= rows[1]["startedAt"]


def test_children_are_enqueued_with_the_end_of_their_parent(
    table: Table, journal: Journal, gate: Gate
) -> None:
    parent = table.enqueue("parent", {"gate": gate.path})
    journal.has("start", job=parent)
    children = 'SELECT id FROM jobs WHERE "parentId" = %s ORDER BY id'
    assert table.rows(children, parent) == []
    gate.open()
    table.until(parent, "completed")
    assert [table.until(child["id"])["result"] for child in table.rows(children, parent)] == [0, 1]


def test_what_a_handler_writes_is_committed_with_its_end(table: Table, journal: Journal, gate: Gate) -> None:
    table.rows("CREATE TABLE written (job bigint)")
    job = table.enqueue("transacts", {"gate": gate.path})
    broken = table.enqueue("transacts", {"gate": gate.path, "raises": True})
    for id in (job, broken):
        journal.has("start", job=id)
    assert table.rows("SELECT job FROM written") == []
    gate.open()
    table.until(job, "completed")
    table.until(broken, "failed")
    assert table.rows("SELECT job FROM written") == [{"job": job}]
