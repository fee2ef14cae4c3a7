"""The hot statements keep to their indexes on a large, skewed table, whatever the statistics say."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
import pytest

from rig.statements import statement
from rowcrew.embedded import EmbeddedPostgres
from rowcrew.table.link import Link
from rowcrew.table.statements import SQL
from tests.conftest import Connect

SKEWED = (
    """
    INSERT INTO jobs (type, status, queue, priority, "createdAt", "finishedAt")
    SELECT 'noop', 'completed', 'default', 0, now() - interval '1 day', now()
      FROM generate_series(1, 200000)
    """,
    """
    INSERT INTO jobs (type, queue, priority)
    SELECT 'noop', 'default', CASE WHEN i % 100 = 0 THEN 10 ELSE 0 END FROM generate_series(1, 40000) i
    """,
    "INSERT INTO jobs (type, queue) SELECT 'noop', 'held' FROM generate_series(1, 10000)",
    """
    UPDATE jobs
       SET status = 'processing', "workerId" = 1, "leaseId" = gen_random_uuid(), revision = revision + 1
     WHERE queue = 'held'
    """,
    "VACUUM ANALYZE jobs",
)
NOTHING_BELOW = {"queues": ["default"], "priorities": [0], "floors": ["-infinity"], "floor_ids": [0]}
TYPES = ["noop"]

Plan = dict[str, Any]
Connection = psycopg.Connection[tuple[Any, ...]]


def plan_of(connection: Connection, name: str, parameters: Mapping[str, Any]) -> Plan:
    """The plan of a statement file as a worker's prepared statement gets it, with the buffers it touched."""
    query = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement(name)}"
    row = connection.execute(query, parameters).fetchone()
    assert row is not None
    plan: Plan = row[0][0]["Plan"]
    return plan


def nodes(plan: Plan) -> Iterator[Plan]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def scans_of_jobs(plan: Plan) -> list[tuple[str, str | None]]:
    return [(n["Node Type"], n.get("Index Name")) for n in nodes(plan) if n.get("Relation Name") == "jobs"]


def sorts(plan: Plan) -> list[str]:
    return [node["Node Type"] for node in nodes(plan) if "Sort" in node["Node Type"]]


def ready_buffers(plan: Plan) -> int:
    """Buffers of the scan of the ready index, over all its probes."""
    return sum(
        n["Shared Hit Blocks"] + n["Shared Read Blocks"]
        for n in nodes(plan)
        if n.get("Index Name") == "jobs_ready"
    )


def reserve_parameters(**changed: Any) -> dict[str, Any]:
    return {"worker": 1, "types": TYPES, "room": 100, "only": None, **NOTHING_BELOW, **changed}


@pytest.fixture(scope="module")
def skewed_url(server: EmbeddedPostgres, migrated_template: str) -> Iterator[str]:
    """200,000 ended rows, 40,000 ready in one queue, 10,000 processing, vacuumed, statistics taken."""
    name = f"skewed_{uuid.uuid4().hex}"
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {migrated_template}")
    with psycopg.connect(server.url_of(name), autocommit=True) as connection:
        for command in SKEWED:
            connection.execute(command)
    yield server.url_of(name)
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def skewed(skewed_url: str) -> Iterator[Connection]:
    """A connection to the large table; what a test does there is rolled back."""
    with psycopg.connect(skewed_url) as connection:
        yield connection
        connection.rollback()


def test_reserve_reads_the_ready_index_in_order_and_sorts_nothing(skewed: Connection) -> None:
    plan = plan_of(skewed, "reserve", reserve_parameters())
    assert ("Index Scan", "jobs_ready") in scans_of_jobs(plan)
    assert not any(kind == "Seq Scan" for kind, _ in scans_of_jobs(plan))
    assert sorts(plan) == []


def test_reserve_of_several_queues_and_priorities_sorts_nothing(skewed: Connection) -> None:
    parameters = reserve_parameters(
        queues=["default", "other"] * 4,
        priorities=[20, 20, 10, 10, 0, 0, -10, -10],
        floors=["-infinity"] * 8,
        floor_ids=[0] * 8,
    )
    plan = plan_of(skewed, "reserve", parameters)
    assert ("Index Scan", "jobs_ready") in scans_of_jobs(plan)
    assert not any(kind == "Seq Scan" for kind, _ in scans_of_jobs(plan))
    assert sorts(plan) == []


def test_reserve_keeps_to_the_ready_index_with_statistics_of_an_empty_table(connect: Connect) -> None:
    connection = connect()
    connection.execute("ANALYZE jobs")
    connection.execute("INSERT INTO jobs (type) SELECT 'noop' FROM generate_series(1, 20000)")
    plan = plan_of(connection, "reserve", reserve_parameters())
    assert ("Index Scan", "jobs_ready") in scans_of_jobs(plan)


def test_reserve_above_its_floor_reads_few_pages_though_an_old_snapshot_keeps_every_dead_entry(
    connect: Connect,
) -> None:
    connection = connect()
    connection.execute("INSERT INTO jobs (type) SELECT 'noop' FROM generate_series(1, 20200)")
    old_snapshot = connect(autocommit=False)
    old_snapshot.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    old_snapshot.execute("SELECT count(*) FROM jobs")
    last: tuple[Any, ...] | None = None
    for _ in range(100):
        rows = connection.execute(SQL["worker/reserve"], reserve_parameters(room=200)).fetchall()
        last = max((row[9], row[0]) for row in rows)
    assert last is not None
    floored = reserve_parameters(floors=[f"{last[0]}Z"], floor_ids=[last[1]])
    above = ready_buffers(plan_of(connection, "reserve", floored))
    connection.execute("INSERT INTO jobs (type) SELECT 'noop' FROM generate_series(1, 100)")
    from_the_bottom = ready_buffers(plan_of(connection, "reserve", reserve_parameters()))
    assert above < 40 < from_the_bottom


def test_record_finds_its_rows_by_primary_key_among_thousands_processing(skewed: Connection) -> None:
    rows = skewed.execute(
        """SELECT id, "leaseId" FROM jobs WHERE status = 'processing' LIMIT 200"""
    ).fetchall()
    ended = [{"id": id, "lease": str(lease), "status": "completed"} for id, lease in rows]
    plan = plan_of(skewed, "record", {"ended": json.dumps(ended), "worker": 1})
    scans = scans_of_jobs(plan)
    assert ("Index Scan", "jobs_pkey") in scans
    assert not any(index == "jobs_held" or kind == "Seq Scan" for kind, index in scans)


def test_notes_find_their_rows_by_primary_key(skewed: Connection) -> None:
    rows = skewed.execute(
        """SELECT id, "leaseId" FROM jobs WHERE status = 'processing' LIMIT 20"""
    ).fetchall()
    notes = [{"id": id, "lease": str(lease), "progress": {"current": 1}} for id, lease in rows]
    plan = plan_of(skewed, "note", {"notes": json.dumps(notes)})
    assert {index for _, index in scans_of_jobs(plan)} <= {"jobs_pkey", None}
    assert not any(kind == "Seq Scan" for kind, _ in scans_of_jobs(plan))


def test_a_heartbeat_reads_only_what_its_worker_holds(skewed: Connection) -> None:
    plan = plan_of(skewed, "held", {"worker": 7})
    assert {index for _, index in scans_of_jobs(plan)} == {"jobs_held"}


def test_learning_the_lines_takes_one_step_for_each_line(skewed: Connection) -> None:
    plan = plan_of(skewed, "lines", {"queues": None})
    scans = [node for node in nodes(plan) if node.get("Relation Name") == "jobs" and node["Actual Loops"]]
    assert scans
    assert all(node["Index Name"] == "jobs_ready" for node in scans)  # no key has a limit of its own
    assert ready_buffers(plan) < 60


def test_rescue_of_a_stranger_reads_no_jobs(skewed: Connection) -> None:
    plan = plan_of(skewed, "rescue", {"workers": [7], "beats": [0], "only": None})
    assert not any(kind == "Seq Scan" for kind, _ in scans_of_jobs(plan))


@pytest.mark.parametrize("name", ["show_queue", "count_reasons", "count_runs"])
def test_what_an_operator_sees_of_a_queue_can_be_read_without_any_ended_job(
    skewed: Connection, name: str
) -> None:
    """Dashboards of other queues stand still over counts of the past. Here every sixth row waits, so the
    planner may well read them all; where few do, the indexes of live rows answer everything."""
    parameters = {"queue": "default", "type": None, "seconds": 300}
    skewed.execute("SET LOCAL enable_seqscan = off")
    plan = plan_of(skewed, name, parameters)
    live = {"jobs_ready", "jobs_held", "jobs_keyed", "jobs_places", "jobs_key_places"}
    of_jobs = {n["Index Name"] for n in nodes(plan) if n.get("Index Name", "").startswith("jobs_")}
    assert of_jobs <= live | {"jobs_set_aside_pkey"}
    assert "Seq Scan" not in {kind for kind, _ in scans_of_jobs(plan)}


@pytest.mark.parametrize("function", ["rowcrew_ready", "rowcrew_backlog"])
def test_the_numbers_for_scalers_read_no_ended_job(skewed: Connection, function: str) -> None:
    query = f"SELECT {function}('default')".encode()
    skewed.execute(query)  # the first call in a session reads the catalogue as well
    (row,) = skewed.execute(b"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + query).fetchall()
    plan = row[0][0]["Plan"]
    of_all = skewed.execute("SELECT relpages FROM pg_class WHERE oid = 'jobs'::regclass").fetchone()
    assert of_all is not None
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < of_all[0] / 2


def test_a_beat_touches_no_table_but_workers(connect: Connect) -> None:
    plan = plan_of(
        connect(), "beat", {"worker": 1, "boot": uuid.uuid4(), "memory": 1, "cpu": 1.0, "restarts": 0}
    )
    assert {n["Relation Name"] for n in nodes(plan) if "Relation Name" in n} == {"workers"}


ENDED = {"id": 1, "lease": str(uuid.uuid4()), "status": "completed"}
GROWING: dict[str, dict[str, Any]] = {
    "reserve": reserve_parameters(types=["other"], room=10),
    "record": {"worker": 1, "ended": f"[{json.dumps(ENDED)}]"},
    "note": {"notes": f"[{json.dumps(ENDED)}]"},
    "lock_free": {"ids": [1]},
    "held": {"worker": 1},
    "ack": {"ids": [1], "leases": [str(uuid.uuid4())]},
    "lines": {"queues": None},
}


@pytest.mark.anyio
@pytest.mark.parametrize("name", GROWING)
async def test_a_statement_prepared_on_an_empty_table_never_reads_all_of_it_when_it_has_grown(
    database_url: str, connect: Connect, name: str
) -> None:
    link = Link(database_url, purpose="test", session={"plan_cache_mode": "force_generic_plan"})
    try:
        await link.fetch(statement(name), GROWING[name])
        connect().execute("INSERT INTO jobs (type) SELECT 'other' FROM generate_series(1, 20000)")
        await link.fetch(statement(name), GROWING[name])
    finally:
        await link.close()
    rows_read = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'jobs'"
    ((rows,),) = connect().execute(rows_read).fetchall()
    assert rows < 100
