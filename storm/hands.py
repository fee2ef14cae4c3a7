"""The hands of a storm: people and backends that change rows, lock them, or save what they read before.

All speak plain SQL. A change by hand is what the protocol must take; a save of a row that has moved on since
it was read must undo nothing, and `check` sees to that.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from storm import flow
from storm.habit import AWAY, Habit
from storm.history import HANDS, STALE_SAVES
from storm.odd import ENDINGS
from storm.site import Site

JSON_COLUMNS: Final = ("payload", "progress", "checkpoint", "result")
MOST_SAVED: Final = 5
MOST_HELD: Final = 3
ODD: Final = list(ENDINGS)
# What a hand does, and how often beside the others; the second row changes limits.
CHANGES: Final[Mapping[str, float]] = {
    "cancel": 5,
    "requeue": 2,
    "reschedule": 2,
    "widen or narrow": 1,
    "pause": 0.5,
    "narrow a key": 0.5,
}
OF_LIMITS: Final = frozenset({"widen or narrow", "pause", "narrow a key"})


class Hands(Habit):
    """A person, or a backend, that changes rows."""

    def __init__(self, site: Site, seed: int, *, pause_seconds: float) -> None:
        super().__init__()
        self._site = site
        self._dice = random.Random(f"hands {seed}")
        self._pause = pause_seconds
        self.cancelled: dict[int, float] = {}
        self.done = 0

    def _run(self) -> None:
        while not self._stopped.wait(self._pause):
            with suppress(*AWAY), self._site.connect(HANDS) as connection:
                connection.execute("SET lock_timeout = '2s'")
                self._change_one(connection)

    def _change_one(self, connection: psycopg.Connection[Any]) -> None:
        what = self._dice.choices(tuple(CHANGES), tuple(CHANGES.values()))[0]
        if what in OF_LIMITS:
            self._change_limit(connection, what)
            return
        status = "queued" if what == "reschedule" else self._dice.choice(("queued", "processing"))
        rows = connection.execute(
            "SELECT id FROM jobs WHERE status = %s AND type <> ALL (%s) ORDER BY random() LIMIT 1",
            (status, ODD),
        ).fetchall()
        for (id,) in rows:
            self.done += 1
            match what:
                case "cancel":
                    changed = connection.execute(
                        "UPDATE jobs SET status = 'cancelled'"
                        " WHERE id = %s AND status IN ('queued', 'processing')",
                        (id,),
                    )
                    if changed.rowcount:
                        self.cancelled[id] = time.time()
                        self._site.write_down("cancelled", job=id)
                case "requeue":
                    connection.execute(
                        "UPDATE jobs SET status = 'queued' WHERE id = %s AND status = 'processing'", (id,)
                    )
                case _:
                    connection.execute(
                        """UPDATE jobs SET "runAt" = now() + interval '2 seconds'
                            WHERE id = %s AND status = 'queued'""",
                        (id,),
                    )

    def _change_limit(self, connection: psycopg.Connection[Any], what: str) -> None:
        self.done += 1
        if what == "widen or narrow":
            connection.execute(
                'UPDATE queues SET "maxConcurrent" = %s WHERE queue = %s',
                (self._dice.choice(flow.WIDTHS), flow.NARROW),
            )
        elif what == "narrow a key":
            connection.execute(
                'UPDATE limits SET "maxConcurrent" = 1,'
                " until = now() + interval '3 seconds' WHERE key = %s",
                (flow.KEY,),
            )
        else:
            connection.execute(
                "UPDATE queues SET paused = true, until = now() + interval '3 seconds' WHERE queue = %s",
                (flow.FAIR,),
            )


class Holder(Habit):
    """Somebody who cancels jobs that run, and keeps their rows locked for long after the commit."""

    def __init__(self, site: Site, seed: int, *, held_seconds: tuple[float, float]) -> None:
        super().__init__()
        self._site = site
        self._dice = random.Random(f"holder {seed}")
        self._held_seconds = held_seconds
        self.cancelled: dict[int, float] = {}

    def _run(self) -> None:
        while not self._stopped.wait(self._dice.uniform(1, 6)):
            with suppress(*AWAY), self._site.connect(HANDS) as connection:
                connection.execute("SET lock_timeout = '2s'")
                self._hold(connection, self._cancel(connection))

    def _cancel(self, connection: psycopg.Connection[Any]) -> list[int]:
        rows = connection.execute(
            """
            UPDATE jobs SET status = 'cancelled'
             WHERE status = 'processing'
               AND id IN (SELECT id FROM jobs WHERE status = 'processing' AND type <> ALL (%s)
                           ORDER BY random() LIMIT %s)
            RETURNING id
            """,
            (ODD, MOST_HELD),
        ).fetchall()
        for (id,) in rows:
            self.cancelled[id] = time.time()
            self._site.write_down("cancelled", job=id)
        return [id for (id,) in rows]

    def _hold(self, connection: psycopg.Connection[Any], jobs: list[int]) -> None:
        with connection.transaction():
            connection.execute("SELECT FROM jobs WHERE id = ANY (%s) FOR UPDATE", (jobs,))
            self._stopped.wait(self._dice.uniform(*self._held_seconds))


class StaleSaves(Habit):
    """A backend with an ORM: reads whole rows, and later writes all of their columns back."""

    def __init__(self, site: Site, seed: int) -> None:
        super().__init__()
        self._site = site
        self._dice = random.Random(f"stale saves {seed}")
        self.done = 0

    def _run(self) -> None:
        while not self._stopped.wait(0.3):
            # One connection: a crash of the server between reading and saving breaks it, and may have undone
            # what was read.
            with suppress(*AWAY), self._site.connect(STALE_SAVES) as connection:
                connection.execute("SET lock_timeout = '2s'")
                rows = self._read(connection)
                self._stopped.wait(self._dice.uniform(0.1, 5))
                for row in rows:
                    self._save(connection, row)

    def _read(self, connection: psycopg.Connection[Any]) -> list[dict[str, Any]]:
        with connection.cursor(row_factory=dict_row) as cursor:
            status = self._dice.choice(("queued", "processing", "processing", "completed"))
            return cursor.execute(
                "SELECT * FROM jobs WHERE status = %s AND type <> ALL (%s) ORDER BY id DESC LIMIT %s",
                (status, ODD, MOST_SAVED),
            ).fetchall()

    def _save(self, connection: psycopg.Connection[Any], row: dict[str, Any]) -> None:
        assignments = sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name))
            for name in row
            if name != "id"
        )
        values = {
            name: Jsonb(value) if name in JSON_COLUMNS and value is not None else value
            for name, value in row.items()
        }
        with suppress(psycopg.errors.UndefinedColumn):  # the next version came or went
            connection.execute(sql.SQL("UPDATE jobs SET {} WHERE id = %(id)s").format(assignments), values)
            self.done += 1
