"""A crew: the handlers a program can run, by type.

In: decorated functions. Out: a `Manifest` for control and, for the runner, the handler behind each type.
`load` finds crews by name (`module:crew`) for runners and the command line.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

import msgspec

from rowcrew.model.backoff import Backoff
from rowcrew.model.errors import CrewError, InvalidJob
from rowcrew.model.manifest import Executor, Manifest, TypeManifest
from rowcrew.model.new_job import NewJob
from rowcrew.model.priority import priority_value
from rowcrew.payload import Binding, bind

H = TypeVar("H", bound=Callable[..., Any])


class HandledType(msgspec.Struct, frozen=True):
    """A type together with its handler."""

    manifest: TypeManifest
    handler: Callable[..., Any]
    binding: Binding
    is_async: bool


class Crew:
    """A set of handlers. Make one, decorate functions with `job`, name it to a worker as `module:crew`."""

    def __init__(self) -> None:
        self._types: dict[str, HandledType] = {}

    @property
    def types(self) -> Mapping[str, HandledType]:
        return self._types

    def job(
        self,
        type: str,
        *,
        queue: str | None = None,
        executor: Executor | None = None,
        timeout: float | timedelta | None = None,
        max_attempts: int | None = None,
        backoff: Backoff | None = None,
        priority: int | str | None = None,
    ) -> Callable[[H], H]:
        """Make a function the handler of a type; the function itself stays as it is.

        Args:
            type: the value of jobs.type.
            queue, max_attempts, priority: given to jobs made by `new_job` that name none themselves.
            executor: `async` (default of async functions), `thread` (default of plain ones) or `process`.
            timeout: limit of one run, seconds or a timedelta; a row's "timeoutSeconds" goes first.
            backoff: wait between attempts.

        Raises:
            CrewError: the type is taken, an option cannot be, or the signature cannot take a payload.
        """

        def register(handler: H) -> H:
            if type in self._types:
                raise CrewError(
                    f"type {type!r} already has the handler {self._types[type].handler.__qualname__}"
                )
            if not inspect.isroutine(handler):
                raise CrewError(f"type {type!r}: {handler!r} is no function")
            defaults = _checked_defaults(type, queue, priority, max_attempts)
            binding = bind(handler)
            manifest = TypeManifest(
                name=type,
                executor=_executor(handler, executor),
                queue=defaults.queue,
                priority=None if defaults.priority is None else priority_value(defaults.priority),
                max_attempts=defaults.max_attempts,
                timeout_seconds=_timeout_seconds(type, timeout),
                backoff=backoff or Backoff(),
                description=(inspect.getdoc(handler) or "").partition("\n\n")[0],
                payload_schema=binding.schema,
            )
            self._types[type] = HandledType(manifest, handler, binding, inspect.iscoroutinefunction(handler))
            return handler

        return register

    def include(self, other: Crew) -> None:
        """Take over all types of another crew.

        Raises:
            CrewError: both have a type of the same name.
        """
        for name, handled in other.types.items():
            if name in self._types:
                raise CrewError(f"type {name!r} is in both crews")
            self._types[name] = handled

    def manifest(self) -> Manifest:
        return Manifest(types=tuple(handled.manifest for handled in self._types.values()))

    def new_job(self, type: str, payload: Mapping[str, Any] | None = None, **options: Any) -> NewJob:
        """A job to enqueue, with the type's queue, priority and number of attempts where none are given.

        Raises:
            InvalidJob: names the option or payload field that cannot be enqueued.
        """
        if handled := self._types.get(type):
            for option in ("queue", "priority", "max_attempts"):
                value = getattr(handled.manifest, option)
                if options.get(option) is None and value is not None:
                    options[option] = value
        return NewJob(type, {} if payload is None else payload, **options)


def load(targets: Iterable[str]) -> Crew:
    """The crew of all targets together, each named `module:crew` or `module` (then its `crew`).

    Raises:
        CrewError: a module or name that is not there, or is no crew.
    """
    crews = [_load_one(target) for target in targets]
    if len(crews) == 1:
        return crews[0]
    together = Crew()
    for crew in crews:
        together.include(crew)
    return together


def _load_one(target: str) -> Crew:
    module_name, _, name = target.partition(":")
    if not all(part.isidentifier() for part in module_name.split(".")):
        raise CrewError(f"{target!r} names no module; name a crew as module:crew")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if f"{module_name}.".startswith(f"{error.name}."):
            raise CrewError(f"there is no module {module_name!r}; name a crew as module:crew") from error
        raise
    crew = getattr(module, name or "crew", None)
    if not isinstance(crew, Crew):
        raise CrewError(f"{module_name!r} has no crew named {name or 'crew'!r}")
    return crew


def _checked_defaults(
    type: str, queue: str | None, priority: int | str | None, max_attempts: int | None
) -> NewJob:
    """What jobs of the type get must be what a job may have."""
    try:
        return NewJob(type, queue=queue, priority=priority, max_attempts=max_attempts)
    except InvalidJob as error:
        raise CrewError(f"type {type!r}: {error}") from error


def _timeout_seconds(type: str, timeout: float | timedelta | None) -> float | None:
    seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
    if seconds is not None and not 0 < seconds < 2**31:
        raise CrewError(f"type {type!r}: timeout: {timeout!r} must be more than 0 and less than 2^31 seconds")
    return seconds


def _executor(handler: Callable[..., Any], executor: Executor | None) -> Executor:
    is_async = inspect.iscoroutinefunction(handler)
    if inspect.isgeneratorfunction(handler) or inspect.isasyncgenfunction(handler):
        raise CrewError(
            f"{handler.__qualname__} is a generator: return the result, tell progress by the context"
        )
    if executor is None:
        return "async" if is_async else "thread"
    if executor == "async" and not is_async:
        raise CrewError(f"{handler.__qualname__} is no async function; give executor='thread' or 'process'")
    if executor == "thread" and is_async:
        raise CrewError(f"{handler.__qualname__} is an async function; give executor='async' or 'process'")
    if executor not in ("async", "thread", "process"):
        raise CrewError(f"executor {executor!r} is unknown; give 'async', 'thread' or 'process'")
    return executor
