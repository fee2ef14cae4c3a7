"""The work of a storm: a producer with a mix of jobs, and hands that cancel, requeue and reschedule.

Both speak plain SQL as any backend would. A commit that was acknowledged goes into the
supervisor's journal; one without an answer is held against nobody.
"""

from __future__ import annotations

import random
import threading
import time
from contextlib import suppress
from typing import Any, Final

import psycopg
from psycopg.types.json import Jsonb

from storm.crew import CANARY
from storm.site import Site

# Type, weight, and what makes its payload.
MIX: Final[tuple[tuple[str, float], ...]] = (
    ("sleeps", 50),
    ("sleeps_in_thread", 20),
    ("writes", 8),
    ("parent", 4),
    ("raises", 5),
    ("snoozes", 3),
    ("sleeps_alone", 1),
    ("long", 3),
    ("hangs", 0.3),
    ("dies", 0.5),
    ("holds_gil", 0.3),
    ("eats", 0.4),
)


def new_job(dice: random.Random, longest_seconds: float) -> dict[str, Any]:
    type = dice.choices([name for name, _ in MIX], [weight for _, weight in MIX])[0]
    payload: dict[str, Any] = {}
    match type:
        case "sleeps" | "writes":
            payload = {"seconds": round(dice.uniform(0.005, 0.05), 3)}
        case "sleeps_in_thread" | "sleeps_alone":
            payload = {"seconds": round(dice.uniform(0.1, 1.5), 2)}
        case "long":
            type, payload = "sleeps", {"seconds": round(dice.uniform(2, longest_seconds), 1)}
        case "raises":
            payload = {"times": dice.choice((1, 1, 5))}
        case "holds_gil":
            payload = {"seconds": dice.randint(1, 4)}
        case "eats":
            payload = {"mebibytes": dice.choice((120, 300)), "seconds": 8}
    columns: dict[str, Any] = {
        "type": type,
        "payload": Jsonb(payload | {"note": f"password={CANARY}"} if type == "parent" else payload),
    }
    columns["maxAttempts"] = 2 if type in ("dies", "hangs", "eats") else 25 if type != "raises" else 3
    columns["priority"] = dice.choices((0, 10, -10, 20), (85, 5, 5, 5))[0]
    if dice.random() < 0.05:
        columns["uniqueKey"] = f"key-{dice.randint(1, 5)}"
    if dice.random() < 0.05:
        columns["runAt"] = f"{dice.uniform(0.5, 4):.2f} seconds"
    return columns


class Habit:
    """What a thread does again and again, from `start` to `stop`."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        raise NotImplementedError


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
        self.acknowledged: list[int] = []

    def _run(self) -> None:
        while not self._stopped.is_set():
            with suppress(psycopg.OperationalError), self._site.connect("storm producer") as connection:
                while not self._stopped.wait(self._pause):
                    self._enqueue(connection, new_job(self._dice, self._longest_seconds))
            self._stopped.wait(0.2)

    def _enqueue(self, connection: psycopg.Connection[Any], columns: dict[str, Any]) -> None:
        names = ", ".join(f'"{name}"' for name in columns)
        places = ", ".join("now() + %s::interval" if name == "runAt" else "%s" for name in columns)
        query: Any = f"INSERT INTO jobs ({names}) VALUES ({places}) RETURNING id"
        with suppress(psycopg.errors.UniqueViolation):
            with connection.transaction():
                ((id,),) = connection.execute(query, list(columns.values())).fetchall()
                self._stopped.wait(self._open_seconds)
            self.acknowledged.append(id)
            self._site.write_down("acknowledged", job=id)


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
            with suppress(psycopg.OperationalError), self._site.connect("storm hands") as connection:
                connection.execute("SET lock_timeout = '2s'")
                self._change_one(connection)

    def _change_one(self, connection: psycopg.Connection[Any]) -> None:
        what = self._dice.choices(("cancel", "requeue", "reschedule"), (5, 2, 2))[0]
        status = "queued" if what == "reschedule" else self._dice.choice(("queued", "processing"))
        rows = connection.execute(
            "SELECT id FROM jobs WHERE status = %s ORDER BY random() LIMIT 1", (status,)
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
