"""What `test_statements` sends to PostgreSQL besides the statements about one lease: limits, waits and time.

In: a connection, and the numbers of jobs and workers. Out: rows as the statements answer them.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import psycopg

from rig.staging import past_triggers
from rig.statements import statement
from tests.model_based import database as model
from tests.model_based.database import Database
from tests.race.transitions import GRANTED_ID

Connection = psycopg.Connection[tuple[Any, ...]]
Rows = list[tuple[Any, ...]]

PROBE: Final = {"priorities": [0], "floors": ["-infinity"], "floor_ids": [0]}
WALK: Final = {"place_floor": "-infinity", "floor_keys": [], "key_floors": [], "after": "", "steps": 9}


def run(connection: Connection, name: str, **parameters: Any) -> Rows:
    cursor = connection.execute(statement(name), parameters)
    return cursor.fetchall() if cursor.description else []


def age(connection: Connection) -> None:
    """A day goes by. A hand would bring "runAt" no further back than to now."""
    with past_triggers(connection):
        connection.execute(
            """
            UPDATE jobs
               SET "runAt" = CASE WHEN "notBefore" IS NULL THEN "runAt" - interval '1 day' ELSE "runAt" END,
                   "notBefore" = "notBefore" - interval '1 day',
                   "updatedAt" = "updatedAt" - interval '1 day'
            """
        )


class Road:
    """The two roads to the jobs of type `noop`: `limit` says which of them leads anywhere."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.limit: int | None = None

    def set_limit(self, most: int | None) -> None:
        self._connection.execute(
            """
            INSERT INTO queues (queue, "maxConcurrent") VALUES ('default', %s)
            ON CONFLICT (queue) DO UPDATE SET "maxConcurrent" = excluded."maxConcurrent"
            """,
            (most,),
        )
        self.limit = most

    def reserve(self, worker: int) -> Rows:
        wanted = {"worker": worker, "types": ["noop"], "room": 10, "only": None, **PROBE}
        rows = run(self._connection, "reserve", queues=["default"], **wanted)
        if self.limit is None:
            return rows
        assert rows == []
        assert run(self._connection, "lock_limits", queue="default", after="") == [([], True, True)]
        known = {"queue": "default", "keys": [], "line_turn": 0, "by_id": False}
        rows = run(self._connection, "reserve_limited", **known, **WALK, **wanted)
        return [row[GRANTED_ID:] for row in rows if row[GRANTED_ID] is not None]

    def adopt(self) -> None:
        run(self._connection, "adopt", queue="default", limited=self.limit is not None, keys=[])


class Wait(NamedTuple):
    """What a job waits for, or waited for last."""

    child: int
    policy: str


class Waits:
    """Each job that waits, waits for one of a type that nobody here serves; `jobs` says for which."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.jobs: dict[int, Wait] = {}
        self._children: dict[int, str] = {}

    def new_child(self) -> int:
        inserted = "INSERT INTO jobs (type) VALUES ('child') RETURNING id"
        ((child,),) = self._connection.execute(inserted).fetchall()
        self._children[child] = "queued"
        return int(child)

    def end_child(self, which: int, status: str) -> None:
        if self._children:
            child = list(self._children)[which % len(self._children)]
            self._connection.execute("UPDATE jobs SET status = %s WHERE id = %s", (status, child))
            self._children[child] = status

    def look(self) -> None:
        """As long as it helps, as the chore does."""
        while any(run(self._connection, "examine", after=0, only=None)[0][1:4]):
            pass

    def looked_at(self, job: int, database: Database) -> Database:
        """What a look makes of this job."""
        if job not in self.jobs:
            return database
        child, policy = self.jobs[job]
        status = self._children[child]
        if status == "completed" or (status == "failed" and policy == "ended"):
            return model.let_run(database)
        return model.fail_waiting(database) if status == "failed" else database
