"""Schedules of a test's own, and chores that a test ticks by hand."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any

import psycopg
import pytest

from rig.clock import MovedClock
from rowcrew.control.chores.schedules import Schedules
from rowcrew.log import Log
from rowcrew.table.link import Link
from tests.conftest import Connect


class Firing:
    """The chore of one worker, on a connection of its own."""

    def __init__(self, url: str) -> None:
        self.link = Link(url, purpose="chores")
        self.clock = MovedClock()
        self.output = io.StringIO()
        self.chore = Schedules(link=self.link, clock=self.clock, log=Log("text", self.output))

    async def once(self) -> None:
        await self.chore.once()


class Desk:
    """What a person does to the tables, from a connection in autocommit."""

    def __init__(self, hands: psycopg.Connection[tuple[Any, ...]]) -> None:
        self.hands = hands

    def add(self, name: str = "nightly", **columns: Any) -> None:
        """Insert a schedule; `nextAt` moved back with `due` makes its tick due."""
        given: Mapping[str, Any] = {"type": "noop", **columns}
        if "cron" not in given:
            given = {"everySeconds": 60, **given}
        names = ", ".join(f'"{column}"' for column in given)
        places = ", ".join(["%s"] * len(given))
        self.hands.execute(
            f"INSERT INTO schedules (name, {names}) VALUES (%s, {places})", [name, *given.values()]
        )

    def row(self, columns: str, name: str = "nightly") -> Any:
        found = self.hands.execute(f"SELECT {columns} FROM schedules WHERE name = %s", [name]).fetchone()
        assert found is not None
        return found[0] if len(found) == 1 else found

    def set(self, changes: str, name: str = "nightly") -> None:
        self.hands.execute(f"UPDATE schedules SET {changes} WHERE name = %s", [name])

    def due(self, ago: str = "1 second", name: str = "nightly") -> datetime:
        """Make a tick due that was planned so long ago."""
        self.set(f"\"nextAt\" = date_trunc('second', now()) - interval '{ago}'", name)
        at: datetime = self.row('"nextAt"', name)
        return at

    def ticks(self, name: str = "nightly") -> list[tuple[datetime, int | None]]:
        """The fired ticks in order, each with its job."""
        return self.hands.execute(
            'SELECT tick, "jobId" FROM schedule_ticks WHERE schedule = %s ORDER BY tick', [name]
        ).fetchall()

    def jobs(self, columns: str = "id") -> list[Any]:
        rows = self.hands.execute(f"SELECT {columns} FROM jobs ORDER BY id").fetchall()
        return [row[0] for row in rows] if rows and len(rows[0]) == 1 else list(rows)

    def end(self, job: int, status: str = "completed") -> None:
        self.hands.execute("UPDATE jobs SET status = %s WHERE id = %s", [status, job])


@pytest.fixture
def desk(connect: Connect) -> Desk:
    hands = connect()
    hands.execute("DELETE FROM schedules")  # those that came with families
    return Desk(hands)


@pytest.fixture
async def open_firing(database_url: str) -> AsyncIterator[Callable[[], Firing]]:
    """Make the chore of one worker more."""
    async with AsyncExitStack() as opened:

        def open_one() -> Firing:
            one = Firing(database_url)
            opened.push_async_callback(one.link.close)
            return one

        yield open_one


@pytest.fixture
def firing(open_firing: Callable[[], Firing]) -> Firing:
    return open_firing()
