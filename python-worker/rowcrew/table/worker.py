"""What a worker asks of the table: one function for each statement in `sql/worker/`, of the same name.

In: a link and plain values. Out: rows with names, as the statements answer them. Each raises psycopg.Error
when the link is lost, the deadline is over or the server refuses. Called by `control`.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple

from rowcrew.model.asked import Asked
from rowcrew.model.floors import Probes
from rowcrew.model.holder import Holder
from rowcrew.model.job import Job
from rowcrew.model.stay import Limits
from rowcrew.table.link import CHORE_SECONDS, Link
from rowcrew.table.statements import SQL


class Entry(NamedTuple):
    """A new row of `workers`; `namesakes` counts the live workers of the same name."""

    id: int
    namesakes: int
    asked: Asked | None


class Beat(NamedTuple):
    """What a worker that lives for the others is asked."""

    asked: Asked | None


class HeldLease(NamedTuple):
    """A row that the database says a worker holds."""

    id: int
    lease_id: str


class OtherWorker(NamedTuple):
    """A worker that may hold jobs; `silent_for_long` is the database's word, for two leases or more."""

    id: int
    beats: int
    lease_seconds: int
    host: str
    process_key: str | None
    silent_for_long: bool


class RescuedJob(NamedTuple):
    """A job that was given back; or that ran alone, was blamed and had no attempt left."""

    id: int
    type: str
    queue: str
    status: str


class ReadyLine(NamedTuple):
    """A (queue, priority) pair with queued rows, and two times of the database as text in UTC.

    Attributes:
        settled: up to here everything that committed is visible, but for long transactions.
        recent: from here a short sweep looks.
        queue: None in the only row of an answer without queued rows.
        priority: None where there is none yet, but a limit.
        paused, limited, per_key: whether the queue is, has a limit, has a limit that holds for each key.
        named_keys: whether ready rows of the queue have a key with a limit of its own.
        is_new: whether the queue's first limit is younger than a minute.
    """

    settled: str
    recent: str
    queue: str | None
    priority: int | None
    paused: bool
    limited: bool
    per_key: bool
    named_keys: bool
    is_new: bool


class LetGo(NamedTuple):
    """A row that was let go, or that somebody has locked: ask again."""

    id: int
    is_locked: bool


class ReadyRow(NamedTuple):
    """A row that may be reserved, and how many bytes its payload takes in the table, compressed."""

    id: int
    payload_bytes: int


class Server(NamedTuple):
    """Which server answers; both change when another takes its place."""

    cluster: str
    timeline: str


class TurnedBack(NamedTuple):
    """How many jobs are completed no longer.

    Attributes:
        certain: their rows prove that the end itself is lost.
        others: under another lease, or none: reserved anew, or requeued by hand.
        gone: no row has their id.
    """

    certain: int
    others: int
    gone: int


class Stranger(NamedTuple):
    """A lease that is no longer the writer's: `ALREADY` recorded with this end, or `STALE`.

    One row without a lease replies `WAITS`: of the jobs written one waits, or is waited for.
    """

    lease: str | None
    reply: str


class QueueLimit(NamedTuple):
    """The limit of one run in a queue that has one."""

    queue: str
    timeout_seconds: int


class SchemaRevision(NamedTuple):
    """The number of the last migration, and the lowest revision of a worker that may serve it."""

    revision: int
    minimum_worker: int


class HiddenTable(NamedTuple):
    """A table under row level security for this role; `open` = a policy lets it read and change some rows."""

    table: str
    role: str
    open: bool


async def schema_revision(link: Link) -> list[SchemaRevision]:
    """The schema's revision; no row in an empty `rowcrew_schema`.

    Raises:
        psycopg.errors.UndefinedTable: there is no schema.
    """
    return [SchemaRevision(*row) for row in await link.fetch(SQL["worker/schema_revision"], {})]


async def hidden_tables(link: Link) -> list[HiddenTable]:
    return [HiddenTable(*row) for row in await link.fetch(SQL["worker/hidden_tables"], {})]


async def register(
    link: Link,
    *,
    boot: uuid.UUID,
    name: str,
    host: str,
    pid: int,
    process_key: str | None,
    version: str,
    queues: Sequence[str],
    types: Sequence[str],
    slots: int,
    lease_seconds: int,
    former: uuid.UUID,
    is_late: bool = False,
) -> Entry | None:
    """None: this worker was launched, and its row lets nobody in, or none that does not say it is late.

    Args:
        former: the bootId of the row that was declared lost.
        is_late: whether a launched worker may take any place that is free; after `lock_queues`.
    """
    parameters = {
        "boot": boot,
        "name": name,
        "host": host,
        "pid": pid,
        "process_key": process_key,
        "version": version,
        "queues": list(queues),
        "types": list(types),
        "slots": slots,
        "lease_seconds": lease_seconds,
        "former": former,
        "is_late": is_late,
    }
    rows = await link.fetch(SQL["worker/register"], parameters)
    return Entry(*rows[0]) if rows else None


async def lock_queues(link: Link, *, queues: Sequence[str]) -> None:
    await link.fetch(SQL["worker/lock_queues"], {"queues": list(queues)})


async def rename_worker(link: Link, *, worker: int, name: str) -> None:
    await link.fetch(SQL["worker/rename_worker"], {"worker": worker, "name": name})


async def unregister(link: Link, *, worker: int, boot: uuid.UUID, reason: str) -> None:
    await link.fetch(SQL["worker/unregister"], {"worker": worker, "boot": boot, "reason": reason})


async def publish_types(link: Link, types: str) -> None:
    """`types` is a JSON array with one object for each row of `job_types`, by column name."""
    await link.fetch(SQL["worker/publish_types"], {"types": types})


async def beat(
    link: Link, *, worker: int, boot: uuid.UUID, memory: int, cpu: float, restarts: int
) -> Beat | None:
    """What the worker is asked; None when it was declared lost.

    Args:
        memory: bytes of worker and runners together.
        cpu: percent of one core.
        restarts: of its runners.
    """
    parameters = {"worker": worker, "boot": boot, "memory": memory, "cpu": cpu, "restarts": restarts}
    rows = await link.fetch(SQL["worker/beat"], parameters, CHORE_SECONDS)
    return Beat(*rows[0]) if rows else None


async def alone(link: Link, *, worker: int, boot: uuid.UUID, lease_id: str | None) -> bool:
    """Whether the row says so now; that of a worker that was declared lost does not."""
    parameters = {"worker": worker, "boot": boot, "lease": lease_id}
    return bool(await link.fetch(SQL["worker/alone"], parameters, CHORE_SECONDS))


async def held(link: Link, worker: int) -> list[HeldLease]:
    return [
        HeldLease(*row) for row in await link.fetch(SQL["worker/held"], {"worker": worker}, CHORE_SECONDS)
    ]


async def ack(link: Link, *, ids: list[int], leases: list[str]) -> list[LetGo]:
    """Let rows go that were changed under these leases; answers those it knows."""
    rows = await link.fetch(SQL["worker/ack"], {"ids": ids, "leases": leases}, CHORE_SECONDS)
    return [LetGo(*row) for row in rows]


async def lines(link: Link, queues: Sequence[str] | None) -> list[ReadyLine]:
    """At least one row; `queues` None = all."""
    parameters = {"queues": None if queues is None else list(queues)}
    return [ReadyLine(*row) for row in await link.fetch(SQL["worker/lines"], parameters)]


async def reserve(
    link: Link,
    *,
    worker: int,
    types: Sequence[str],
    room: int,
    probes: Probes,
    only: Sequence[int] | None = None,
    seconds: float | None = None,
) -> list[Job]:
    """At most `room` jobs, now under leases of this worker; `only` narrows them to these ids."""
    asked = _asked(worker, types, room, probes, only)
    return [Job(*row) for row in await link.fetch(SQL["worker/reserve"], asked, seconds)]


async def reserve_by_id(
    link: Link,
    *,
    worker: int,
    types: Sequence[str],
    room: int,
    probes: Probes,
    only: Sequence[int] | None = None,
    seconds: float | None = None,
) -> list[Job]:
    """`reserve`, without a look at the priority. Rows between those taken may be left."""
    asked = _asked(worker, types, room, probes, only)
    return [Job(*row) for row in await link.fetch(SQL["worker/reserve_by_id"], asked, seconds)]


async def ready(
    link: Link, *, types: Sequence[str], room: int, probes: Probes, limited: bool
) -> list[ReadyRow]:
    """The jobs that `reserve` would take; with `limited` also those that limits may hold back."""
    parameters = {"types": list(types), "room": room, "limited": limited, **_arrays(probes)}
    return [ReadyRow(*row) for row in await link.fetch(SQL["worker/ready"], parameters)]


async def fail_odd(link: Link, *, id: int, reason: str) -> bool:
    """Fail a queued job that cannot be reserved; False when its row is locked, or no longer queued."""
    return bool(await link.fetch(SQL["worker/fail_odd"], {"id": id, "reason": reason}))


async def set_aside(link: Link, *, id: int, worker: int, reason: str) -> float | None:
    """For how many seconds the row is set aside; None when it already was."""
    rows = await link.fetch(SQL["worker/set_aside"], {"id": id, "worker": worker, "reason": reason})
    return float(rows[0][0]) if rows else None


async def record(link: Link, *, ended: str, worker: int) -> list[Stranger]:
    """Write ends, a JSON array; answers only those leases that were not written."""
    parameters = {"ended": ended, "worker": worker}
    rows = await link.fetch(SQL["worker/record"], parameters, size=len(ended))
    return [Stranger(*row) for row in rows]


async def look_round(link: Link, *, worker: int) -> list[str]:
    """The names of the chores that have something to do."""
    rows = await link.fetch(SQL["worker/look_round"], {"worker": worker}, CHORE_SECONDS)
    return [chore for (chore,) in rows]


async def server(link: Link) -> Server:
    """Which server answers.

    Raises:
        psycopg.Error: it does not say so, or not to this role.
    """
    ((cluster, timeline),) = await link.fetch(SQL["worker/server"], {}, CHORE_SECONDS)
    return Server(cluster, timeline)


async def turned_back(link: Link, *, ids: list[int], leases: list[str]) -> TurnedBack:
    """What has become of jobs that were completed under these leases."""
    (row,) = await link.fetch(SQL["worker/turned_back"], {"ids": ids, "leases": leases}, CHORE_SECONDS)
    return TurnedBack(*row)


async def snapshot_holders(link: Link, *, seconds: float, transactions: int) -> list[Holder]:
    """Who holds vacuum up for so long, or for so many transactions where no time is known; five at most."""
    parameters = {"seconds": seconds, "transactions": transactions}
    return [
        Holder(*row) for row in await link.fetch(SQL["worker/snapshot_holders"], parameters, CHORE_SECONDS)
    ]


async def lock_free(link: Link, ids: list[int]) -> list[int]:
    """Of these rows the ids of those that nobody else had locked; call it in a transaction."""
    return [id for (id,) in await link.fetch(SQL["worker/lock_free"], {"ids": ids})]


async def hold(link: Link, *, ids: list[int], leases: list[str]) -> list[str]:
    """Of these leases those under which the jobs still run, and will until the transaction ends."""
    rows = await link.fetch(SQL["worker/hold"], {"ids": ids, "leases": leases})
    return [lease for (lease,) in rows]


async def note(link: Link, notes: str) -> list[str]:
    """Write progress and checkpoints, a JSON array; the leases whose rows took theirs."""
    return [lease for (lease,) in await link.fetch(SQL["worker/note"], {"notes": notes}, CHORE_SECONDS)]


async def observe(link: Link, worker: int) -> list[OtherWorker]:
    rows = await link.fetch(SQL["worker/observe"], {"worker": worker}, CHORE_SECONDS)
    return [OtherWorker(*row) for row in rows]


async def rescue(
    link: Link, *, workers: list[int], beats: list[int], only: Sequence[int] | None = None
) -> list[RescuedJob]:
    """At most a thousand jobs of those workers whose beats stand where they were seen; `only` these ids."""
    parameters = {"workers": workers, "beats": beats, "only": None if only is None else list(only)}
    rows = await link.fetch(SQL["worker/rescue"], parameters, CHORE_SECONDS)
    return [RescuedJob(*row) for row in rows]


async def left_foreign(link: Link) -> list[int]:
    """At most a thousand ids, in order."""
    return [id for (id,) in await link.fetch(SQL["worker/left_foreign"], {}, CHORE_SECONDS)]


async def rescue_foreign(link: Link, *, only: Sequence[int]) -> list[RescuedJob]:
    rows = await link.fetch(SQL["worker/rescue_foreign"], {"only": list(only)}, CHORE_SECONDS)
    return [RescuedJob(*row) for row in rows]


async def add_queue(link: Link, queue: str) -> None:
    await link.fetch(SQL["worker/add_queue"], {"queue": queue}, CHORE_SECONDS)


async def queue_limits(link: Link) -> list[QueueLimit]:
    return [QueueLimit(*row) for row in await link.fetch(SQL["worker/queue_limits"], {}, CHORE_SECONDS)]


async def stay_limits(link: Link, queues: Sequence[str]) -> Limits:
    (row,) = await link.fetch(SQL["worker/stay_limits"], {"queues": list(queues)})
    return Limits(*row)


async def tell_ended(link: Link, ids: list[str]) -> int:
    """Tell who waits that jobs have ended: ids with commas between, each text less than 8,000 bytes."""
    ((told,),) = await link.fetch(SQL["worker/tell_ended"], {"ids": ids}, CHORE_SECONDS)
    return int(told)


def _asked(
    worker: int, types: Sequence[str], room: int, probes: Probes, only: Sequence[int] | None
) -> dict[str, Any]:
    return {
        "worker": worker,
        "types": list(types),
        "room": room,
        "only": None if only is None else list(only),
        **_arrays(probes),
    }


def _arrays(probes: Probes) -> dict[str, Any]:
    """The parameters that hold one element for each probe."""
    return {
        "queues": probes.queues,
        "priorities": probes.priorities,
        "floors": probes.floors,
        "floor_ids": probes.floor_ids,
    }
