"""What operators ask of the table: one function for each statement in `sql/operator/`, of the same name.

In: a link and plain values. Out: rows with names; JSON columns stay undecoded, so that a face shows what
the row holds. Each raises psycopg.Error when the link is lost, the deadline is over or the server refuses.
Called by `rowcrew.admin`. Only `roles.sql` has no function: it is a script for psql.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from rowcrew.model.asked import Asked
from rowcrew.model.pace import RunCount
from rowcrew.model.shape import Part
from rowcrew.model.standing import EndedMinute
from rowcrew.model.status import Status
from rowcrew.model.tree import Edges
from rowcrew.model.why import HeldBack, JobFacts, Service
from rowcrew.table.link import Link
from rowcrew.table.rows import (
    AsideJob,
    Attempt,
    Circle,
    CompletedJob,
    Crowd,
    EventState,
    FailedLaunches,
    FirstWorker,
    JobCount,
    ListedEvent,
    ListedJob,
    ListedQueue,
    ListedReceiver,
    ListedSchedule,
    ListedType,
    ListedWorker,
    LivedWorkers,
    LiveJobs,
    Meddler,
    NamedWorker,
    Probe,
    PublishedType,
    ReasonCount,
    Redelivered,
    Said,
    Server,
    ShownQueue,
    Sight,
    Standing,
    TimedRuns,
    TreeAttempt,
    TreeJob,
    UnservedType,
    WholeJob,
    WorkerLimit,
    WorkerState,
)
from rowcrew.table.statements import SQL

# A person waits for the answer, and counting a table of millions takes minutes.
OPERATOR_SECONDS: Final = 600.0


async def list_jobs(
    link: Link,
    *,
    statuses: Sequence[Status] | None = None,
    types: Sequence[str] | None = None,
    queues: Sequence[str] | None = None,
    limit: int,
) -> list[ListedJob]:
    """The newest jobs; None = any."""
    parameters = {
        "statuses": _array(statuses),
        "types": _array(types),
        "queues": _array(queues),
        "limit": limit,
    }
    return [ListedJob(*_raw(row, 7)) for row in await _fetch(link, "list_jobs", parameters)]


async def count_jobs(
    link: Link,
    *,
    statuses: Sequence[Status],
    types: Sequence[str] | None = None,
    queues: Sequence[str] | None = None,
) -> list[JobCount]:
    """How many jobs of these statuses there are, by type and status; None = any."""
    parameters = {"statuses": list(statuses), "types": _array(types), "queues": _array(queues)}
    return [JobCount(*row) for row in await _fetch(link, "count_jobs", parameters)]


async def match_jobs(
    link: Link,
    *,
    statuses: Sequence[Status],
    types: Sequence[str] | None = None,
    queues: Sequence[str] | None = None,
    at: datetime,
    after: int,
    limit: int,
) -> list[int]:
    """The ids above `after` of those counted at a moment, smallest first."""
    parameters = {
        "statuses": list(statuses),
        "types": _array(types),
        "queues": _array(queues),
        "at": at,
        "after": after,
        "limit": limit,
    }
    return [id for (id,) in await _fetch(link, "match_jobs", parameters)]


async def delete_job(link: Link, ids: Sequence[int]) -> list[int]:
    """The ids of those that were deleted."""
    return [id for (id,) in await _fetch(link, "delete_job", {"ids": list(ids)})]


async def show_job(link: Link, id: int) -> WholeJob | None:
    rows = await _fetch(link, "show_job", {"id": id})
    return WholeJob(*_raw(rows[0], 20, 21, 22, 23)) if rows else None


async def show_attempts(link: Link, id: int) -> list[Attempt]:
    """The attempts of a job that did not complete, oldest first."""
    return [Attempt(*row) for row in await _fetch(link, "show_attempts", {"id": id})]


async def job_lines(link: Link, job: int, after: int) -> list[Said]:
    """What a job has said after a row, oldest first."""
    return [Said(*row) for row in await _fetch(link, "job_lines", {"job": job, "after": after})]


async def requeue_edited(link: Link, id: int, *, payload: str, seen: datetime) -> int | None:
    """The id if it was requeued; `payload` is JSON text."""
    parameters = {"id": id, "payload": payload, "seen": seen}
    rows = await _fetch(link, "requeue_edited", parameters)
    return int(rows[0][0]) if rows else None


async def cancel_job(link: Link, ids: Sequence[int]) -> list[int]:
    """The ids of those that were cancelled."""
    return [id for (id,) in await _fetch(link, "cancel_job", {"ids": list(ids)})]


async def requeue_job(link: Link, ids: Sequence[int]) -> list[int]:
    """The ids of those that were requeued.

    Raises:
        psycopg.errors.UniqueViolation: somebody has enqueued one of the unique keys meanwhile; ask again.
    """
    return [id for (id,) in await _fetch(link, "requeue_job", {"ids": list(ids)})]


async def edit_job(
    link: Link,
    ids: Sequence[int],
    *,
    priority: int | None,
    run_at: datetime | None,
    seen: datetime | None = None,
) -> list[int]:
    """The ids of those that were queued and are changed; `seen` is the "updatedAt" they must still have."""
    parameters = {"ids": list(ids), "priority": priority, "runAt": run_at, "seen": seen}
    return [id for (id,) in await _fetch(link, "edit_job", parameters)]


async def job_standing(link: Link, ids: Sequence[int]) -> list[Standing]:
    return [Standing(*row) for row in await _fetch(link, "job_standing", {"ids": list(ids)})]


async def job_facts(link: Link, id: int) -> JobFacts | None:
    rows = await _fetch(link, "job_facts", {"id": id})
    return JobFacts(*rows[0]) if rows else None


async def ancestors(link: Link, id: int) -> list[int]:
    """The ids from the top of a job's family down to its own; none when there is no such job."""
    return [id for (id,) in await _fetch(link, "ancestors", {"id": id})]


async def links(link: Link, *, after: int, until: int | None, limit: int) -> list[Edges]:
    """The next jobs by id, up to another (None = to the newest), that have a parent or wait for others."""
    parameters = {"after": after, "until": until, "limit": limit}
    return [Edges(*row) for row in await _fetch(link, "links", parameters)]


async def tree_jobs(link: Link, ids: Sequence[int]) -> list[TreeJob]:
    """Those of the jobs that are there, by id."""
    return [TreeJob(*row) for row in await _fetch(link, "tree_jobs", {"ids": list(ids)})]


async def tree_attempts(link: Link, ids: Sequence[int]) -> list[TreeAttempt]:
    """The attempts of these jobs that did not complete, oldest first."""
    return [TreeAttempt(*row) for row in await _fetch(link, "tree_attempts", {"ids": list(ids)})]


async def waits_in_circles(link: Link) -> list[Circle]:
    """Twenty circles at most; empty when all is well."""
    return [Circle(*row) for row in await _fetch(link, "waits_in_circles", {})]


async def failed_launches(link: Link) -> list[FailedLaunches]:
    """Twenty queues at most; empty when all is well."""
    return [FailedLaunches(*row) for row in await _fetch(link, "failed_launches", {})]


async def held_back(link: Link, *, queue: str, key: str | None) -> list[HeldBack]:
    """What keeps a ready job of this queue and key from starting; empty when no limit does."""
    return [HeldBack(*row) for row in await _fetch(link, "held_back", {"queue": queue, "key": key})]


async def service(link: Link, *, queues: Sequence[str], types: Sequence[str]) -> list[Service]:
    """What live workers offer each pair of queue and type, given as two lists of one length."""
    rows = await _fetch(link, "service", {"queues": list(queues), "types": list(types)})
    return [Service(*row) for row in rows]


async def list_aside(link: Link) -> list[AsideJob]:
    """Of the jobs that are set aside the one tried most often; empty when there is none."""
    return [AsideJob(*row) for row in await _fetch(link, "list_aside", {})]


async def sees_sessions(link: Link) -> bool:
    """Whether the role sees what other roles' sessions do."""
    ((sees,),) = await _fetch(link, "sees_sessions", {})
    return bool(sees)


async def waiting(link: Link) -> list[Crowd]:
    """What waits, by queue and type; the fifty largest crowds."""
    return [Crowd(*row) for row in await _fetch(link, "waiting", {})]


async def count_reasons(link: Link) -> list[ReasonCount]:
    return [ReasonCount(*row) for row in await _fetch(link, "count_reasons", {})]


async def list_queues(link: Link) -> list[ListedQueue]:
    return [ListedQueue(*row) for row in await _fetch(link, "list_queues", {})]


async def show_queue(link: Link, queue: str) -> ShownQueue | None:
    """None when neither a row, a job, a worker, a past run, a type nor a schedule names it."""
    rows = await _fetch(link, "show_queue", {"queue": queue})
    return ShownQueue(*rows[0]) if rows else None


async def queue_names(link: Link) -> list[str]:
    return [name for (name,) in await _fetch(link, "queue_names", {})]


async def set_queue(link: Link, *, queue: str, columns: str, seconds: int | None = None) -> bool:
    """Whether there is such a row.

    Args:
        columns: a JSON object with the new values by column name.
        seconds: how long changed limits hold; None = until the next change.
    """
    parameters = {"queue": queue, "columns": columns, "seconds": seconds}
    return bool(await _fetch(link, "set_queue", parameters))


async def lock_queue(link: Link, queue: str) -> bool:
    """Whether there is a row; nobody changes it before the transaction ends."""
    return bool(await _fetch(link, "lock_queue", {"queue": queue}))


async def count_runs(
    link: Link, *, seconds: int, queue: str | None = None, type: str | None = None
) -> list[RunCount]:
    """Within the last seconds; None = any."""
    parameters = {"seconds": seconds, "queue": queue, "type": type}
    return [RunCount(*row) for row in await _fetch(link, "count_runs", parameters)]


async def time_runs(
    link: Link, *, seconds: int, queue: str | None = None, type: str | None = None
) -> list[TimedRuns]:
    """Within the last seconds; None = any."""
    parameters = {"seconds": seconds, "queue": queue, "type": type}
    return [TimedRuns(*row) for row in await _fetch(link, "time_runs", parameters)]


async def unserved_types(link: Link) -> list[UnservedType]:
    return [UnservedType(*row) for row in await _fetch(link, "unserved_types", {})]


async def ended_minutes(link: Link) -> list[EndedMinute]:
    return [EndedMinute(*row) for row in await _fetch(link, "ended_minutes", {})]


async def worker_seconds(link: Link, *, seconds: float) -> list[LivedWorkers]:
    """Within the last seconds, as long as the rows of workers are kept."""
    return [LivedWorkers(*row) for row in await _fetch(link, "worker_seconds", {"seconds": seconds})]


async def first_worker(link: Link, *, seconds: float) -> FirstWorker | None:
    """None where it did not start within the last seconds, or nobody knows any more."""
    rows = await _fetch(link, "first_worker", {"seconds": seconds})
    return FirstWorker(*rows[0]) if rows else None


async def count_live(link: Link, *, queue: str | None = None) -> list[LiveJobs]:
    """None = of any queue."""
    return [LiveJobs(*row) for row in await _fetch(link, "count_live", {"queue": queue})]


async def list_types(link: Link) -> list[ListedType]:
    return [ListedType(*row) for row in await _fetch(link, "list_types", {})]


async def show_type(link: Link, type: str) -> PublishedType | None:
    rows = await _fetch(link, "show_type", {"type": type})
    return PublishedType(*_raw(rows[0], 8)) if rows else None


async def list_workers(
    link: Link, *, states: Sequence[WorkerState] | None = None, limit: int
) -> list[ListedWorker]:
    """The workers heard last; None = in whatever state."""
    rows = await _fetch(link, "list_workers", {"states": _array(states), "limit": limit})
    return [ListedWorker(*row) for row in rows]


async def ask_workers(
    link: Link, *, asked: Asked | None, ids: Sequence[int] | None, queue: str | None
) -> list[int]:
    """The workers that are asked this now; `asked` None = to go on, `ids` None = all that are there.

    With `queue` only those are asked that serve it by its name.
    """
    parameters = {"asked": asked, "ids": None if ids is None else list(ids), "queue": queue}
    return [id for (id,) in await _fetch(link, "ask_workers", parameters)]


async def worker_limits(link: Link) -> list[WorkerLimit]:
    return [WorkerLimit(*row) for row in await _fetch(link, "worker_limits", {})]


async def named_workers(link: Link, *, ids: Sequence[int]) -> list[NamedWorker]:
    return [NamedWorker(*row) for row in await _fetch(link, "named_workers", {"ids": list(ids)})]


async def list_events(
    link: Link, *, kinds: Sequence[str] | None = None, states: Sequence[EventState] | None = None, limit: int
) -> list[ListedEvent]:
    """The newest events; None = any."""
    parameters = {"kinds": _array(kinds), "states": _array(states), "limit": limit}
    return [ListedEvent(*_raw(row, 12)) for row in await _fetch(link, "list_events", parameters)]


async def list_receivers(link: Link) -> list[ListedReceiver]:
    return [ListedReceiver(*row) for row in await _fetch(link, "list_receivers", {})]


async def redeliver(
    link: Link, *, ids: Sequence[int] | None = None, receiver: str | None = None
) -> list[Redelivered]:
    """Tell again of these events, or of all that were given up; `receiver` None = every receiver."""
    parameters = {"ids": None if ids is None else list(ids), "receiver": receiver}
    return [Redelivered(*row) for row in await _fetch(link, "redeliver", parameters)]


async def live_workers(link: Link) -> int:
    ((live,),) = await _fetch(link, "live_workers", {})
    return int(live)


async def last_completed(link: Link) -> CompletedJob | None:
    rows = await _fetch(link, "last_completed", {})
    return CompletedJob(*rows[0]) if rows else None


async def server_facts(link: Link) -> Server:
    (row,) = await _fetch(link, "server_facts", {})
    return Server(*row)


async def schemas_with_tables(link: Link) -> list[str]:
    """Where Rowcrew's tables are, if not on the search path."""
    return [schema for (schema,) in await _fetch(link, "schemas_with_tables", {})]


async def missing_rights(link: Link, *, tables: Sequence[str], privileges: Sequence[str]) -> list[str]:
    """What a worker's role must be granted and is not.

    Args:
        tables, privileges: one element for each right to a table that families give a worker.
    """
    parameters = {"tables": list(tables), "privileges": list(privileges)}
    return [missing for (missing,) in await _fetch(link, "missing_rights", parameters)]


async def parts(link: Link, *, relations: Sequence[str], functions: Sequence[str]) -> list[Part]:
    """What the catalogue says of these tables, views and functions, and of their triggers' functions."""
    parameters = {"relations": list(relations), "functions": list(functions)}
    return [Part(*row) for row in await _fetch(link, "parts", parameters)]


async def meddlers(link: Link, *, relations: Sequence[str], triggers: Sequence[str]) -> list[Meddler]:
    """What of somebody else's can keep our statements from rows of these tables.

    Args:
        triggers: Rowcrew's own, each as table.trigger.
    """
    parameters = {"relations": list(relations), "triggers": list(triggers)}
    return [Meddler(*row) for row in await _fetch(link, "meddlers", parameters)]


async def versions(link: Link) -> list[str]:
    """The migrations that the database has, the newest of each branch."""
    return [version for (version,) in await _fetch(link, "versions", {})]


async def absent_tables(link: Link, tables: Sequence[str]) -> list[str]:
    """Those of these tables that the search path does not lead to."""
    return [table for (table,) in await _fetch(link, "absent_tables", {"tables": list(tables)})]


async def probe_hold(link: Link, *, first: int, second: int) -> Probe:
    """Hold the lock of these two numbers; call it in a transaction, whose end lets it go."""
    (row,) = await _fetch(link, "probe_hold", {"first": first, "second": second})
    return Probe(*row)


async def probe_seen(link: Link, *, first: int, second: int) -> Sight:
    (row,) = await _fetch(link, "probe_seen", {"first": first, "second": second})
    return Sight(*row)


async def list_schedules(link: Link, name: str | None = None) -> list[ListedSchedule]:
    """All by name, or the one of this name."""
    rows = await _fetch(link, "list_schedules", {"name": name})
    return [ListedSchedule(*_raw(row, 7)) for row in rows]


async def add_schedule(link: Link, schedule: str) -> str | None:
    """The name of the new schedule, a JSON object; None where the name is taken."""
    rows = await _fetch(link, "add_schedule", {"schedule": schedule})
    return str(rows[0][0]) if rows else None


async def change_schedule(link: Link, name: str, changes: str) -> str | None:
    """Change the columns that a JSON object names; None where there is no such schedule."""
    rows = await _fetch(link, "change_schedule", {"name": name, "changes": changes})
    return str(rows[0][0]) if rows else None


async def lock_schedule(link: Link, name: str) -> bool:
    """Whether there is such a schedule; nobody changes it before the transaction ends."""
    return bool(await _fetch(link, "lock_schedule", {"name": name}))


async def trigger_schedule(link: Link, name: str) -> int | None:
    """The id of the job; None where there is no such schedule."""
    rows = await _fetch(link, "trigger_schedule", {"name": name})
    return int(rows[0][0]) if rows else None


async def backfill_schedule(link: Link, name: str, ticks: Sequence[datetime]) -> list[int]:
    """The ids of the jobs that were enqueued."""
    parameters = {"name": name, "ticks": [tick.isoformat() for tick in ticks]}
    return [id for (id,) in await _fetch(link, "backfill_schedule", parameters)]


async def _fetch(link: Link, name: str, parameters: dict[str, Any]) -> list[Any]:
    return await link.fetch(SQL[f"operator/{name}"], parameters, OPERATOR_SECONDS)


def _array(values: Sequence[str] | None) -> list[str] | None:
    return list(values) if values else None


def _raw(row: Sequence[Any], *places: int) -> list[Any]:
    """The row with the JSON texts in these places marked as JSON."""
    values = list(row)
    for place in places:
        if values[place] is not None:
            values[place] = msgspec.Raw(values[place])
    return values
