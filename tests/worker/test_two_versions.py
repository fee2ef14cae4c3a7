"""A rolling deploy: workers of two versions of one crew, and producers that are ahead of the old one."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from rig.fixtures import StartWorker
from rig.table import Table
from rig.waiting import eventually
from rig.worker_process import PACKAGES

OLD = """
from rowcrew import Crew
crew = Crew()

@crew.job("mail")
def mail(to: str) -> str:
    return f"to {to}"
"""
NEW = OLD.replace("to: str", "to: str, subject: str = 'none'").replace("{to}", "{to}: {subject}")


@pytest.fixture
def versions(tmp_path: Path) -> dict[str, str]:
    """What lets a worker find its version of the crew."""
    for name, text in (("old", OLD), ("new", NEW)):
        (tmp_path / f"{name}_version.py").write_text(text)
    return {"PYTHONPATH": os.pathsep.join([str(tmp_path), *PACKAGES])}


def test_a_new_key_waits_for_the_worker_that_knows_it(
    start_worker: StartWorker, table: Table, versions: dict[str, str]
) -> None:
    old = start_worker(crew="old_version:crew", **versions).ready()
    job = table.enqueue("mail", {"to": "Ann", "subject": "hello"})
    for_all = table.enqueue("mail", {"to": "Bob"})
    old.said("job.retried", job_id=job)
    row = table.row(job)
    assert (row["status"], row["attempts"]) == ("queued", 1)
    [attempt] = table.rows("""SELECT * FROM job_attempts WHERE "jobId" = %s""", job)
    assert attempt["outcome"] == "retried"
    assert "unknown field `subject`; a newer worker may know it" in attempt["error"]
    assert row["runAt"] - attempt["finishedAt"] > timedelta(seconds=59)
    assert table.until(for_all)["result"] == "to Bob"

    start_worker(crew="new_version:crew", **versions).ready()
    assert old.stop() == 0
    table.rows("""UPDATE jobs SET "runAt" = now() WHERE id = %s""", job)
    assert table.until(job, "completed")["result"] == "to Ann: hello"


def test_a_key_that_nobody_knows_fails_with_the_last_attempt(
    start_worker: StartWorker, table: Table, versions: dict[str, str]
) -> None:
    start_worker(crew="new_version:crew", **versions).ready()
    job = table.enqueue("mail", {"to": "Ann", "subjekt": "hello"}, maxAttempts=2)
    eventually(lambda: table.row(job)["attempts"] == 1 and table.row(job)["status"] == "queued")
    table.rows("""UPDATE jobs SET "runAt" = now() WHERE id = %s""", job)
    failed = table.until(job, "failed")
    assert "unknown field `subjekt`" in failed["errorMessage"]
    assert failed["attempts"] == 2
