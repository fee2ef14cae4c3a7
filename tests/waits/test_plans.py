"""A look reads by primary key and by its own index, however many jobs have ended beside."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from rowcrew.table.link import PLANNING
from rowcrew.table.statements import SQL
from tests.waits.conftest import Family

ALLOWED = {"jobs_pkey", "jobs_watching", "jobs_fail_fast"}


@pytest.fixture
def crowded(family: Family, connect: Any) -> psycopg.Connection[Any]:
    """Many ended rows, and a few that wait for some of them."""
    connection: psycopg.Connection[Any] = connect()
    connection.execute(
        "INSERT INTO jobs (type, status) SELECT 'noop', 'completed' FROM generate_series(1, 50000)"
    )
    live = [family.job() for _ in range(20)]
    for _ in range(20):
        family.waiter([*range(1, 50), *live], "failFast")
    connection.execute("ANALYZE jobs")
    for name, value in PLANNING.items():
        connection.execute("SELECT set_config(%s, %s, false)", (name, value))
    return connection


def nodes(plan: Any) -> Any:
    yield plan
    for inner in plan.get("Plans", []):
        yield from nodes(inner)


def plan(connection: psycopg.Connection[Any], name: str, **parameters: Any) -> Any:
    row = connection.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {SQL[name]}", parameters).fetchone()
    assert row is not None
    return (json.loads(row[0]) if isinstance(row[0], str) else row[0])[0]["Plan"]


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("waits/examine", {"after": 0, "told_after": 0, "only": None}),
        ("waits/sweep_waits", {"after": 0, "after_id": 0, "batch": 2000}),
        ("waits/waits_due", {}),
    ],
)
def test_a_look_uses_the_primary_key_and_the_index_of_those_who_wait(
    crowded: psycopg.Connection[Any], name: str, parameters: Any
) -> None:
    for _ in range(2):  # first with those nobody has looked at, then with what they watch
        whole = plan(crowded, name, **parameters)
        read = list(nodes(whole))
        assert {node["Index Name"] for node in read if "Index Name" in node} <= ALLOWED
        assert "jobs" not in [node["Relation Name"] for node in read if node["Node Type"] == "Seq Scan"]
        crowded.execute("UPDATE jobs SET status = 'failed' WHERE id = 50001")


def test_what_was_waited_for_is_read_by_primary_key(crowded: psycopg.Connection[Any]) -> None:
    read = list(nodes(plan(crowded, "run/dependencies", id=50_021)))
    assert {node["Index Name"] for node in read if "Index Name" in node} == {"jobs_pkey"}
    assert not [node for node in read if node["Node Type"] == "Seq Scan"]
