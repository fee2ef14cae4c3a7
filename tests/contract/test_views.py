"""The views that people and dashboards read: their columns never change, their numbers are true."""

from __future__ import annotations

import pytest

from tests.conftest import Connect
from tests.contract.hands import insert, job_in, one, register_worker, reserve

FROZEN = {
    "job_status": "id type queue status priority attempts maxAttempts progress errorMessage worker parentId"
    " createdAt runAt startedAt finishedAt updatedAt",
    "queue_depth": "queue ready delayed processing oldestReadyAt unserved unservedTypes waiting",
    "worker_status": "id name host pid version queues types slots running state startedAt heartbeatAt"
    " stoppedAt stopReason memoryBytes cpuPercent restarts"
    " launcher launchHandle launchedAt registeredAt errorMessage",
}


@pytest.mark.parametrize("view", FROZEN)
def test_the_columns_of_a_view_stay_as_they_are(table: Connect, view: str) -> None:
    cursor = table().execute(f"SELECT * FROM {view}")
    assert [column.name for column in cursor.description or ()] == FROZEN[view].split()


def test_the_depth_of_a_queue_counts_ready_delayed_and_running_jobs(connect: Connect) -> None:
    connection = connect()
    register_worker(connection)
    for status in ("queued", "queued", "processing", "completed", "failed"):
        job_in(connection, status)
    insert(connection, runAt="2199-01-01")
    insert(connection, queue="other", type="other")
    depth = connection.execute(
        "SELECT queue, ready, delayed, processing FROM queue_depth ORDER BY 1"
    ).fetchall()
    assert depth == [("default", 2, 1, 1), ("other", 1, 0, 0)]


@pytest.mark.parametrize(
    ("worker", "unserved"),
    [
        ({}, (0, [])),
        ({"queues": []}, (0, [])),
        ({"types": ["another"]}, (1, ["test"])),
        ({"queues": ["another"]}, (1, ["test"])),
        ({"heartbeatAt": "2020-01-01"}, (1, ["test"])),
        ({"stoppedAt": "2020-01-01"}, (1, ["test"])),
        ({"lostAt": "2020-01-01"}, (1, ["test"])),
        ({"asked": "drain"}, (1, ["test"])),
    ],
)
def test_types_that_no_live_worker_serves_are_shown(
    connect: Connect, worker: dict[str, object], unserved: tuple[int, list[str]]
) -> None:
    connection = connect()
    register_worker(connection, **worker)
    insert(connection)
    assert one(connection, 'SELECT unserved, "unservedTypes" FROM queue_depth') == unserved


def test_a_worker_shows_its_state_and_how_much_it_runs(connect: Connect) -> None:
    connection = connect()
    busy = register_worker(connection, name="busy")
    register_worker(connection, name="silent", heartbeatAt="2020-01-01")
    register_worker(connection, name="lost", lostAt="2020-01-01", heartbeatAt="2020-01-01")
    register_worker(connection, name="stopped", stoppedAt="2020-01-01", heartbeatAt="2020-01-01")
    for _ in range(2):
        reserve(connection, insert(connection), worker=busy)
    shown = connection.execute("SELECT name, state, running FROM worker_status ORDER BY id").fetchall()
    assert shown == [
        ("busy", "live", 2),
        ("silent", "silent", 0),
        ("lost", "lost", 0),
        ("stopped", "stopped", 0),
    ]


def test_a_running_job_shows_the_name_of_its_worker(connect: Connect) -> None:
    connection = connect()
    id = insert(connection)
    reserve(connection, id, worker=register_worker(connection, name="busy"))
    assert one(connection, "SELECT status, worker FROM job_status WHERE id = %s", [id]) == (
        "processing",
        "busy",
    )


def test_reading_the_depth_leaves_ended_jobs_alone(connect: Connect) -> None:
    connection = connect()
    connection.execute(
        "INSERT INTO jobs (type, status) SELECT 'x', 'completed' FROM generate_series(1, 5000)"
    )
    connection.execute("INSERT INTO jobs (type) SELECT 'x' FROM generate_series(1, 5)")
    connection.execute("ANALYZE jobs")
    plan = "\n".join(row[0] for row in connection.execute("EXPLAIN SELECT * FROM queue_depth").fetchall())
    assert "jobs_ready" in plan
    assert "jobs_held" in plan
    assert "Seq Scan on jobs" not in plan
