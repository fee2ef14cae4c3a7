"""Races under limits, each staged with two connections and a lock; and what the statements read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from rig.statements import statement
from rig.table import Table
from rowcrew.model.floors import Probes
from rowcrew.table import limits
from rowcrew.table.link import Link
from tests.conftest import Connect
from tests.control.site import Site
from tests.limits.test_road import finish, limit, limit_key, taken
from tests.plans.test_plans import Plan, nodes, scans_of_jobs

pytestmark = pytest.mark.anyio

UNDER_LOCK = {
    "worker": 1,
    "types": ["quick"],
    "room": 10,
    "keys": [],
    "priorities": [0],
    "floors": ["-infinity"],
    "floor_ids": [0],
    "place_floor": "-infinity",
    "floor_keys": [],
    "key_floors": [],
    "after": "",
    "steps": 16,
    "line_turn": 0,
    "by_id": False,
    "only": None,
}


def reserve_by(connection: psycopg.Connection[Any], queue: str = "default", **changed: Any) -> list[Any]:
    """What another worker does in its transaction, up to its commit."""
    locked = connection.execute(statement("lock_limits"), {"queue": queue, "after": ""}).fetchone()
    assert locked is not None
    given = {**UNDER_LOCK, "queue": queue, "keys": locked[0], **changed}
    return connection.execute(statement("reserve_limited"), given).fetchall()


@pytest.fixture
def another(site: Site) -> Iterator[Table]:
    table = Table(site.table.address)
    yield table
    table.close()


async def test_places_that_another_worker_is_taking_are_not_taken_twice(site: Site, connect: Connect) -> None:
    limit(site, maxConcurrent=2)
    ids = [site.table.enqueue("quick") for _ in range(6)]
    other = connect(autocommit=False)
    assert len(reserve_by(other)) == 2
    assert await taken(site) == []
    other.commit()
    site.organs.reserver.places_free()
    assert await taken(site) == []
    site.table.write_past_triggers(
        'UPDATE jobs SET status = \'completed\', "placeAt" = NULL, "workerId" = NULL WHERE id = %s', ids[0]
    )
    site.organs.reserver.places_free()
    assert await taken(site) == ids[2:3]


async def test_a_key_that_another_worker_counts_is_left_alone_and_others_are_served(
    site: Site, connect: Connect
) -> None:
    limit_key(site, "a", maxConcurrent=1)
    limit_key(site, "b", maxConcurrent=1)
    a = [site.table.enqueue("quick", concurrencyKey="a", queue="one") for _ in range(2)]
    b = site.table.enqueue("quick", concurrencyKey="b", queue="two")
    a.append(site.table.enqueue("quick", concurrencyKey="a", queue="two"))
    other = connect(autocommit=False)
    assert len(reserve_by(other, "one")) == 1
    assert await taken(site) == [b]
    other.commit()
    site.organs.reserver.places_free()
    assert await taken(site) == []


async def test_a_first_row_that_a_hand_has_locked_stands_in_nobodys_way(site: Site, another: Table) -> None:
    limit(site, maxConcurrent=1)
    first, second = site.table.enqueue("quick"), site.table.enqueue("quick")
    another.rows("BEGIN")
    another.rows("SELECT FROM jobs WHERE id = %s FOR UPDATE", first)
    assert await taken(site) == [second]
    another.rows("ROLLBACK")


async def test_a_change_of_limits_left_open_holds_nobody_up(site: Site, another: Table) -> None:
    limit(site, maxConcurrent=2)
    ids = [site.table.enqueue("quick") for _ in range(3)]
    another.rows("BEGIN")
    another.rows('UPDATE queues SET "maxConcurrent" = 3')
    assert await taken(site) == ids[:2]
    another.rows("COMMIT")
    site.organs.reserver.places_free()
    assert await taken(site) == ids[2:]


async def test_a_place_is_on_disk_before_its_run_begins(site: Site) -> None:
    site.table.rows("CREATE TABLE commits (queue text, how text)")
    site.table.rows(
        """
        CREATE FUNCTION see_commit() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO commits VALUES (NEW.queue, current_setting('synchronous_commit'));
            RETURN NULL;
        END $$
        """
    )
    site.table.rows(
        "CREATE TRIGGER see_commit AFTER UPDATE ON jobs FOR EACH ROW WHEN (NEW.status = 'processing')"
        " EXECUTE FUNCTION see_commit()"
    )
    limit(site, "limited", maxConcurrent=1)
    site.table.enqueue("quick", queue="limited")
    site.table.enqueue("quick", queue="free")
    await taken(site)
    how = {row["queue"]: row["how"] for row in site.table.rows("SELECT queue, how FROM commits")}
    assert how == {"limited": "on", "free": "off"}


async def test_rows_that_a_limit_held_back_are_not_passed_over(site: Site) -> None:
    limit(site, maxConcurrent=1)
    ids = [site.table.enqueue("quick") for _ in range(4)]
    site.table.write_past_triggers("""UPDATE jobs SET "runAt" = now() - interval '1 hour'""")
    served = []
    for _ in ids:
        [id] = await taken(site)  # no sweep comes: the clock stands still
        served.append(id)
        await finish(site, id)
    assert served == ids


async def test_rows_of_the_line_that_keys_left_no_room_for_are_not_passed_over(site: Site) -> None:
    limit(site, maxConcurrent=2, maxConcurrentPerKey=2)
    free = [site.table.enqueue("quick") for _ in range(2)]
    keyed = [site.table.enqueue("quick", concurrencyKey="a", priority=10) for _ in range(2)]
    site.table.write_past_triggers("""UPDATE jobs SET "runAt" = now() - interval '1 hour'""")
    assert await taken(site) == keyed
    await finish(site, *keyed)
    assert await taken(site) == free


async def test_an_end_makes_its_worker_look_at_once(site: Site) -> None:
    limit(site, maxConcurrent=1)
    site.table.enqueue("quick")
    [id] = await taken(site)
    site.road.ledger.woken.clear()
    await finish(site, id)
    assert site.road.ledger.woken.is_set()
    assert site.road.ledger.freed == {"default": 1}


async def test_a_place_that_its_worker_cannot_fill_is_announced(site: Site, connect: Connect) -> None:
    listener = connect()
    limit(site, maxConcurrent=1)
    site.table.enqueue("quick")
    site.table.enqueue("of another crew")
    [id] = await taken(site)
    listener.execute("LISTEN rowcrew_wake")
    await finish(site, id)
    assert await taken(site) == []
    assert [note.payload for note in listener.notifies(timeout=30, stop_after=1)] == ["places"]


async def test_of_two_places_the_one_that_its_worker_cannot_fill_is_announced(
    site: Site, connect: Connect
) -> None:
    listener = connect()
    limit(site, maxConcurrent=2)
    ids = [site.table.enqueue("quick") for _ in range(3)]
    site.table.enqueue("of another crew")
    assert await taken(site) == ids[:2]
    listener.execute("LISTEN rowcrew_wake")
    await finish(site, *ids[:2])
    assert await taken(site) == ids[2:]
    assert [note.payload for note in listener.notifies(timeout=30, stop_after=1)] == ["places"]


async def test_a_producer_who_keeps_his_transaction_open_silences_no_announcement(
    site: Site, connect: Connect
) -> None:
    first = site.table.enqueue("quick", queue="others")
    producer, listener = connect(autocommit=False), connect()
    producer.execute("""INSERT INTO jobs (type, "waitsFor") VALUES ('quick', %s)""", ([first],))
    listener.execute("LISTEN rowcrew_wake")
    await limits.announce(site.links.reserve)
    assert [note.payload for note in listener.notifies(timeout=30, stop_after=1)] == ["places"]


async def test_a_place_of_a_key_is_filled_as_soon_as_it_is_free(site: Site) -> None:
    limit(site, maxConcurrentPerKey=1)
    ids = [site.table.enqueue("quick", concurrencyKey="a") for _ in range(2)]
    assert await taken(site) == ids[:1]
    assert await taken(site) == []
    await finish(site, ids[0])
    assert await taken(site) == ids[1:]  # not when the poll interval is over: the clock stands still


async def test_what_one_queue_gave_is_not_lost_with_the_next_look(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(site, "a", maxConcurrent=1)
    limit(site, "b", maxConcurrent=1)
    for queue in ("a", "b"):
        site.table.enqueue("quick", queue=queue)
    reserve, calls = limits.reserve_limited, []

    async def breaks(*given: Any, **named: Any) -> Any:
        calls.append(named["queue"])
        if len(calls) == 2:
            raise psycopg.OperationalError("the connection is lost")
        return await reserve(*given, **named)

    monkeypatch.setattr(limits, "reserve_limited", breaks)
    with pytest.raises(psycopg.OperationalError):
        await taken(site)
    [run] = list(site.road.ledger)
    assert run.job.queue == calls[0]


async def test_hands_take_no_place_and_give_none(site: Site) -> None:
    id = site.table.enqueue("quick")
    site.table.rows('UPDATE jobs SET "placeAt" = now() WHERE id = %s', id)
    assert site.table.row(id)["placeAt"] is None
    site.table.set_status(id, "processing")
    assert site.table.row(id)["placeAt"] is not None
    site.table.rows('UPDATE jobs SET "placeAt" = NULL WHERE id = %s', id)
    assert site.table.row(id)["placeAt"] is not None
    copied = site.table.enqueue("quick", placeAt="2026-01-01")
    assert site.table.row(copied)["placeAt"] is None
    foreign = site.table.enqueue("quick", status="processing")
    assert site.table.row(foreign)["placeAt"] is not None


def plan_of(connection: psycopg.Connection[Any], name: str, given: Any) -> Plan:
    row = connection.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement(name)}", given).fetchone()
    assert row is not None
    plan: Plan = row[0][0]["Plan"]
    return plan


def test_rows_without_a_key_ask_no_limit(connect: Connect) -> None:
    connection = connect()
    connection.execute("INSERT INTO jobs (type) SELECT 'quick' FROM generate_series(1, 50)")
    connection.execute("INSERT INTO limits (key, \"maxConcurrent\") VALUES ('api', 1)")
    probes = {"queues": ["default"], "priorities": [0], "floors": ["-infinity"], "floor_ids": [0]}
    plan = plan_of(
        connection, "reserve", {"worker": 1, "types": ["quick"], "room": 10, "only": None, **probes}
    )
    assert [n["Actual Loops"] for n in nodes(plan) if n.get("Relation Name") == "limits"] == [0]


def test_places_of_a_named_key_are_counted_by_its_own_index(connect: Connect) -> None:
    connection = connect()
    connection.execute("INSERT INTO limits (key, \"maxConcurrent\") VALUES ('api', 1)")
    connection.execute(
        """
        INSERT INTO jobs (type, queue, "concurrencyKey", status)
        SELECT 'quick', 'q' || i % 50, 'k' || i % 500, 'processing' FROM generate_series(1, 5000) i
        """
    )
    connection.execute("INSERT INTO jobs (type, \"concurrencyKey\") VALUES ('quick', 'api')")
    connection.execute("ANALYZE jobs")
    given = {**UNDER_LOCK, "queue": "default", "keys": ["api"]}
    plan = plan_of(connection, "reserve_limited", given)
    assert "Seq Scan" not in {kind for kind, _ in scans_of_jobs(plan)}
    read = [n["Shared Hit Blocks"] for n in nodes(plan) if n.get("Index Name") == "jobs_key_places"]
    assert read
    assert sum(read) < 10


async def test_fresh_rows_of_a_named_key_are_read_once_and_then_passed(site: Site, connect: Connect) -> None:
    limit_key(site, "api", maxConcurrent=0)
    site.table.rows(
        """
        INSERT INTO jobs (type, "concurrencyKey") SELECT 'quick', 'api' FROM generate_series(1, 15000)
        """
    )
    site.table.rows("SELECT pg_sleep(0.2)")  # so near to now no floor counts
    assert await taken(site) == []
    free = site.table.enqueue("quick")
    probes = site.organs.reserving.places.probes(site.catalogue.names, None)
    given = {"worker": 1, "types": ["quick"], "room": 10, "only": None}
    with connect(autocommit=False) as connection:
        plan = plan_of(
            connection,
            "reserve",
            {
                **given,
                "queues": probes.queues,
                "priorities": probes.priorities,
                "floors": probes.floors,
                "floor_ids": probes.floor_ids,
            },
        )
        connection.rollback()
    read = sum(n["Shared Hit Blocks"] for n in nodes(plan) if n.get("Index Name") == "jobs_ready")
    assert read < 60
    assert await taken(site) == [free]


async def test_fresh_rows_are_passed_while_all_jobs_are_taken_by_their_keys(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(site, maxConcurrentPerKey=1)
    [last] = site.table.rows(
        """
        WITH fresh AS (
          INSERT INTO jobs (type, "concurrencyKey")
          SELECT 'quick', mod(i, 5) FROM generate_series(1, 5000) i
          RETURNING id)
        SELECT max(id) FROM fresh
        """
    )
    site.table.rows("SELECT pg_sleep(0.2)")  # so near to now no floor counts
    assert len(await taken(site, room=1)) == 1
    told = []
    reserve_limited = limits.reserve_limited

    async def overheard(link: Link, *, probes: Probes, **others: Any) -> list[limits.Granted]:
        told.append(dict(zip(probes.priorities, probes.floor_ids, strict=True)))
        return await reserve_limited(link, probes=probes, **others)

    monkeypatch.setattr(limits, "reserve_limited", overheard)
    assert len(await taken(site, room=1)) == 1  # a short sweep, which begins further down
    assert len(await taken(site, room=1)) == 1
    assert told[-1][0] == last["max"]


@pytest.mark.parametrize("per_key", [False, True])
async def test_after_a_new_connection_places_count_that_are_older_than_all_seen_before(
    site: Site, per_key: bool
) -> None:
    """Another server may answer, its clock behind: runs of other workers begin there before the floors."""
    if per_key:
        limit_key(site, "api", maxConcurrent=2)
    else:
        limit(site, maxConcurrent=2)
    ids = [site.table.enqueue("quick", concurrencyKey="api") for _ in range(3)]
    assert await taken(site, room=1) == ids[:1]
    site.table.write_past_triggers(
        """
        UPDATE jobs SET status = 'processing', attempts = 1, "workerId" = 1, "leaseId" = gen_random_uuid(),
               "placeAt" = now() - interval '1 hour'
         WHERE id = %s
        """,
        ids[2],
    )
    await site.links.reserve.close()
    site.organs.reserver.places_free()
    assert await taken(site) == []
