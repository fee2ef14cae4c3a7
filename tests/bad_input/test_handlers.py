"""Whatever a handler does to its process or says in its error, its worker and its neighbours go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worker.conftest import StartWorker
from tests.worker.harness import PACKAGES, Table

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
