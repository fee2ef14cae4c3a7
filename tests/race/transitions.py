"""The transitions that meet on a row: what each sends to PostgreSQL, and what it does to a row by itself.

Worker 1 holds the row, or held it, under LEASE; worker 2 is beside it. `Row` is what outcomes are judged by.
`TRANSITIONS` are all that change a row of `jobs`, and `held`, the question a heartbeat asks.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import psycopg

from rig.statements import statement

Connection = psycopg.Connection[tuple[Any, ...]]
Answer = list[tuple[Any, ...]]
Send = Callable[[Connection, int], Answer]
LEASE: Final = uuid.UUID("00000000-0000-4000-8000-000000000001")
LIVE: Final = ("queued", "processing")
ENDED: Final = ("completed", "failed", "cancelled")


class Row(NamedTuple):
    """A row of `jobs`.

    `lease`: LEASE is "old". `waits`: its own time lies ahead. `begun`: it has a "startedAt". `is_past`: ended
    long ago. `dependent`: it names a job that it waits for, or waited for. `parked`: it waits. `unheard`: for
    one that has ended, and told nobody. `limited`: its queue has a limit. `kept`: it has a result.
    `told`: the outcomes in `job_attempts`.
    """

    status: str
    attempts: int = 0
    worker: int | None = None
    lease: str | None = "old"
    waits: bool = False
    begun: bool = True
    is_past: bool = False
    dependent: bool = False
    parked: bool = False
    unheard: bool = False
    limited: bool = False
    kept: bool = False
    told: tuple[str, ...] = ()


GONE: Final = Row("gone", lease=None)
WAITING: Final = Row("queued", attempts=1, told=("retried",))
LIMITED: Final = WAITING._replace(limited=True)
HELD: Final = Row("processing", attempts=1, worker=1)
HELD_ANEW: Final = Row("processing", attempts=2, worker=2, lease="new", told=("lost",))
STOPPED: Final = Row("cancelled", attempts=1, worker=1)  # by hand, and its worker has not let go yet
SNOOZED: Final = Row("queued", waits=True, told=("snoozed",))
PAST: Final = Row("failed", attempts=3, is_past=True, told=("failed",))
PARKED: Final = WAITING._replace(dependent=True, parked=True)
UNHEARD: Final = PARKED._replace(unheard=True)
KEPT: Final = Row("completed", attempts=1, is_past=True, kept=True)
STARTS: Final = {
    "waits": WAITING,
    "waits under a limit": LIMITED,
    "is held": HELD,
    "is held by another": HELD_ANEW,
    "is stopped": STOPPED,
    "is snoozed": SNOOZED,
    "has ended": PAST,
    "has a result": KEPT,
    "waits for another": PARKED,
    "waits for one that told nobody": UNHEARD,
}


# What each sends.


def fetch(connection: Connection, name: str, **parameters: Any) -> Answer:
    cursor = connection.execute(statement(name), parameters)
    return cursor.fetchall() if cursor.description else []


def ending(status: str, **values: Any) -> Send:
    """The record statement, for one end of the run under LEASE."""

    def record(connection: Connection, job: int) -> Answer:
        row = {"id": job, "lease": str(LEASE), "status": status, **values}
        return fetch(connection, "record", ended=json.dumps([row]), worker=1)

    return record


def by_hand(change: str) -> Send:
    def update(connection: Connection, job: int) -> Answer:
        return connection.execute(
            f"UPDATE jobs SET {change} WHERE id = %s RETURNING status", (job,)
        ).fetchall()

    return update


WANTED: Final = {"worker": 2, "types": ["noop"], "room": 1, "only": None}
GRANTED_ID: Final = 9  # the column of reserve_limited's answer
PROBE: Final = {"priorities": [0], "floors": ["-infinity"], "floor_ids": [0]}


def reserve(connection: Connection, _job: int) -> Answer:
    return fetch(connection, "reserve", queues=["default"], **WANTED, **PROBE)


def reserve_by_id(connection: Connection, _job: int) -> Answer:
    return fetch(connection, "reserve_by_id", queues=["default"], **WANTED, **PROBE)


def reserve_limited(connection: Connection, _job: int) -> Answer:
    walk = {"place_floor": "-infinity", "floor_keys": [], "key_floors": [], "after": "", "steps": 9}
    with connection.transaction():
        ((keys, _, is_locked),) = fetch(connection, "lock_limits", queue="default", after="")
        known = {"queue": "default", "keys": keys, "line_turn": 0, "by_id": False}
        return fetch(connection, "reserve_limited", **known, **walk, **WANTED, **PROBE) if is_locked else []


def adopt(connection: Connection, _job: int) -> Answer:
    return fetch(connection, "adopt", queue="default", limited=True, keys=[])


def held(connection: Connection, _job: int) -> Answer:
    return fetch(connection, "held", worker=1)


def complete(connection: Connection, job: int) -> Answer:
    return fetch(connection, "complete", id=job, lease=LEASE, result=None, progress=None, checkpoint=None)


def note(connection: Connection, job: int) -> Answer:
    row = {"id": job, "lease": str(LEASE), "progress": {"current": 1}}
    return fetch(connection, "note", notes=json.dumps([row]))


def acknowledge(connection: Connection, job: int) -> Answer:
    return fetch(connection, "ack", ids=[job], leases=[str(LEASE)])


def rescue(connection: Connection, _job: int) -> Answer:
    return fetch(connection, "rescue", workers=[1], beats=[0], only=None)


def cancel(connection: Connection, job: int) -> Answer:
    return fetch(connection, "cancel_job", ids=[job])


def fire(connection: Connection, job: int) -> Answer:
    """A tick of a schedule whose last job this is, and which cancels that one. Answers whether it was."""
    plan = """
        SELECT jsonb_agg(jsonb_build_object('name', name, 'version', xmin::text, 'ticks', ARRAY[now()],
                                            'nextAt', now() + interval '1 hour'))::text
          FROM schedules
        """
    ((plans,),) = connection.execute(plan).fetchall()
    fetch(connection, "fire", plans=plans)
    replaced = "the next tick of its schedule replaces it"
    return connection.execute(
        'SELECT id FROM jobs WHERE id = %s AND "errorMessage" = %s', (job, replaced)
    ).fetchall()


def wait(connection: Connection, job: int) -> Answer:
    return fetch(connection, "wait", id=job, ids=[job - 1], policy="completed")


def examine(connection: Connection, _job: int) -> Answer:
    ((_, released, ended, moved, *_),) = fetch(connection, "examine", after=0, told_after=0, only=None)
    return [(released,)] * (released + ended + moved)


def sweep_waits(connection: Connection, _job: int) -> Answer:
    ((_, _, again),) = fetch(connection, "sweep_waits", after=0, after_id=0, batch=9)
    return [(again,)] * again


def fail_odd(connection: Connection, job: int) -> Answer:
    return fetch(connection, "fail_odd", id=job, reason="odd")


def prune(connection: Connection, _job: int) -> Answer:
    ((_, deleted),) = fetch(connection, "prune", after=0, batch=10, keep_completed=60, keep_failed=60)
    return [(deleted,)] * deleted


def empty_results(connection: Connection, _job: int) -> Answer:
    ((_, emptied),) = fetch(connection, "empty_results", after=0, batch=10, keep_result=60)
    return [(emptied,)] * emptied


record = ending("completed")
give_back = ending("queued", outcome="released", refund=1)
snooze = ending("queued", outcome="snoozed", refund=1, delay=20.0)
retry = ending("queued", outcome="retried", delay=20.0)
requeue = by_hand("status = 'queued'")
reschedule = by_hand("\"runAt\" = now() + interval '1 hour'")


# What each does to a row that nobody else changes meanwhile; None: it leaves it alone.

Effect = Callable[[Row], Row | None]


def _of_the_run(**change: Any) -> Effect:
    """What only the run under LEASE can do."""
    return lambda row: row._replace(**change) if row.status == "processing" and row.lease == "old" else None


def _reserved(row: Row) -> Row | None:
    return None if row.limited else _taken(row)


def _reserved_under_a_limit(row: Row) -> Row | None:
    return _taken(row) if row.limited else None


def _taken(row: Row) -> Row | None:
    if row.status != "queued" or row.waits or row.parked:
        return None
    return row._replace(status="processing", attempts=row.attempts + 1, worker=2, lease="new", begun=True)


def _adopted(row: Row) -> Row | None:
    return row if row.status == "processing" else None


def _rescued(row: Row) -> Row | None:
    lost = row.status == "processing" and row.worker == 1
    return (
        row._replace(status="queued", attempts=row.attempts - 1, worker=None, waits=False, told=("lost",))
        if lost
        else None
    )


def _let_go(row: Row) -> Row | None:
    if row.status == "queued":
        return row._replace(waits=False) if row.waits and not row.begun else None
    return row._replace(worker=None) if row.status in ENDED and row.worker else None


def _failed(row: Row) -> Row | None:
    return row._replace(status="failed") if row.status == "queued" and not row.parked else None


def _cancelled(row: Row) -> Row | None:
    return row._replace(status="cancelled", parked=False, unheard=False) if row.status in LIVE else None


def _parked(row: Row) -> Row | None:
    if row.status != "queued":
        return None
    return row if row.dependent else row._replace(dependent=True, parked=True)


def _examined(row: Row) -> Row | None:
    return row._replace(parked=False) if row.parked and not row.unheard else None


def _swept(row: Row) -> Row | None:
    return row._replace(unheard=False) if row.unheard else None


def _emptied(row: Row) -> Row | None:
    return row._replace(kept=False) if row.kept and row.worker is None else None


def _requeued(row: Row) -> Row | None:
    if row.status in ("queued", "gone"):
        return row if row.status == "queued" else None
    # A worker may be running it still: one that holds it, or one that held it before another requeue.
    waits = row.worker is not None or (row.waits and row.attempts == 0 and not row.begun)
    ready = row._replace(status="queued", attempts=0, worker=None, begun=False, is_past=False, kept=False)
    return ready._replace(waits=waits, parked=row.dependent)


def _rescheduled(row: Row) -> Row | None:
    return None if row.status == "gone" else row._replace(waits=True, parked=False, unheard=False)


def _pruned(row: Row) -> Row | None:
    return GONE if row.is_past else None  # with its attempts


class Transition(NamedTuple):
    """`skips`: it passes by a row that is locked. `is_done`: whether the answer says that it did its work."""

    send: Send
    effect: Effect
    skips: bool = False
    is_done: Callable[[Answer], bool] = bool


def _nobody_is_stale(answer: Answer) -> bool:
    return not answer


def _is_granted(answer: Answer) -> bool:
    return any(row[GRANTED_ID] is not None for row in answer)


def _is_let_go(answer: Answer) -> bool:
    return any(not is_locked for _, is_locked in answer)


def _end(send: Send, **change: Any) -> Transition:
    return Transition(send, _of_the_run(worker=None, **change), is_done=_nobody_is_stale)


TRANSITIONS: Final = {
    "reserve": Transition(reserve, _reserved, skips=True),
    "reserve by id": Transition(reserve_by_id, _reserved, skips=True),
    "reserve limited": Transition(reserve_limited, _reserved_under_a_limit, skips=True, is_done=_is_granted),
    "adopt": Transition(adopt, _adopted, skips=True),
    "held": Transition(held, _of_the_run()),
    "record": _end(record, status="completed"),
    "give back": _end(give_back, status="queued", attempts=0, waits=False, told=("released",)),
    "snooze": _end(snooze, status="queued", attempts=0, waits=True, told=("snoozed",)),
    "retry": _end(retry, status="queued", waits=True, told=("retried",)),
    "complete": Transition(complete, _of_the_run(status="completed", worker=None)),
    "note": Transition(note, _of_the_run(), skips=True),
    "acknowledge": Transition(acknowledge, _let_go, skips=True, is_done=_is_let_go),
    "rescue": Transition(rescue, _rescued, skips=True),
    "cancel": Transition(cancel, _cancelled),
    "fire": Transition(fire, _cancelled, skips=True),
    "wait": Transition(wait, _parked),
    "examine": Transition(examine, _examined, skips=True),
    "sweep waits": Transition(sweep_waits, _swept, skips=True),
    "empty results": Transition(empty_results, _emptied, skips=True),
    "fail odd": Transition(fail_odd, _failed, skips=True),
    "requeue": Transition(requeue, _requeued),
    "reschedule": Transition(reschedule, _rescheduled),
    "prune": Transition(prune, _pruned, skips=True),
}
