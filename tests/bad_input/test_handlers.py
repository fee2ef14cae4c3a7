"""Whatever a handler does to its process or says in its error, its worker and its neighbours go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from rig.fixtures import StartWorker
from rig.table import Table
from rig.worker_process import PACKAGES

CREW = {"crew": "crew_without_manners:crew", "PYTHONPATH": f"{PACKAGES[0]}:{Path(__file__).parent}"}
RUDE = (
    "changes directory",
    "takes over signals",
    "closes the standard streams",
    "points standard output elsewhere",
    "turns logging off",
    "changes the environment",
    "leaves threads running",
    "leaves tasks running",
    "ends other tasks",
    "changes limits",
    "writes bytes to standard output",
)
SHOUTS = ("50 MB", "NUL", "bytes", "half a pair", "escapes", "itself", "group")


@pytest.mark.parametrize("how", RUDE)
def test_what_a_handler_does_to_its_process_costs_neither_worker_nor_neighbours(
    start_worker: StartWorker, table: Table, how: str
) -> None:
    worker = start_worker(SHUTDOWN_GRACE=2, CANCEL_GRACE=1, **CREW).ready()
    rude = table.enqueue("rude", {"how": how})
    table.until(rude, "completed", "failed")
    after = [table.enqueue("echo", {"value": n}) for n in range(10)]
    for job in after:
        assert table.until(job, "completed")["attempts"] == 1
    assert worker.stop() == 0


def test_whatever_an_error_says_is_stored_in_one_line_that_can_be_read(
    start_worker: StartWorker, table: Table
) -> None:
    worker = start_worker(**CREW).ready()
    jobs = {what: table.enqueue("shouts", {"what": what}, maxAttempts=1) for what in SHOUTS}
    for what, job in jobs.items():
        message = table.until(job, "failed")["errorMessage"]
        assert message, what
        assert len(message) <= 2_000, what
        assert all(character.isprintable() for character in message), what
        (attempt,) = table.attempts(job)
        assert len(attempt["traceback"] or "") <= 16_000, what
    assert "\x1b" not in worker.log.read_text(errors="replace")
    assert worker.log.stat().st_size < 1_000_000


def test_a_handler_with_too_many_children_fails_and_leaves_none(
    start_worker: StartWorker, table: Table
) -> None:
    start_worker(**CREW).ready()
    fails = table.enqueue("spawns", {"children": 100_000}, maxAttempts=1)
    row = table.until(fails, "failed")
    assert "a run may enqueue at most 10,000 children" in row["errorMessage"]
    assert table.rows('SELECT count(*) AS n FROM jobs WHERE "parentId" = %s', fails) == [{"n": 0}]
    most = table.enqueue("spawns", {"children": 10_000})
    table.until(most, "completed")
    assert table.rows('SELECT count(*) AS n FROM jobs WHERE "parentId" = %s', most) == [{"n": 10_000}]
    table.drained(seconds=90)


def test_a_result_a_hundred_times_too_large_fails_its_job_and_nothing_else(
    start_worker: StartWorker, table: Table
) -> None:
    worker = start_worker(**CREW).ready()
    runners = worker.runners()
    large = table.enqueue("returns", {"letters": 100_000_000})
    neighbours = [table.enqueue("echo", {"value": n}) for n in range(10)]
    row = table.until(large, "failed")
    assert row["errorMessage"].startswith("the result has 100,000,002 bytes of JSON, more than 1,000,000")
    assert (row["attempts"], row["result"], table.outcomes(large)) == (1, None, ["failed"])
    for job in neighbours:
        assert table.until(job, "completed")["attempts"] == 1
    assert worker.runners() == runners
