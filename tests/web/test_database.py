"""How the database is: what is seen for real, by whom, and what is shown while it does not answer."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from rig.waiting import eventually
from rowcrew.admin.database import Database, DatabaseNow, examine
from rowcrew.table.link import Link
from tests.web.conftest import Web

PATH = "/api/v1/database"


def looked(url: str, *, times: int = 1) -> DatabaseNow:
    """What is seen by this address."""

    async def look() -> DatabaseNow:
        link, database = Link(url, purpose="test", any_text=True), Database()
        try:
            for _ in range(times - 1):
                await database.look(link)
            await examine(link)
            return await database.look(link)
        finally:
            await link.close()

    return asyncio.run(look())


def judged(now: DatabaseNow) -> dict[str, tuple[str, str | None]]:
    return {one.topic: (one.result, one.statement) for one in now.judgements}


def test_all_topics_are_judged_and_all_tables_of_ours_named(web: Web) -> None:
    shown = web.get(PATH).json
    topics = {one["topic"] for one in shown["judgements"]}
    assert topics >= {"snapshot", "dead-rows", "autovacuum", "indexes", "connections", "wal", "stand-bys"}
    tables = {one["table"]: one for one in shown["tables"]}
    assert {"jobs", "job_attempts", "events", "batchFiles"} <= set(tables)
    assert tables["jobs"]["vacuumedFrom"] == 20_000  # what the migration gave the table, not the server
    sizes = [one["bytes"] for one in shown["indexes"]]
    assert sizes == sorted(sizes, reverse=True)
    assert {"name": "fsync", "value": "off", "isSet": True} in shown["settings"]
    assert shown["problem"] is None
    assert shown["checks"]


def test_who_holds_the_oldest_snapshot_is_named(web: Web) -> None:
    address = f"{web.url}{'&' if '?' in web.url else '?'}application_name=report"
    with psycopg.connect(address) as connection:
        connection.execute("SELECT txid_current()")
        held = eventually(lambda: looked(web.url).seen.holders)
    assert "'report'" in held[0].words


def test_an_index_that_was_left_invalid_is_told_first(web: Web) -> None:
    web.enqueue("twice")
    web.enqueue("twice")
    with pytest.raises(psycopg.errors.UniqueViolation):
        web.execute('CREATE UNIQUE INDEX CONCURRENTLY "Half built" ON jobs (type)')
    try:
        now = looked(web.url)
    finally:
        web.execute('DROP INDEX "Half built"')
    assert judged(now)["indexes"] == ("bad", 'REINDEX INDEX CONCURRENTLY "Half built";')
    assert {one.result for one in now.judgements[:2]} == {"bad"}


def test_a_table_that_lets_no_autovacuum_in_is_told(web: Web) -> None:
    web.execute("ALTER TABLE events SET (autovacuum_enabled = off)")
    try:
        told = judged(looked(web.url))["autovacuum"]
    finally:
        web.execute("ALTER TABLE events RESET (autovacuum_enabled)")
    assert told == ("bad", "ALTER TABLE events RESET (autovacuum_enabled);")


def test_how_much_wal_is_written_is_the_difference_of_two_looks(web: Web) -> None:
    assert looked(web.url).seen.wal_bytes_per_second is None
    assert looked(web.url, times=2).seen.wal_bytes_per_second is not None


def test_a_role_without_rights_to_other_sessions_sees_all_the_rest(web: Web) -> None:
    """dbulashev/dasha#258, ankane/pghero#102"""
    web.execute("CREATE ROLE narrow LOGIN")
    web.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO narrow")
    try:
        with psycopg.connect(web.url) as connection:  # of a role whose sessions are hidden
            connection.execute("SELECT txid_current()")
            now = looked(f"{web.url}{'&' if '?' in web.url else '?'}options={quote('-c role=narrow')}")
    finally:
        web.execute("DROP OWNED BY narrow")
        web.execute("DROP ROLE narrow")
    assert now.seen.holders == []
    assert judged(now)["snapshot"] == ("hidden", "GRANT pg_read_all_stats TO current_user;")
    assert now.seen.server.connections > 1
    assert len(now.seen.tables) > 10


def test_what_people_did_is_listed_with_who(web: Web) -> None:
    id = web.enqueue("acted-on")
    web.post(f"/api/v1/jobs/{id}/cancel")
    acts = looked(web.url).acts
    assert (acts[0].kind, acts[0].subject, acts[0].actor) == ("web.cancel_job", str(id), "local")


@pytest.mark.slow
def test_while_a_table_is_locked_the_last_look_is_shown_with_its_age(web: Web) -> None:
    first = web.get(PATH).json
    with psycopg.connect(web.url) as connection:
        connection.execute("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE")

        def late() -> dict[str, Any]:
            shown: dict[str, Any] = web.get(PATH).json
            return shown if shown["problem"] else {}

        shown = eventually(late, deadline_seconds=60)
    assert "in time" in shown["problem"]
    assert shown["ageSeconds"] > first["ageSeconds"]
    assert [one["table"] for one in shown["tables"]] == [one["table"] for one in first["tables"]]
