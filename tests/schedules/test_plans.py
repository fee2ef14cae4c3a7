"""What schedules ask about jobs they ask by primary key, however many jobs there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from tests.conftest import Connect
from tests.plans.test_plans import plan_of, scans_of_jobs

MANY = """INSERT INTO jobs (type, status, "finishedAt")
          SELECT 'noop', CASE WHEN i % 10 = 0 THEN 'queued' ELSE 'failed' END, now()
            FROM generate_series(1, 30000) i"""
DUE = """INSERT INTO schedules (name, type, "everySeconds", "pauseAfterFailures", overlap, "nextAt",
                               "lastJobId", "waitingTick")
         SELECT i::text, 'noop', 60, 3, 'cancelOld', now(), i * 10, now() FROM generate_series(1, 50) i"""
FIRED = """INSERT INTO schedule_ticks SELECT i::text, now() - t * interval '1 min', i * 10 + t
             FROM generate_series(1, 50) i, generate_series(1, 20) t"""


@pytest.mark.parametrize("analyzed", [False, True])
def test_no_statement_about_schedules_walks_the_jobs(connect: Connect, analyzed: bool) -> None:
    connection = connect(autocommit=False)
    for statement in ("DELETE FROM schedules", MANY, DUE, FIRED, "SET LOCAL enable_seqscan = off"):
        connection.execute(statement)
    if analyzed:
        connection.execute("ANALYZE")
    rows = connection.execute('SELECT name, xmin::text AS version, "nextAt" FROM schedules').fetchall()
    plans = [{"name": name, "version": version, "ticks": [at], "nextAt": at} for name, version, at in rows]
    asked: dict[str, Mapping[str, Any]] = {
        "schedules_look": {},
        "schedules_due": {},
        "fire": {"plans": msgspec.json.encode(plans).decode()},
        "fire_waiting": {},
    }
    for name, parameters in asked.items():
        scans = scans_of_jobs(plan_of(connection, name, parameters))
        assert {index for kind, index in scans if kind.endswith("Scan")} <= {"jobs_pkey"}, name
