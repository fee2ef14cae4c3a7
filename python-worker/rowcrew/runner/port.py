"""The runner's side of a `Context`: notes go to control, children and transaction wait for the run's end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import psycopg

from rowcrew.crew import Crew
from rowcrew.model.cleaning import clean_json, describe
from rowcrew.model.errors import LeaseLost, RowcrewError
from rowcrew.model.event import NewEvent, events_document
from rowcrew.model.job import Job
from rowcrew.model.new_job import NewJob, document
from rowcrew.model.outcome import Completed, Errored, Outcome, Recorded
from rowcrew.runner.transaction import RunTransaction
from rowcrew.runner.wire import Note
from rowcrew.trace_context import traced

if TYPE_CHECKING:
    from rowcrew.observers import Observed
    from rowcrew.runner.dependencies import RunDependencies

MOST_CHILDREN = 10_000
MOST_EVENTS = 1000


class Port:
    """What one run's context speaks through. Progress and checkpoint keep only the latest.

    Attributes:
        task: what runs it on the event loop, once it has been planned there.
        stopping: the run was asked to end.
        is_noted: the loop knows that there is news.
        cancellable: the handler is waiting on the event loop, so that it can be cancelled there.
        observed: those who see the run from outside, if anybody does.

    Values that most runs never change belong to the class: a port is made for every run.
    """

    task: asyncio.Task[None] | None = None
    stopping = False
    is_noted = False
    cancellable = False
    observed: Observed | None = None
    _progress: bytes | None = None
    _checkpoint: bytes | None = None
    _told: bytes | None = None
    _transaction: RunTransaction | None = None
    _events: list[NewEvent] | None = None

    def __init__(
        self, job: Job, crew: Crew, database_url: str, queue: str | None, tell: Callable[[Port], None]
    ) -> None:
        self.job = job
        self._crew = crew
        self._database_url = database_url
        self._queue = queue
        self._tell = tell
        self._children: list[NewJob] = []

    def raised(self, error: BaseException) -> None:
        """What the handler raised, for those who see the run."""
        if self.observed is not None:
            self.observed.error = error

    def send_progress(self, progress: bytes) -> None:
        self._progress = clean_json(progress)
        self._tell(self)

    def send_checkpoint(self, checkpoint: bytes) -> None:
        self._checkpoint = clean_json(checkpoint)
        self._tell(self)

    def news(self) -> Note:
        """What control has not been told yet."""
        self.is_noted = False  # before the look: what is left afterwards is news again
        checkpoint = self._checkpoint  # read once: the handler's thread may leave another meanwhile
        news = None if checkpoint is self._told else checkpoint
        self._told = checkpoint
        return Note(self.job.lease_id, self._progress, news)

    @property
    def news_bytes(self) -> int:
        """How large the news is."""
        checkpoint = self._checkpoint
        news = None if checkpoint is self._told else checkpoint
        return len(self._progress or b"") + len(news or b"")

    def new_job(self, type: str, payload: Mapping[str, Any] | None, **options: Any) -> NewJob:
        return self._crew.new_job(type, payload, **options)

    def add_child(self, child: NewJob) -> None:
        if len(self._children) >= MOST_CHILDREN:
            raise RowcrewError(
                f"a run may enqueue at most {MOST_CHILDREN:,} children; enqueue the rest from one of them"
            )
        self._children.append(traced(child))

    def add_event(self, event: NewEvent) -> None:
        if self._events is None:
            self._events = []
        if len(self._events) >= MOST_EVENTS:
            raise RowcrewError(f"a run may emit at most {MOST_EVENTS:,} events; give one a count instead")
        self._events.append(event)

    def document(self, children: Sequence[NewJob]) -> bytes:
        if len(children) > MOST_CHILDREN:
            raise RowcrewError(
                f"a run may wait for at most {MOST_CHILDREN:,} new children; have them enqueue the rest"
            )
        return document(map(traced, children), self._queue).encode() if children else b"[]"

    @property
    def dependencies(self) -> RunDependencies:
        from rowcrew.runner.dependencies import RunDependencies

        return RunDependencies(self.job, self._database_url)

    def with_children(self, outcome: Outcome) -> Outcome:
        """Children and events belong to the completion; a run that ends in another way leaves none."""
        if not isinstance(outcome, Completed):
            return outcome
        if self._children:
            children = document(self._children, self._queue).encode()
            outcome = msgspec.structs.replace(outcome, children=children)
        if self._events:
            outcome = msgspec.structs.replace(outcome, events=events_document(self._events).encode())
        return outcome

    def transaction(self) -> RunTransaction:
        if self._transaction is not None:
            raise RowcrewError("context.transaction() can be used once in a run")
        self._transaction = RunTransaction(self.job, self._database_url)
        return self._transaction

    @property
    def in_transaction(self) -> bool:
        return self._transaction is not None and self._transaction.is_open

    async def end_transaction(self, outcome: Outcome) -> Outcome:
        """Commit the handler's writes together with the completion, or roll them back."""
        assert self._transaction is not None
        if not isinstance(outcome, Completed):
            await self._transaction.roll_back()
            return outcome
        # All of it, told to control or not: once the row is completed, control writes no more notes.
        last_words = Note(self.job.lease_id, self._progress, self._checkpoint)
        try:
            tells = await self._transaction.complete(
                outcome.result, last_words, self._children, self._events or ()
            )
        except (psycopg.Error, LeaseLost) as error:
            return Errored(f"the transaction was not committed: {describe(error)}")
        return Recorded(tells)
