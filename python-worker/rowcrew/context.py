"""What a handler can do besides its work: progress, checkpoints, children, a shared transaction.

A runner makes one `Context` for a run and passes it to the handler parameter annotated with it. The
exceptions here are what a handler raises (or returns) to end a run in another way than "done" or "failed".
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from rowcrew.model.errors import InvalidJob, RowcrewError
from rowcrew.model.event import NewEvent, refuse_own
from rowcrew.model.json_values import json_text
from rowcrew.model.new_job import NewJob
from rowcrew.model.outcome import LARGEST_JSON_BYTES
from rowcrew.model.status import Status

if TYPE_CHECKING:
    import psycopg
    import structlog

    from rowcrew.client import Enqueued


_LONGEST_SECONDS: Final = timedelta(days=36_500).total_seconds()


class Snooze(Exception):
    """The wish to run the job again after `delay` (seconds or a timedelta); the attempt does not count.

    Like the other exceptions here it counts inside an `ExceptionGroup`, such as one of `asyncio.TaskGroup`,
    and as the `__cause__` of another error. Of several the gravest counts: `PermanentError`, `Cancel`,
    `Retry`, any other error, `Wait` or `Snooze`.
    """

    def __init__(self, delay: float | timedelta) -> None:
        super().__init__(delay)
        self.delay_seconds = seconds_of(delay)


class Wait(Exception):
    """What `context.wait_for` raises: the wish to run again when other jobs have ended.

    In groups: see `Snooze`.
    """

    def __init__(self, children: bytes, ids: list[int]) -> None:
        super().__init__(f"waits for {len(ids)} jobs and its new children")
        self.children = children
        self.ids = ids


class Cancel(Exception):
    """The wish to end the job as `cancelled`, on purpose. `reason` becomes its "errorMessage".

    In groups: see `Snooze`.
    """

    def __init__(self, reason: str = "cancelled by its handler") -> None:
        super().__init__(reason)
        self.reason = reason


class Retry(Exception):
    """A failed attempt with a wait of its own, `after` (seconds or a timedelta), in place of the backoff.

    In groups: see `Snooze`.
    """

    def __init__(self, after: float | timedelta, reason: str = "retry asked for") -> None:
        super().__init__(reason)
        self.after_seconds = seconds_of(after)
        self.reason = reason


class PermanentError(RowcrewError):
    """An error that another attempt would meet as well: the job ends as `failed` at once.

    In groups: see `Snooze`.
    """


class RunStopped(BaseException):
    """Raised in a handler whose run must end now. No `Exception`, so that `except Exception` lets it pass."""


class CurrentJob(msgspec.Struct, frozen=True, kw_only=True):
    """What a handler may know about its job. `checkpoint` is what the last attempt left, decoded."""

    id: int
    type: str
    queue: str
    priority: int
    attempt: int
    max_attempts: int
    checkpoint: Any = None


class Dependency(msgspec.Struct, frozen=True, kw_only=True):
    """A job that this one waited for, as it ended: `result` decoded, no type or status if it was deleted."""

    id: int
    type: str | None
    status: Status | None
    result: Any = None
    error_message: str | None = None


class Dependencies(Protocol):
    """The jobs that a job waited for, in the order given; plain handlers iterate, async ones await."""

    def __iter__(self) -> Iterator[Dependency]: ...
    def __await__(self) -> Generator[object, None, list[Dependency]]: ...


class Transaction(AbstractContextManager["psycopg.Connection[Any]"], Protocol):
    """A transaction that commits together with the job's completion, on a sync or an async connection."""

    async def __aenter__(self) -> psycopg.AsyncConnection[Any]: ...
    async def __aexit__(self, *exception: Any) -> bool | None: ...


class RunPort(Protocol):
    """The runner's side of a context: where progress, checkpoints and children go."""

    cancellable: bool

    @property
    def stopping(self) -> bool: ...
    def raised(self, error: BaseException) -> None: ...
    def send_progress(self, progress: bytes) -> None: ...
    def send_checkpoint(self, checkpoint: bytes) -> None: ...
    def new_job(self, type: str, payload: Mapping[str, Any] | None, **options: Any) -> NewJob: ...
    def add_child(self, child: NewJob) -> None: ...
    def add_event(self, event: NewEvent) -> None: ...
    def document(self, children: Sequence[NewJob]) -> bytes: ...
    @property
    def dependencies(self) -> Dependencies: ...
    def transaction(self) -> Transaction: ...


class Context:
    """One run, as its handler sees it.

    Attributes:
        job: facts about the job, among them the checkpoint that the last attempt left.
        log: a structlog logger; job id, type, queue, attempt and worker are on every line.
    """

    def __init__(self, *, job: CurrentJob, port: RunPort, log: structlog.stdlib.BoundLogger) -> None:
        self.job = job
        self.log = log
        self._port = port

    @property
    def cancelled(self) -> bool:
        """Whether the run must end: cancelled, timed out, lost or shut down. Check it in long loops."""
        return self._port.stopping

    def progress(self, current: float, total: float | None = None, message: str | None = None) -> None:
        """Show how far the run is. Reaches the row within a second; writes at most once a second.

        Raises:
            RunStopped: the run must end now. Let it pass.
            PermanentError: a number is not finite, or `message` is larger than 1 MB.
        """
        self._port.send_progress(_json("progress", {"current": current, "total": total, "message": message}))
        self.stop_if_cancelled()

    def checkpoint(self, state: Any) -> None:
        """Leave `state` (anything JSON can hold) for the next attempt, which finds it as `job.checkpoint`.

        Raises:
            RunStopped: the run must end now. The checkpoint is kept.
            PermanentError: `state` has no JSON form, or is larger than 1 MB. The one before it is kept.
        """
        self._port.send_checkpoint(_json("checkpoint", state))
        self.stop_if_cancelled()

    def enqueue(self, job: NewJob | str, payload: Mapping[str, Any] | None = None, /, **options: Any) -> None:
        """Enqueue a child of this job in the same commit as its completion, or not at all.

        Args:
            job: a `NewJob`, such as a handler's `new_job` makes, or the type of one, then with its payload
                and further fields of `NewJob` as options.

        A unique key that is already live makes no second job.

        Raises:
            InvalidJob: names the option or payload field that cannot be enqueued.
        """
        if isinstance(job, NewJob):
            if payload is not None or options:
                raise TypeError("a NewJob is complete: give payload and options to it, not beside it")
            child = self._child(job)
        else:
            options.setdefault("parent_id", self.job.id)
            child = self._port.new_job(job, payload, **options)
        self._port.add_child(child)

    def emit(
        self, kind: str, subject: str = "", *, count: int = 1, detail: Mapping[str, Any] | None = None
    ) -> None:
        """Tell that something happened, in the same commit as the job's completion, or not at all.

        Receivers are told within seconds: `context.emit("invoice.overdue", "ACME", detail={"invoiceId": 7})`.
        Repeats of a kind and subject become one message.

        Args:
            kind: what happened: 1 to 100 of a-z 0-9 _ and dots; none of Rowcrew's own, such as `job.failed`.
            subject: whom it is about, at most 200 characters.
            count: how often it happened.
            detail: what else a receiver may want to know, at most 10 kB of JSON.

        Raises:
            InvalidEvent: names the argument and what to give instead.
        """
        refuse_own(kind)
        job = self.job
        self._port.add_event(
            NewEvent(kind, subject, queue=job.queue, type=job.type, count=count, detail=detail or {})
        )

    def wait_for(self, jobs: Iterable[NewJob | Enqueued | int]) -> None:
        """End this run and begin another when all these jobs have ended, whatever became of them.

        The attempt does not count, and no slot is held meanwhile. The next run finds in `dependencies` how
        they ended. With no jobs the run goes on.

        Args:
            jobs: `NewJob`s, which are enqueued as children in the commit that ends this run, or not at all;
                and ids of jobs that are there already, or what `enqueue` answered for them. A child whose
                unique key is live makes no second job: the live one is waited for.

        Raises:
            Wait: always, but for no jobs. Let it pass. What `enqueue` and `transaction` were given is left.
            InvalidJob: a job would wait for one that waits for it.
        """
        wanted = list(jobs)
        children = [self._child(job) for job in wanted if isinstance(job, NewJob)]
        ids = [job if isinstance(job, int) else job.id for job in wanted if not isinstance(job, NewJob)]
        if self.job.id in ids or any(self.job.id in (child.after or ()) for child in children):
            raise InvalidJob("after", f"job {self.job.id} would wait for a job that waits for it")
        if wanted:
            raise Wait(self._port.document(children), ids)

    @property
    def dependencies(self) -> Dependencies:
        """The jobs that this one waited for, and how they ended; read from the table when asked for.

        `for each in context.dependencies` in plain handlers, `for each in await context.dependencies` in
        async ones.

        Raises:
            RowcrewError: (when it is read) an async handler must await it.
            psycopg.Error: (when it is read) the database was not reached.
        """
        return self._port.dependencies

    def transaction(self) -> Transaction:
        """A psycopg connection whose writes commit together with the job's completion, or not at all.

        `async with context.transaction() as connection:` in async handlers, `with …` in plain ones. The
        commit comes when the handler returns, so return soon after the block. One transaction a run.

        Raises:
            LeaseLost: (at the commit) the job was cancelled, changed or rescued; nothing was written.
        """
        return self._port.transaction()

    def _child(self, job: NewJob) -> NewJob:
        parent_id = self.job.id if job.parent_id is None else job.parent_id
        return msgspec.structs.replace(job, parent_id=parent_id)

    def stop_if_cancelled(self) -> None:
        """Raise `RunStopped` if the run must end."""
        if self._port.stopping:
            raise RunStopped


__all__ = [
    "Cancel",
    "Context",
    "CurrentJob",
    "Dependencies",
    "Dependency",
    "PermanentError",
    "Retry",
    "RunPort",
    "RunStopped",
    "Snooze",
    "Transaction",
    "Wait",
]


def _json(what: str, value: Any) -> bytes:
    try:
        text = json_text(value, what)
    except Exception as error:  # the value's own methods may raise anything
        raise PermanentError(f"the {what} cannot be stored as JSON: {error}") from error
    if len(text) > LARGEST_JSON_BYTES:
        raise PermanentError(
            f"the {what} has {len(text):,} bytes of JSON, more than {LARGEST_JSON_BYTES:,}; "
            "store it elsewhere and leave where it is"
        )
    return text


def seconds_of(delay: float | timedelta) -> float:
    """A delay as seconds, never negative.

    Raises:
        TypeError, ValueError, OverflowError: it is none, or too long.
    """
    seconds = delay.total_seconds() if isinstance(delay, timedelta) else float(delay)
    if not seconds <= _LONGEST_SECONDS:
        raise ValueError(f"a delay of {delay} is too long: give at most 36,500 days")
    return max(0.0, seconds)
