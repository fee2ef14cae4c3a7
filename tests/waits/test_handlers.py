"""What handlers have of waiting: children they wait for, results they read, chains they enqueue."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rig.table import Table
from rig.worker_process import WorkerProcess
from tests.waits.conftest import Family

CREW = "crew_that_waits:crew"


@pytest.fixture(scope="module")
def served(shared_table: Table, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Family]:
    """A table that one real worker serves, polling seldom: what is quick is woken."""
    folder: Path = tmp_path_factory.mktemp("waits")
    worker = WorkerProcess(
        shared_table.address,
        log=folder / "log",
        journal=folder / "journal",
        crew=CREW,
        POLL_INTERVAL="60",
        RUNNER_ENVIRONMENT="JOURNAL DATABASE_URL",
    )
    worker.ready()
    family = Family(shared_table.address)
    yield family
    family.close()
    worker.clean_up()


def test_a_job_reads_the_results_of_those_it_waited_for(served: Family) -> None:
    first, second = served.job("part", payload=None), served.job("part")
    served.rows("UPDATE jobs SET status = 'cancelled' WHERE id = ANY(%s)", [first, second])
    parts = [served.enqueue("part", {"number": number}) for number in (3, 4)]
    total = served.enqueue("total", waitsFor=parts)
    assert served.until(total, "completed")["result"] == {str(parts[0]): 3, str(parts[1]): 4}


def test_a_parent_runs_again_after_the_last_child_with_its_attempts_unchanged(served: Family) -> None:
    parent = served.enqueue("fan_out", {"parts": [1, -1, 2]})
    row = served.until(parent, "completed")
    assert row["result"] == [
        "part completed 1 attempt 1",
        "part completed 2 attempt 1",
        "part failed None attempt 1",
    ]
    assert (row["attempts"], served.outcomes(parent)) == (1, ["snoozed"])
    children = served.rows('SELECT id FROM jobs WHERE "parentId" = %s ORDER BY id', parent)
    assert row["waitsFor"] == [child["id"] for child in children]
    assert row["waitPolicy"] == "ended"


def test_a_parent_may_wait_for_jobs_that_are_there(served: Family) -> None:
    other = served.enqueue("part", {"number": 9})
    parent = served.enqueue("fan_out", {"parts": [1], "besides": [other]})
    row = served.until(parent, "completed")
    assert other in row["waitsFor"]
    assert len(row["waitsFor"]) == 2


def test_the_live_job_of_a_unique_key_is_waited_for(served: Family) -> None:
    gate = served.enqueue("nobody_knows_this")
    live = served.enqueue("part", {"number": 7}, uniqueKey="only", waitsFor=[gate])
    parent = served.enqueue("keyed", {"key": "only"})
    served.rows("SELECT 1")
    row = served.until(parent, "queued")
    while not served.row(parent)["waitsFor"]:
        row = served.until(parent, "queued", "processing")
    served.end(gate)
    row = served.until(parent, "completed")
    assert (row["result"], row["waitsFor"]) == (live, [live])


def test_a_child_that_would_wait_for_its_own_parent_is_refused(served: Family) -> None:
    job = served.enqueue("circle", maxAttempts=1)
    assert "would wait for a job that waits for it" in served.until(job, "failed")["errorMessage"]
    assert not served.rows('SELECT id FROM jobs WHERE "parentId" = %s', job)


def test_a_completion_in_a_transaction_of_the_handler_tells_who_waits(served: Family) -> None:
    job = served.enqueue("with_transaction")
    waiter = served.enqueue("total", waitsFor=[job])
    (child,) = served.rows('SELECT id FROM jobs WHERE "parentId" = %s', served.until(job, "completed")["id"])
    served.until(waiter, "completed")
    served.until(child["id"], "completed")


def test_an_async_handler_must_await_its_dependencies(served: Family) -> None:
    row = served.until(served.enqueue("reads_on_the_loop", maxAttempts=1), "failed")
    assert "await context.dependencies" in row["errorMessage"]


def test_handlers_enqueue_chains_with_their_own_verbs(served: Family) -> None:
    chain = served.until(served.enqueue("enqueues_a_chain"), "completed")["result"]
    assert served.until(chain[2], "completed")["result"] == {str(chain[0]): 1, str(chain[1]): 2}
