"""A handler as producers see it: a function that also enqueues jobs of its type.

In: the arguments of the handler's call, without its context. Out: jobs, by `client`. `crew` gives every
handler these verbs; the protocols tell type checkers which arguments they take.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Generic,
    ParamSpec,
    Protocol,
    TypedDict,
    TypeVar,
    Unpack,
    overload,
)

import msgspec

from rowcrew.context import Context, PermanentError
from rowcrew.model.errors import InvalidJob
from rowcrew.model.manifest import HANDLED_TYPE
from rowcrew.model.new_job import NewJob, WaitPolicy
from rowcrew.payload import Binding

if TYPE_CHECKING:
    from rowcrew.client import Enqueued

Call = ParamSpec("Call")
Given = ParamSpec("Given")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

_VERBS = ("enqueue", "enqueue_async", "new_job", "using")


class Options(TypedDict, total=False):
    """Options of a job: fields of `NewJob`, and as `on` the connection or session to enqueue it on.

    What is None stays as it was.
    """

    on: Any
    queue: str | None
    priority: int | str | None
    run_at: datetime | timedelta | None
    max_attempts: int | None
    timeout_seconds: int | None
    unique_key: str | None
    concurrency_key: str | None
    parent_id: int | None
    after: Sequence[Enqueued | int] | None
    when: WaitPolicy | None
    traceparent: str | None


class Producer(Generic[Given]):
    """A producer of one type's jobs, with options that they share. Its methods are the verbs of a handler.

    They take what the handler takes, but for the context.
    """

    def __init__(self, type: str, binding: Binding, options: Mapping[str, Any], on: Any = None) -> None:
        self._type = type
        self._binding = binding
        self._options = options
        self._on = on

    def enqueue(self, /, *args: Given.args, **kwargs: Given.kwargs) -> Enqueued:
        """Enqueue a job that calls the handler with these arguments, as `rowcrew.enqueue` does.

        Raises:
            TypeError: the handler has no such parameter, or misses one.
            InvalidJob: the handler would refuse the payload, or an option cannot be.
        """
        from rowcrew import client

        return client.enqueue(self.new_job(*args, **kwargs), on=self._on)

    async def enqueue_async(self, /, *args: Given.args, **kwargs: Given.kwargs) -> Enqueued:
        """`enqueue` for async programs, as `rowcrew.enqueue_async` does."""
        from rowcrew import client

        return await client.enqueue_async(self.new_job(*args, **kwargs), on=self._on)

    def new_job(self, /, *args: Given.args, **kwargs: Given.kwargs) -> NewJob:
        """The job that `enqueue` would enqueue, for `enqueue_many` and `context.enqueue`."""
        job = NewJob(self._type, self._binding.payload(*args, **kwargs), **self._options)
        try:
            self._binding.decode(msgspec.json.encode(job.payload).decode())
        except PermanentError as error:
            raise InvalidJob("payload", str(error).removeprefix("payload ")) from error
        return job

    def using(self, **options: Unpack[Options]) -> Producer[Given]:
        """The same verbs with options: `mail.using(queue="slow", on=session).enqueue(to="x")`."""
        named = {name: value for name, value in options.items() if value is not None}
        on = named.pop("on", self._on)
        return Producer(self._type, self._binding, {**self._options, **named}, on)


class Handler(Protocol[Call, Given, R_co]):
    """A function that is the handler of a type: called as it was written, with the verbs of its `Producer`.

    `Call` are its parameters, `Given` those that a payload gives: all but a leading `Context`.
    """

    __name__: str
    __qualname__: str

    def __call__(self, *args: Call.args, **kwargs: Call.kwargs) -> R_co: ...
    def enqueue(self, /, *args: Given.args, **kwargs: Given.kwargs) -> Enqueued:
        """Enqueue a job that calls this handler with these arguments."""
        ...

    async def enqueue_async(self, /, *args: Given.args, **kwargs: Given.kwargs) -> Enqueued:
        """`enqueue` for async programs."""
        ...

    def new_job(self, /, *args: Given.args, **kwargs: Given.kwargs) -> NewJob:
        """The job that `enqueue` would enqueue."""
        ...

    def using(self, **options: Unpack[Options]) -> Producer[Given]:
        """The same verbs with options."""
        ...


class Unannotated:
    """Stands for a first parameter that says nothing of itself; only such a one takes it."""


class Decorator(Protocol):
    """What `crew.job(…)` returns: it makes a function the handler of a type."""

    @overload
    def __call__(self, handler: Callable[Concatenate[Unannotated, ...], R], /) -> Handler[..., ..., R]: ...
    @overload
    def __call__(
        self, handler: Callable[Concatenate[Context, Given], R], /
    ) -> Handler[Concatenate[Context, Given], Given, R]: ...
    @overload
    def __call__(self, handler: Callable[Given, R], /) -> Handler[Given, Given, R]: ...


def give_verbs(handler: Callable[..., Any], producer: Producer[Any], type: str) -> None:
    """Let a handler enqueue jobs of its type; a function that handles several types has no such verbs.

    A method of an object takes no attributes, and gets none.
    """
    with suppress(AttributeError):
        # functools.wraps copies what another handler was given.
        copied = getattr(getattr(handler, "__wrapped__", None), HANDLED_TYPE, type)
        if getattr(handler, HANDLED_TYPE, type) in (type, copied):
            setattr(handler, HANDLED_TYPE, type)
            for verb in _VERBS:
                setattr(handler, verb, getattr(producer, verb))
        else:
            setattr(handler, HANDLED_TYPE, None)
            for verb in _VERBS:
                handler.__dict__.pop(verb, None)
