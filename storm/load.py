"""The work of a storm: producers with a mix of jobs, in plain SQL as any backend speaks it.

A commit that was acknowledged goes into the supervisor's journal; one without an answer is held against
nobody.
"""

from __future__ import annotations

import random
import time
from contextlib import suppress
from typing import Any, Final

import psycopg
from psycopg.types.json import Jsonb

from rig.staging import past_triggers
from storm import flow
from storm.crew import CANARY
from storm.habit import AWAY, Habit
from storm.odd import ENDINGS
from storm.site import Site

# Type, weight, and what makes its payload.
MIX: Final[tuple[tuple[str, float], ...]] = (
    ("sleeps", 50),
    ("sleeps_in_thread", 20),
    ("writes", 8),
    ("parent", 4),
    ("gathers", 2),
    ("raises", 5),
    ("snoozes", 3),
    ("sleeps_alone", 1),
    ("long", 3),
    ("hangs", 0.3),
    ("dies", 0.3),
    ("holds_gil", 0.3),
    ("eats", 0.4),
    ("forks", 1),
    ("garbles", 0.15),
    ("exits", 0.15),
    ("leaves", 0.3),
    *((odd, 0.3) for odd in ENDINGS),
)

# What kills its runner costs others time, so it is not tried often.
FATAL: Final = frozenset({"dies", "hangs", "eats", "garbles", "exits"})


def new_job(dice: random.Random, longest_seconds: float) -> dict[str, Any]:
    type = dice.choices([name for name, _ in MIX], [weight for _, weight in MIX])[0]
    payload: dict[str, Any] = {}
    # One that runs for a minute would be all that a narrow queue does in a storm.
    place = {} if type == "long" or type in ENDINGS else flow.place(dice)
    match type:
        case "sleeps" | "writes":
            payload = {"seconds": round(dice.uniform(0.005, 0.05), 3)}
        case "sleeps_in_thread" | "sleeps_alone":
            payload = {"seconds": round(dice.uniform(0.1, 1.5), 2)}
        case "long":
            type, payload = "sleeps", {"seconds": round(dice.uniform(2, longest_seconds), 1)}
        case "gathers":
            payload = {"parts": dice.randint(1, 3)}
        case "raises":
            payload = {"times": dice.choice((1, 1, 5))}
        case "holds_gil":
            payload = {"seconds": dice.randint(1, 4)}
        case "eats":
            payload = {"mebibytes": dice.choice((120, 300)), "seconds": 8}
    columns: dict[str, Any] = {
        "type": type,
        "payload": Jsonb(payload | {"note": f"password={CANARY}"} if type == "parent" else payload),
        **place,
    }
    columns["maxAttempts"] = 2 if type in FATAL else 25 if type != "raises" else 3
    columns["priority"] = dice.choices((0, 10, -10, 20), (85, 5, 5, 5))[0]
    if dice.random() < 0.05:
        columns["uniqueKey"] = f"key-{dice.randint(1, 5)}"
    if dice.random() < 0.05:
        columns["runAt"] = f"{dice.uniform(0.5, 4):.2f} seconds"
    return columns


class Producer(Habit):
    """A backend that enqueues at a rate, a transaction for each job, held open for a while if asked to."""

    def __init__(
        self, site: Site, seed: int, *, rate: float, longest_seconds: float, open_seconds: float = 0.0
    ) -> None:
        super().__init__()
        self._site = site
        self._dice = random.Random(f"producer {seed} {open_seconds}")
        self._open_seconds = open_seconds
        self._pause = 1 / rate
        self._longest_seconds = longest_seconds
        self.acknowledged: dict[int, float] = {}

    def _run(self) -> None:
        while not self._stopped.is_set():
            with suppress(*AWAY), self._site.connect("storm producer") as connection:
                while not self._stopped.wait(self._pause):
                    self._enqueue(connection)
            self._stopped.wait(0.2)

    def _enqueue(self, connection: psycopg.Connection[Any]) -> None:
        columns = new_job(self._dice, self._longest_seconds)
        with suppress(psycopg.errors.UniqueViolation):
            with connection.transaction():
                id = _insert(connection, columns)
                if columns["type"] == "odd_counters":
                    _fill_counters(connection, id)
                self._stopped.wait(self._open_seconds)
            self._acknowledge(id)

    def _acknowledge(self, id: int) -> None:
        self.acknowledged[id] = time.time()
        self._site.write_down("acknowledged", job=id)


class TreeProducer(Producer):
    """A backend that enqueues some jobs, one that waits for them, and one that waits for that one."""

    def _enqueue(self, connection: psycopg.Connection[Any]) -> None:
        dice = self._dice
        with connection.transaction():
            parts = [_insert(connection, _part(dice)) for _ in range(dice.randint(1, 4))]
            policy = dice.choice(("completed", "ended", "failFast"))
            whole = _insert(connection, _waiter(dice, parts, policy))
            last = _insert(connection, _waiter(dice, [whole], "ended"))
        for id in (*parts, whole, last):
            self._acknowledge(id)


def _part(dice: random.Random) -> dict[str, Any]:
    """One in five fails for good."""
    if dice.random() < 0.2:
        return {"type": "raises", "payload": Jsonb({"times": 5}), "maxAttempts": 1}
    return {
        "type": "sleeps",
        "payload": Jsonb({"seconds": round(dice.uniform(0.01, 2), 2)}),
        "maxAttempts": 25,
    }


def _waiter(dice: random.Random, jobs: list[int], policy: str) -> dict[str, Any]:
    columns = {"type": "sleeps", "payload": Jsonb({"seconds": 0.02}), "maxAttempts": 25, **flow.place(dice)}
    return columns | {"waitsFor": jobs, "waitPolicy": policy}


def _insert(connection: psycopg.Connection[Any], columns: dict[str, Any]) -> int:
    names = ", ".join(f'"{name}"' for name in columns)
    places = ", ".join("now() + %s::interval" if name == "runAt" else "%s" for name in columns)
    query: Any = f"INSERT INTO jobs ({names}) VALUES ({places}) RETURNING id"
    ((id,),) = connection.execute(query, list(columns.values())).fetchall()
    return int(id)


def _fill_counters(connection: psycopg.Connection[Any], job: int) -> None:
    """No statement can count this row's attempts or revision any further."""
    with past_triggers(connection):
        connection.execute("UPDATE jobs SET attempts = 32767, revision = 2147483647 WHERE id = %s", (job,))
