"""Behind a real PgBouncer in transaction mode nobody listens, and who waits is found by looking."""

from __future__ import annotations

import pytest

from rig.fixtures import StartWorker
from rig.pooler import MISSING, PROGRAM, Pooler, borrowed_state
from tests.waits.conftest import Family

pytestmark = pytest.mark.skipif(PROGRAM is None, reason=MISSING)


def test_waiters_and_parents_run_without_a_wake_up_and_leave_nothing_in_sessions(
    start_worker: StartWorker, family: Family, tcp_database_url: str, database: str
) -> None:
    with Pooler(tcp_database_url, sessions=3) as pooler:
        url = pooler.url_of(database)
        environment = "JOURNAL DATABASE_URL"
        worker = start_worker(
            url=url, crew="crew_that_waits:crew", POLL_INTERVAL=0.2, RUNNER_ENVIRONMENT=environment
        )
        worker.said("database.pooled")
        parts = [family.enqueue("part", {"number": number}) for number in range(5)]
        total = family.enqueue("total", waitsFor=parts)
        parent = family.enqueue("fan_out", {"parts": [1, 2, 3]})
        family.until(total, "completed", seconds=60)
        family.until(parent, "completed", seconds=60)
        assert worker.stop() == 0
        assert borrowed_state(url, 3) == []
