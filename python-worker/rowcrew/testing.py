"""A bench for handlers: run one with a payload, without queue, worker or row, and look at what it did.

In: a crew, a type and a payload, as a job would have them. Out: a `HandlerRun` with the outcome and all that
the handler said through its `Context`. The handler is called exactly as a runner calls it. For users' tests:

    run = run_handler(crew, "send_invoice", {"invoiceId": 7})
    assert run.result == {"sent": True}
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from rowcrew.context import Dependency
from rowcrew.crew import Crew, HandledType
from rowcrew.model.errors import CrewError, RowcrewError
from rowcrew.model.event import NewEvent
from rowcrew.model.job import Job
from rowcrew.model.json_values import json_text
from rowcrew.model.new_job import NewJob, document
from rowcrew.model.outcome import Completed, Outcome
from rowcrew.runner.invoke import invoke
from rowcrew.runner.transaction import RunTransaction


class HandlerRun(msgspec.Struct, frozen=True, kw_only=True):
    """What one run did.

    Attributes:
        outcome: `Completed`, `Errored`, `Snoozed`, `Parked`, `Cancelled`, or `Released` if it was stopped.
        progress: every progress call, as {"current", "total", "message"}.
        checkpoints: every checkpoint, decoded.
        children: the jobs it asked to enqueue; they count only if it completed.
        events: what it emitted; they count only if it completed.
        waits_for: the children that `context.wait_for` was given last; they count only if it waits.
    """

    outcome: Outcome
    progress: list[dict[str, Any]]
    checkpoints: list[Any]
    children: list[NewJob]
    events: list[NewEvent]
    waits_for: list[NewJob] = []

    @property
    def result(self) -> Any:
        """What the handler returned, as it would stand in jobs.result.

        Raises:
            AssertionError: the run did not complete; the text has its outcome.
        """
        if not isinstance(self.outcome, Completed):
            raise AssertionError(f"the run did not complete: {self.outcome}")  # noqa: TRY004 - a test's failed claim
        return None if self.outcome.result is None else msgspec.json.decode(self.outcome.result)


def run_handler(
    crew: Crew,
    type: str,
    payload: Mapping[str, Any] | None = None,
    *,
    attempt: int = 1,
    checkpoint: Any = None,
    database_url: str | None = None,
    stop_at_progress: int | None = None,
    dependencies: Sequence[Dependency] = (),
) -> HandlerRun:
    """Run the handler of a type once.

    Args:
        crew: has the type's handler.
        type: as in jobs.type.
        payload: the handler's input, a JSON object; checked as at enqueueing.
        attempt: number of the run.
        checkpoint: what the attempt before left.
        database_url: where `context.transaction()` connects; it commits if the run completes.
        stop_at_progress: ask the run to stop, as a cancel does, at this progress call, counted from 1.
        dependencies: what it finds as `context.dependencies`.

    Raises:
        CrewError: the crew has no such type.
        InvalidJob: no job could have this payload.
    """
    return asyncio.run(
        run_handler_async(
            crew,
            type,
            payload,
            attempt=attempt,
            checkpoint=checkpoint,
            database_url=database_url,
            stop_at_progress=stop_at_progress,
            dependencies=dependencies,
        )
    )


async def run_handler_async(
    crew: Crew,
    type: str,
    payload: Mapping[str, Any] | None = None,
    *,
    attempt: int = 1,
    checkpoint: Any = None,
    database_url: str | None = None,
    stop_at_progress: int | None = None,
    dependencies: Sequence[Dependency] = (),
) -> HandlerRun:
    """`run_handler` for tests that have an event loop already."""
    handled = crew.types.get(type)
    if handled is None:
        raise CrewError(f"the crew has no type {type!r}; its types are {', '.join(crew.types)}")
    job = _job(handled, crew.new_job(type, payload), attempt, checkpoint)
    bench = _Bench(crew, job, database_url, stop_at_progress, dependencies)
    with ThreadPoolExecutor(max_workers=1) as threads:
        outcome = await invoke(job, handled, bench, threads)
    await bench.end_transaction(commit=isinstance(outcome, Completed))
    return HandlerRun(
        outcome=outcome,
        progress=bench.progress,
        checkpoints=bench.checkpoints,
        children=bench.children,
        events=bench.events,
        waits_for=bench.waits_for,
    )


def _job(handled: HandledType, new_job: NewJob, attempt: int, checkpoint: Any) -> Job:
    return Job(
        id=1,
        lease_id=str(uuid.uuid4()),
        type=new_job.type,
        queue=new_job.queue or "default",
        priority=int(new_job.priority or 0),
        attempt=attempt,
        max_attempts=max(attempt, handled.manifest.max_attempts or 3),
        crashes=0,
        timeout_seconds=None,
        run_at="",
        payload=msgspec.json.encode(new_job.payload).decode(),
        checkpoint=None if checkpoint is None else json_text(checkpoint, "checkpoint").decode(),
    )


class _Bench:
    """The port of the context: keeps what a runner would send."""

    cancellable = False

    def __init__(
        self,
        crew: Crew,
        job: Job,
        database_url: str | None,
        stop_at_progress: int | None,
        dependencies: Sequence[Dependency],
    ) -> None:
        self._job = job
        self._crew = crew
        self._database_url = database_url
        self._stop_at_progress = stop_at_progress
        self._transaction: _BenchTransaction | None = None
        self.progress: list[dict[str, Any]] = []
        self.checkpoints: list[Any] = []
        self.children: list[NewJob] = []
        self.events: list[NewEvent] = []
        self.waits_for: list[NewJob] = []
        self.dependencies = _BenchDependencies(dependencies)

    @property
    def stopping(self) -> bool:
        return self._stop_at_progress is not None and len(self.progress) >= self._stop_at_progress

    def raised(self, error: BaseException) -> None:
        """Nobody observes the runs of a test."""

    def send_progress(self, progress: bytes) -> None:
        self.progress.append(msgspec.json.decode(progress))

    def send_checkpoint(self, checkpoint: bytes) -> None:
        self.checkpoints.append(msgspec.json.decode(checkpoint))

    def new_job(self, type: str, payload: Mapping[str, Any] | None, **options: Any) -> NewJob:
        return self._crew.new_job(type, payload, **options)

    def add_child(self, child: NewJob) -> None:
        self.children.append(child)

    def add_event(self, event: NewEvent) -> None:
        self.events.append(event)

    def document(self, children: Sequence[NewJob]) -> bytes:
        self.waits_for = list(children)
        return document(children).encode()

    def transaction(self) -> _BenchTransaction:
        if self._transaction is not None:
            raise RowcrewError("context.transaction() can be used once in a run")
        if self._database_url is None:
            raise RowcrewError("context.transaction() needs a database: give run_handler a database_url")
        self._transaction = _BenchTransaction(self._job, self._database_url)
        return self._transaction

    async def end_transaction(self, *, commit: bool) -> None:
        if self._transaction is not None:
            await (self._transaction.commit() if commit else self._transaction.roll_back())


class _BenchDependencies:
    """What a test says that the job waited for."""

    def __init__(self, given: Sequence[Dependency]) -> None:
        self._given = given

    def __iter__(self) -> Iterator[Dependency]:
        return iter(self._given)

    def __await__(self) -> Generator[object, None, list[Dependency]]:
        yield from ()
        return list(self._given)


class _BenchTransaction(RunTransaction):
    """A handler's transaction with no row to complete: all that is left is the commit."""

    async def commit(self) -> None:
        if self._async is not None:
            await self._async.commit()
            await self._async.close()
        elif self._sync is not None:
            self._sync.commit()
            self._sync.close()
