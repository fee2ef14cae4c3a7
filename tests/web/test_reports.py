"""What people have reported of other dashboards, tried on this one; README.md has the reports."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from rig.programs import program
from rowcrew.table.statements import SQL
from tests.web.conftest import Web, serving


def test_figures_outlive_the_server_that_tells_them(web: Web) -> None:
    """mher/flower#203"""
    web.enqueue("counted", queue="figures")
    web.execute(
        """INSERT INTO job_stats ("endsAt", seconds, "workerId", queue, type, outcome, count)
           VALUES (date_trunc('minute', now()), 60, 1, 'figures', 'counted', 'completed', 7)"""
    )
    with program(*serving(), DATABASE_URL=web.url) as served:
        again = Web(served, web.url, web.connection)
        within = again.get("/api/v1/queues/figures").json["within"]
    assert within == web.get("/api/v1/queues/figures").json["within"]
    assert within[1]["completed"] == 7


@pytest.mark.parametrize("statement", ["look_at_queues", "look_at_reasons", "newest_id"])
def test_no_look_reads_the_jobs_that_have_ended(web: Web, statement: str) -> None:
    """riverqueue/riverui#106"""
    web.execute(
        """INSERT INTO jobs (type, queue) SELECT 'history', 'history' FROM generate_series(1, 20000)"""
    )
    web.execute("UPDATE jobs SET status = 'cancelled' WHERE type = 'history'")
    web.execute("VACUUM ANALYZE jobs")
    pages = web.value("SELECT pg_relation_size('jobs') / 8192")
    with psycopg.connect(web.url) as connection:
        connection.execute("SET enable_seqscan = off")
        query = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {SQL[f'looks/{statement}']}"
        (((plan, *_),),) = connection.execute(query.encode(), {"top": 2**62}).fetchall()
    assert read(plan["Plan"]) < pages / 4


def read(plan: dict[str, Any]) -> int:
    return int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"])


def test_a_failed_run_is_told_by_its_last_error_and_by_each(web: Web) -> None:
    """felixmosh/bull-board#862"""
    job = web.enqueue("retried")
    for attempt, error in enumerate(("first", "second"), 1):
        web.execute(
            """INSERT INTO job_attempts ("jobId", attempt, outcome, error, "leaseId")
               VALUES (%s, %s, 'retried', %s, gen_random_uuid())""",
            job,
            attempt,
            error,
        )
    web.execute("""UPDATE jobs SET status = 'failed', "errorMessage" = 'second' WHERE id = %s""", job)
    shown = web.get(f"/api/v1/jobs/{job}").json
    assert shown["errorMessage"] == "second"
    assert [one["error"] for one in shown["job_attempts"]] == ["first", "second"]
