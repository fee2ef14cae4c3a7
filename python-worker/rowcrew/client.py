"""The producers' side: enqueue jobs and look at one, in the caller's transaction or on an own connection.

In: jobs, and as `on` a psycopg connection or an SQLAlchemy session or connection, sync or async. Out: ids.
Nothing is committed on the caller's connection: the job exists when the caller commits. Generators say once
what to ask the database and what to make of its answers; small functions carry their questions over.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec
import psycopg
from psycopg.pq import TransactionStatus

from rowcrew import settings
from rowcrew.model.errors import DatabaseUnavailable, InvalidJob, RowcrewError
from rowcrew.model.event import NewEvent, events_document, refuse_own
from rowcrew.model.job_status import JobStatus
from rowcrew.model.manifest import HANDLED_TYPE
from rowcrew.model.new_job import NewJob, document
from rowcrew.table import producer
from rowcrew.table.address import without_password
from rowcrew.table.link import Link, reason
from rowcrew.table.opening import opened, opened_async
from rowcrew.table.producer import EnqueuedJob, JobRow, LiveJob
from rowcrew.table.question import (
    Ask,
    AskAsync,
    Asking,
    Question,
    Rows,
    answered,
    answered_async,
    psycopg_rows,
    psycopg_rows_async,
)
from rowcrew.trace_context import sending

_CONFLICT_ROUNDS: Final = 20

Wanted = NewJob | str | Callable[..., Any]
"""A job to enqueue, the name of its type, or the handler of that type."""


class Enqueued(NamedTuple):
    """The id of a job; `created` is False when a live job of this type and unique key was there already."""

    id: int
    created: bool


class Batch(NamedTuple):
    """A job that waits for its children.

    Attributes:
        created: False when a live job of its type and unique key was there already; no child was enqueued.
        children: in the order given; of those whose unique key was live the jobs that have it.
    """

    id: int
    created: bool
    children: list[Enqueued]


def enqueue(job: Wanted, payload: Any = None, /, *, on: Any = None, **options: Any) -> Enqueued:
    """Enqueue one job: `enqueue("model_run", {"n": 3}, priority="high", on=session)`.

    Args:
        job: a `NewJob`, or the type of one or its handler, then with its payload and further fields of
            `NewJob` as options. What they leave out, the type says, as workers have published it.
        on: psycopg Connection, SQLAlchemy Session or Connection; None = an own connection by DATABASE_URL.

    Raises:
        InvalidJob: names the field that cannot be enqueued.
    """
    return enqueue_many([_new_job(job, payload, options)], on=on)[0]


async def enqueue_async(job: Wanted, payload: Any = None, /, *, on: Any = None, **options: Any) -> Enqueued:
    """`enqueue` on a psycopg AsyncConnection, an SQLAlchemy AsyncSession or AsyncConnection, or its own."""
    return (await enqueue_many_async([_new_job(job, payload, options)], on=on))[0]


def enqueue_many(jobs: Iterable[NewJob | Mapping[str, Any]], *, on: Any = None) -> list[Enqueued]:
    """Enqueue jobs (or mappings of `NewJob`'s fields), all or none; the answers are in the same order.

    Raises:
        InvalidJob: names the job by its place in the list, and its field. Nothing has been inserted then.
    """
    with sending(_new_jobs(jobs)) as valid, _connected(on) as ask:
        return answered(_enqueue(valid), ask)


async def enqueue_many_async(jobs: Iterable[NewJob | Mapping[str, Any]], *, on: Any = None) -> list[Enqueued]:
    """`enqueue_many`, with `on` as for `enqueue_async`."""
    with sending(_new_jobs(jobs)) as valid:
        async with _connected_async(on) as ask:
            return await answered_async(_enqueue(valid), ask)


def emit(*events: NewEvent, on: Any = None) -> None:
    """Tell that something happened: receivers of events hear of it within seconds of the commit.

    `emit(NewEvent("invoice.overdue", "ACME", detail={"invoiceId": 7}), on=session)`. In a handler
    `context.emit` belongs to the job's completion; this one to whatever commits `on`.

    Args:
        on: as for `enqueue`.

    Raises:
        InvalidEvent: it is of one of Rowcrew's own kinds. Nothing has been written then.
    """
    for event in events:
        refuse_own(event.kind)
    with _connected(on) as ask:
        answered(producer.emit(events_document(events)), ask)


async def emit_async(*events: NewEvent, on: Any = None) -> None:
    """`emit`, with `on` as for `enqueue_async`."""
    for event in events:
        refuse_own(event.kind)
    async with _connected_async(on) as ask:
        await answered_async(producer.emit(events_document(events)), ask)


def batch(job: NewJob, children: Iterable[NewJob | Mapping[str, Any]], *, on: Any = None) -> Batch:
    """Enqueue a job with its children, all or none: it runs when these have ended, whatever became of them.

    Its handler finds them in `context.dependencies`. Until then it holds no slot, and `get(id).progress` says
    how many have ended: `{"current": 3, "total": 10}`. What runs after the batch is enqueued with
    `after=[batch]`.

    Args:
        job: a `NewJob`, such as a handler's `new_job` makes. Its `when` is for the children, too: `"ended"`
            by default, `"completed"` or `"failFast"` to fail with them.
        children: as for `enqueue_many`; their parent is the job.
        on: as for `enqueue`. A connection in autocommit must have begun a transaction.

    Raises:
        InvalidJob: names the child by its place in the list, and its field. Nothing has been inserted then.
    """
    with sending([job, *_new_jobs(children)]) as (parent, *valid), _connected(on) as ask:
        _refuse_autocommit(on)
        return answered(_batch(parent, valid), ask)


async def batch_async(
    job: NewJob, children: Iterable[NewJob | Mapping[str, Any]], *, on: Any = None
) -> Batch:
    """`batch`, with `on` as for `enqueue_async`."""
    with sending([job, *_new_jobs(children)]) as (parent, *valid):
        async with _connected_async(on) as ask:
            _refuse_autocommit(on)
            return await answered_async(_batch(parent, valid), ask)


def get(id: int, *, on: Any = None) -> JobStatus | None:
    """The job as it stands, or None if there is no such row (any more). `on` as for `enqueue`."""
    with _connected(on) as ask:
        return answered(_get(id), ask)


async def get_async(id: int, *, on: Any = None) -> JobStatus | None:
    """`get`, with `on` as for `enqueue_async`."""
    async with _connected_async(on) as ask:
        return await answered_async(_get(id), ask)


def _new_job(job: Wanted, payload: Any, options: dict[str, Any]) -> NewJob:
    if isinstance(job, NewJob):
        if payload is not None or options:
            raise TypeError("a NewJob is complete: give payload and options to it, not beside it")
        return job
    return NewJob(_type_of(job), {} if payload is None else payload, **options)


def _type_of(job: str | Callable[..., Any]) -> str:
    """A type by its name, or that of a handler in some crew."""
    if not callable(job):
        return job
    name = getattr(job, "__qualname__", repr(job))
    if not hasattr(job, HANDLED_TYPE):
        raise InvalidJob("type", f"{name} is no handler: decorate it with @crew.job, or give a type's name")
    type: str | None = getattr(job, HANDLED_TYPE)
    if type is None:
        raise InvalidJob("type", f"{name} is the handler of several types: give the name of one")
    return type


def _new_jobs(jobs: Iterable[NewJob | Mapping[str, Any]]) -> list[NewJob]:
    valid = []
    for place, job in enumerate(jobs):
        try:
            valid.append(job if isinstance(job, NewJob) else NewJob(**job))
        except InvalidJob as error:
            raise InvalidJob(f"jobs[{place}].{error.field}", error.problem) from error
        except TypeError as error:
            raise InvalidJob(f"jobs[{place}]", str(error)) from error
    return valid


def _enqueue(jobs: list[NewJob]) -> Asking[list[Enqueued]]:
    """Insert, and look up the live jobs of taken keys; one may end in between, so insert again."""
    queue = settings.producer().queue_name if any(job.queue is None for job in jobs) else None
    found: dict[int, Enqueued] = {}
    missing = list(range(len(jobs)))
    for _ in range(_CONFLICT_ROUNDS):
        if not missing:
            break
        inserted = yield from producer.enqueue(document((jobs[place] for place in missing), queue))
        found |= _created(jobs, missing, inserted)
        missing = [place for place in missing if place not in found]
        if missing:
            keys = [{"type": jobs[place].type, "uniqueKey": jobs[place].unique_key} for place in missing]
            live = yield from producer.live_job(msgspec.json.encode(keys).decode())
            found |= _live(jobs, missing, live)
            missing = [place for place in missing if place not in found]
    if missing:
        raise RowcrewError(
            "a job that this role may not see holds a unique key, or other producers keep retaking it"
        )
    return [found[place] for place in range(len(jobs))]


def _batch(job: NewJob, children: list[NewJob]) -> Asking[Batch]:
    """The job first, since children name their parent; in one transaction nobody sees it before it waits."""
    (parent,) = yield from _enqueue([msgspec.structs.replace(job, after=None, when=None)])
    if not parent.created:
        return Batch(parent.id, False, [])
    born = yield from _enqueue([msgspec.structs.replace(child, parent_id=parent.id) for child in children])
    ids = [*(job.after or ()), *dict.fromkeys(child.id for child in born)]
    if ids and not (yield from producer.wait(id=parent.id, ids=ids, policy=job.when or "ended")):
        raise RowcrewError(f"job {parent.id} cannot wait for its children: this role may not see it")
    return Batch(parent.id, True, born)


def _refuse_autocommit(on: Any) -> None:
    """Each statement would commit for itself, and the job could run before its children are there."""
    if not isinstance(on, psycopg.Connection | psycopg.AsyncConnection) or not on.autocommit:
        return
    if on.info.transaction_status == TransactionStatus.IDLE:
        raise RowcrewError("a batch needs a transaction: call it inside `with connection.transaction():`")


def _created(jobs: list[NewJob], places: list[int], rows: list[EnqueuedJob]) -> dict[int, Enqueued]:
    """Ids were given in the order of the jobs; of two with the same unique key the first was inserted."""
    ids = {(row.type, row.unique_key): row.id for row in rows if row.unique_key is not None}
    keyless = sorted(row.id for row in rows if row.unique_key is None)
    if len(keyless) != sum(jobs[place].unique_key is None for place in places):
        raise RowcrewError(
            "not every row was inserted: a trigger or a rule of jobs, not Rowcrew's, leaves rows out"
        )
    keyless_ids = iter(keyless)
    created = {}
    for place in places:
        job = jobs[place]
        id = next(keyless_ids) if job.unique_key is None else ids.pop((job.type, job.unique_key), None)
        if id is not None:
            created[place] = Enqueued(id, created=True)
    return created


def _live(jobs: list[NewJob], places: list[int], rows: list[LiveJob]) -> dict[int, Enqueued]:
    ids: dict[tuple[str, str | None], int] = {(row.type, row.unique_key): row.id for row in rows}
    keys = {place: (jobs[place].type, jobs[place].unique_key) for place in places}
    return {place: Enqueued(ids[key], created=False) for place, key in keys.items() if key in ids}


def _get(id: Any) -> Asking[JobStatus | None]:
    if not isinstance(id, int) or isinstance(id, bool):
        raise TypeError(f"id={id!r}: give the id of a job, a whole number")
    if not 0 <= id < 2**63:  # no column holds it
        return None
    row = yield from producer.get_job(id)
    return None if row is None else _status(row)


def _status(row: JobRow) -> JobStatus:
    values = row._asdict()
    for field in ("progress", "result"):
        values[field] = None if values[field] is None else msgspec.json.decode(values[field])
    for field in ("created_at", "updated_at", "run_at", "started_at", "finished_at"):
        moment = values[field]
        values[field] = None if moment is None else datetime.fromisoformat(moment).astimezone(UTC)
    return JobStatus(**values)


@contextmanager
def _connected(on: Any) -> Iterator[Ask]:
    if on is None:
        with _own_connection() as connection:
            yield lambda question: psycopg_rows(connection, question)
    elif isinstance(on, psycopg.Connection):
        yield lambda question: psycopg_rows(on, question)
    elif _is_sqlalchemy(on) and not _is_async(on):
        yield lambda question: on.execute(*_for_sqlalchemy(question)).fetchall()
    else:
        raise TypeError(
            _unusable(on, "a psycopg Connection, an SQLAlchemy Session or Connection", "the _async form")
        )


@asynccontextmanager
async def _connected_async(on: Any) -> AsyncIterator[AskAsync]:
    if on is None:
        async with await _own_connection_async() as connection:
            yield lambda question: psycopg_rows_async(connection, question)
    elif isinstance(on, psycopg.AsyncConnection):
        yield lambda question: psycopg_rows_async(on, question)
    elif isinstance(on, Link):  # of our own kind: the command line and the web enqueue on theirs
        yield lambda question: on.fetch(*question)
    elif _is_sqlalchemy(on) and _is_async(on):
        yield lambda question: _sqlalchemy_rows_async(on, question)
    else:
        wanted = "a psycopg AsyncConnection, an SQLAlchemy AsyncSession or AsyncConnection"
        raise TypeError(_unusable(on, wanted, "the form without _async"))


async def _sqlalchemy_rows_async(on: Any, question: Question) -> Rows:
    result = await on.execute(*_for_sqlalchemy(question))
    rows: Rows = result.fetchall()
    return rows


def _for_sqlalchemy(question: Question) -> tuple[Any, dict[str, Any]]:
    """The statement with SQLAlchemy's placeholders. A caller with its object has loaded it already."""
    sqlalchemy = sys.modules["sqlalchemy"]
    return sqlalchemy.text(re.sub(r"%\((\w+)\)s", r":\1", question.statement)), question.parameters


def _is_sqlalchemy(on: Any) -> bool:
    return any(ancestor.__module__.partition(".")[0] == "sqlalchemy" for ancestor in type(on).__mro__)


def _is_async(on: Any) -> bool:
    return inspect.iscoroutinefunction(on.execute)


def _unusable(on: Any, wanted: str, instead: str) -> str:
    return f"on={type(on).__qualname__}: give {wanted}, or call {instead}"


def _own_connection() -> psycopg.Connection[Any]:
    address = settings.producer().require_database_url()
    try:
        connection = opened(address, name="client")
    except psycopg.OperationalError as error:
        raise _unavailable(address, error) from error
    connection.prepare_threshold = None
    return connection


async def _own_connection_async() -> psycopg.AsyncConnection[Any]:
    address = settings.producer().require_database_url()
    try:
        connection = await opened_async(address, name="client")
    except psycopg.OperationalError as error:
        raise _unavailable(address, error) from error
    connection.prepare_threshold = None
    return connection


def _unavailable(address: str, error: psycopg.Error) -> DatabaseUnavailable:
    return DatabaseUnavailable(f"{without_password(address)}: {reason(error)}")
