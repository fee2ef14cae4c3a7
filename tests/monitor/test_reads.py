"""What the monitor asks again and again reads live rows by their indexes, and no history."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from rig.statements import statement
from tests.conftest import Connect

HISTORY = (
    """
    INSERT INTO jobs (type, status, queue, "finishedAt")
    SELECT 'test', 'completed', 'default', now() FROM generate_series(1, 20000)
    """,
    "INSERT INTO jobs (type) SELECT 'test' FROM generate_series(1, 50)",
    "VACUUM ANALYZE jobs",
)
ASKED: dict[str, dict[str, Any]] = {
    "looks/look_at_queues": {},
    "looks/look_at_reasons": {},
    "operator/ended_minutes": {},
    "operator/unserved_types": {},
    "operator/list_workers": {"states": None, "limit": 200},
}


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


@pytest.mark.parametrize("name", ASKED)
def test_looking_reads_no_history(connect: Connect, name: str) -> None:
    connection = connect()
    for each in HISTORY:
        connection.execute(each)
    connection.execute("SET enable_seqscan = off; SET jit = off")
    query = statement(name.partition("/")[2])
    row = connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}", ASKED[name]).fetchone()
    assert row is not None
    scans = [node for node in nodes(row[0][0]["Plan"]) if node.get("Relation Name") == "jobs"]
    read = [
        node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) for node in scans
    ]
    assert sum(read) < 1_000
