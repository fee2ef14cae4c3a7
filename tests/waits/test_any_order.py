"""Whatever waits for whatever, and in whatever order things end: nobody runs too early or waits for ever."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.rows import dict_row

from rowcrew.embedded import EmbeddedPostgres
from rowcrew.table.statements import SQL
from tests.waits.conftest import WHOLE_LOOK

LIVE = ("queued", "processing")
POLICIES = ("completed", "ended", "failFast")
ENDS = ("completed", "completed", "failed", "cancelled")

job = st.tuples(st.sets(st.integers(0, 11), max_size=5), st.sampled_from(POLICIES))
move = st.one_of(
    st.tuples(st.just("end"), st.integers(0, 11), st.sampled_from(ENDS)),
    st.tuples(st.just("requeue"), st.integers(0, 11), st.none()),
    st.tuples(st.just("run now"), st.integers(0, 11), st.none()),
    st.tuples(st.just("examine"), st.none(), st.none()),
)


class World:
    """Jobs, the moves of workers and people on them, and a check after every look of an examiner."""

    def __init__(self, connection: psycopg.Connection[dict[str, Any]]) -> None:
        self._connection = connection
        self.ids: list[int] = []
        self.free: set[int] = set()

    def rows(self) -> dict[int, dict[str, Any]]:
        query = 'SELECT id, status, watches, "runAt", "waitsFor", "waitPolicy" FROM jobs WHERE id = ANY(%s)'
        return {row["id"]: row for row in self._connection.execute(query, (self.ids,))}

    def insert(self, waits_for: set[int], policy: str) -> None:
        known = [self.ids[place] for place in waits_for if place < len(self.ids)]
        query = 'INSERT INTO jobs (type, "waitsFor", "waitPolicy") VALUES (%s, %s, %s) RETURNING id'
        row = self._connection.execute(query, ("quick", known, policy)).fetchone()
        assert row is not None
        self.ids.append(row["id"])

    def move(self, kind: str, place: int | None, status: str | None) -> None:
        if kind == "examine":
            self.examine()
        elif place is not None and place < len(self.ids):
            id = self.ids[place]
            row = self.rows()[id]
            if kind == "end" and row["status"] in LIVE and row["watches"] is None:
                self._connection.execute("UPDATE jobs SET status = %s WHERE id = %s", (status, id))
            elif kind == "requeue" and row["status"] not in LIVE:
                self._connection.execute("UPDATE jobs SET status = 'queued' WHERE id = %s", (id,))
            elif kind == "run now" and row["watches"] is not None:
                self._connection.execute('UPDATE jobs SET "runAt" = now() WHERE id = %s', (id,))

    def examine(self) -> int:
        before = self.rows()
        look = self._connection.execute(SQL["waits/examine"], WHOLE_LOOK).fetchone()
        assert look is not None
        after = self.rows()
        for id, row in before.items():
            waited = row["watches"] is not None and row["watches"] >= 0
            if waited and after[id]["watches"] in (None, -1):
                self._check_decision(after[id], {one: before[one]["status"] for one in row["waitsFor"]})
        return int(look["released"] + look["ended"] + look["moved"])

    def _check_decision(self, row: dict[str, Any], others: dict[int, str]) -> None:
        live = any(status in LIVE for status in others.values())
        broken = {status for status in others.values() if status in ("failed", "cancelled")}
        if row["waitPolicy"] == "failFast" and broken:
            assert row["status"] in broken
        else:
            assert not live, f"{row} was decided while {others}"
            must_end = row["waitPolicy"] != "ended" and broken
            assert (row["status"] in broken) if must_end else (row["status"] == "queued")

    def settle(self) -> None:
        """Examine until nothing comes of it; end what runs; and so on, until all have ended."""
        while live := [id for id, row in self.rows().items() if row["status"] in LIVE]:
            while self.examine():
                pass
            rows = self.rows()
            ready = [id for id in live if rows[id]["status"] in LIVE and rows[id]["watches"] is None]
            assert ready or not any(rows[id]["status"] in LIVE for id in live), f"left waiting: {rows}"
            for id in ready:
                self._connection.execute("UPDATE jobs SET status = 'completed' WHERE id = %s", (id,))


@pytest.fixture(scope="module")
def url(server: EmbeddedPostgres, migrated_template: str) -> Any:
    from rig.databases import new_database

    with new_database(server, "any_order", template=migrated_template) as name:
        yield server.url_of(name)


@settings(max_examples=60)
@given(jobs=st.lists(job, min_size=2, max_size=12), moves=st.lists(move, max_size=25))
def test_nobody_is_let_go_too_early_and_nobody_is_left(url: str, jobs: Any, moves: Any) -> None:
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
        world = World(connection)
        later = list(moves)
        for waits_for, policy in jobs:
            world.insert(waits_for, policy)
            if later:
                world.move(*later.pop())
        for one in later:
            world.move(*one)
        world.settle()
        left = connection.execute("SELECT id, watches FROM jobs WHERE watches >= 0").fetchall()
        assert left == []
