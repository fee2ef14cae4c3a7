"""A crew: the handlers a program can run, by type.

In: decorated functions. Out: a `Manifest` for control and, for the runner, the handler behind each type.
`load` finds crews by name (`module:crew`) for runners and the command line.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Concatenate, TypeVar, overload

import msgspec

from rowcrew.context import Context, PermanentError
from rowcrew.handler import Decorator, Given, Handler, Producer, R, Unannotated, give_verbs
from rowcrew.hooks import SHUTDOWN_SECONDS, Hooks, ShutdownHook, shutdown_hook
from rowcrew.model.backoff import Backoff
from rowcrew.model.errors import CrewError, InvalidJob
from rowcrew.model.manifest import DeclaredSchedule, Executor, Manifest, TypeManifest
from rowcrew.model.new_job import NewJob
from rowcrew.model.priority import priority_value
from rowcrew.observers import Observer
from rowcrew.payload import Binding, bind

H = TypeVar("H", bound=Callable[..., Any])


class HandledType(msgspec.Struct, frozen=True):
    """A type together with its handler."""

    manifest: TypeManifest
    handler: Callable[..., Any]
    binding: Binding
    is_async: bool
    hooks: Hooks = msgspec.field(default_factory=Hooks)


class Crew:
    """A set of handlers. Make one, decorate functions with `job`, name it to a worker as `module:crew`."""

    def __init__(self) -> None:
        self._types: dict[str, HandledType] = {}
        self._hooks = Hooks()
        self._shutdown_hooks: list[ShutdownHook] = []
        self._observers: list[Observer] = []

    @property
    def types(self) -> Mapping[str, HandledType]:
        return self._types

    @overload
    def job(self, type: Callable[Concatenate[Unannotated, ...], R], /) -> Handler[..., ..., R]: ...

    @overload
    def job(
        self, type: Callable[Concatenate[Context, Given], R], /
    ) -> Handler[Concatenate[Context, Given], Given, R]: ...

    @overload
    def job(self, type: Callable[Given, R], /) -> Handler[Given, Given, R]: ...

    @overload
    def job(
        self,
        type: str | None = None,
        *,
        queue: str | None = None,
        executor: Executor | None = None,
        timeout: float | timedelta | None = None,
        max_attempts: int | None = None,
        backoff: Backoff | None = None,
        priority: int | str | None = None,
        keep_result: float | timedelta | None = None,
        schedule: str | timedelta | None = None,
        timezone: str | None = None,
    ) -> Decorator: ...

    def job(
        self,
        type: str | Callable[..., Any] | None = None,
        *,
        queue: str | None = None,
        executor: Executor | None = None,
        timeout: float | timedelta | None = None,
        max_attempts: int | None = None,
        backoff: Backoff | None = None,
        priority: int | str | None = None,
        keep_result: float | timedelta | None = None,
        schedule: str | timedelta | None = None,
        timezone: str | None = None,
    ) -> Any:
        """Make a function the handler of a type. It stays as it is, and gets `enqueue` for jobs of the type.

        `enqueue` takes the function's own parameters but for its `Context`, which type checkers know to
        leave out where it stands first.

        Args:
            type: the value of jobs.type; the function's name where none is given, as in a bare `@crew.job`.
            queue, max_attempts, priority: of jobs that name none themselves, when Python enqueues them.
            executor: `async` (default of async functions), `thread` (default of plain ones) or `process`.
            timeout: limit of one run, seconds or a timedelta; a row's "timeoutSeconds" goes first.
            backoff: wait between attempts.
            keep_result: how long results are kept, seconds or a timedelta; None = as the queue says, or
                JOB_RESULT_TTL, or as long as their rows.
            schedule: when a job of the type comes round by itself: a cron expression of five fields, or the
                time from one to the next. Its row in `schedules` has the name of the type, and all else about
                it stands there.
            timezone: IANA name of the zone of a cron expression; UTC where none is given.

        Example:
            @crew.job(schedule="0 2 * * *", timezone="America/New_York")
            def close_the_books() -> None: ...

        Raises:
            CrewError: the type is taken, an option cannot be, or the signature cannot take a payload.
        """

        def register(decorated: Callable[..., Any]) -> Any:
            # Whoever asks the class for a static method gets the function in it.
            handler = decorated.__func__ if isinstance(decorated, staticmethod) else decorated
            name = type if isinstance(type, str) else getattr(handler, "__name__", "")
            self._refuse(name, handler)
            defaults = _checked_defaults(name, queue, priority, max_attempts)
            binding = bind(handler)
            manifest = TypeManifest(
                name=name,
                executor=_executor(handler, executor),
                queue=defaults.queue,
                priority=None if defaults.priority is None else priority_value(defaults.priority),
                max_attempts=defaults.max_attempts,
                timeout_seconds=_timeout_seconds(name, timeout),
                keep_result_seconds=_keep_seconds(name, keep_result),
                backoff=backoff or Backoff(),
                description=(inspect.getdoc(handler) or "").partition("\n\n")[0],
                payload_schema=binding.schema,
                schedule=_declared(name, binding, schedule, timezone),
            )
            self._types[name] = HandledType(
                manifest, handler, binding, inspect.iscoroutinefunction(handler), self._hooks
            )
            give_verbs(handler, Producer(name, binding, _options(manifest)), name)
            return decorated

        return register if type is None or isinstance(type, str) else register(type)

    def _refuse(self, name: str, handler: Callable[..., Any]) -> None:
        if name in self._types:
            raise CrewError(f"type {name!r} already has the handler {self._types[name].handler.__qualname__}")
        if not inspect.isroutine(handler):
            raise CrewError(f"type {name!r}: {handler!r} is no function")
        if _is_method(handler):
            raise CrewError(
                f"type {name!r}: {handler.__qualname__} is a method, and no run has its object: "
                "give a function, or a method of an object that is there"
            )

    def before_run(self, hook: H) -> H:
        """Call a function before every run of this crew's types, plain or async, where the handler runs.

        It takes nothing, or the `CurrentJob` of the run. What it raises ends the run as if the handler had.
        """
        self._hooks.add(self._hooks.before, hook)
        return hook

    def after_run(self, hook: H) -> H:
        """Call a function after every run, whatever its end; as `before_run`."""
        self._hooks.add(self._hooks.after, hook)
        return hook

    def on_shutdown(self, *, timeout: float | timedelta = SHUTDOWN_SECONDS) -> Callable[[H], H]:
        """Call a function without parameters, plain or async, when a runner leaves in good order.

        Every runner process does, after its last run; the hook registered last comes first. The log tells
        what one raises, or that it took too long, and the others are called all the same. A plain function
        has a thread of its own.

        Args:
            timeout: how long it may take, seconds or a timedelta. A worker that stops waits as long as all of
                them may take together, beyond SHUTDOWN_GRACE.

        Raises:
            CrewError: the function needs something, or the timeout cannot be.
        """

        def register(hook: H) -> H:
            self._shutdown_hooks.append(shutdown_hook(hook, timeout))
            return hook

        return register

    @property
    def shutdown_hooks(self) -> Sequence[ShutdownHook]:
        """In the order of registration."""
        return self._shutdown_hooks

    def observe(self, observer: Observer) -> Observer:
        """Call a function where every run begins, and what it returns with the `RunEnd` that came of it.

        It is called for the runs of all types that the runner has, also those of other crews, outside of
        `before_run` and `after_run`, on the event loop: it must not wait for anything. What it raises is
        logged.
        """
        self._observers.append(observer)
        return observer

    @property
    def observers(self) -> Sequence[Observer]:
        """In the order of registration."""
        return self._observers

    def include(self, other: Crew) -> None:
        """Take over all types of another crew, its observers, and what it does at shutdown.

        Raises:
            CrewError: both have a type of the same name.
        """
        for name, handled in other.types.items():
            if name in self._types:
                raise CrewError(f"type {name!r} is in both crews")
            self._types[name] = handled
        self._shutdown_hooks += other.shutdown_hooks
        self._observers += other.observers

    def manifest(self) -> Manifest:
        return Manifest(
            types=tuple(handled.manifest for handled in self._types.values()),
            shutdown_seconds=sum(hook.seconds for hook in self._shutdown_hooks),
        )

    def new_job(self, type: str, payload: Mapping[str, Any] | None = None, **options: Any) -> NewJob:
        """A job to enqueue, with the type's queue, priority and number of attempts where none are given.

        Raises:
            InvalidJob: names the option or payload field that cannot be enqueued.
        """
        if handled := self._types.get(type):
            given = {name: value for name, value in options.items() if value is not None}
            options = _options(handled.manifest) | given
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


def _is_method(handler: Any) -> bool:
    """Whether it was decorated inside a class, where there is no object yet."""
    if isinstance(handler, classmethod):
        return True
    home = handler.__qualname__.rpartition(".")[0]
    if not inspect.isfunction(handler) or not home or home.endswith("<locals>"):
        return False
    return next(iter(inspect.signature(handler).parameters), None) in ("self", "cls")


def _checked_defaults(
    type: str, queue: str | None, priority: int | str | None, max_attempts: int | None
) -> NewJob:
    """What jobs of the type get must be what a job may have."""
    try:
        return NewJob(type, queue=queue, priority=priority, max_attempts=max_attempts)
    except InvalidJob as error:
        raise CrewError(f"type {type!r}: {error}") from error


def _options(manifest: TypeManifest) -> dict[str, Any]:
    """What a new job of the type gets where it names nothing."""
    options = {name: getattr(manifest, name) for name in ("queue", "priority", "max_attempts")}
    return {name: value for name, value in options.items() if value is not None}


def _declared(
    type: str, binding: Binding, schedule: str | timedelta | None, zone: str | None
) -> DeclaredSchedule | None:
    if schedule is None:
        if zone is not None:
            raise CrewError(f"type {type!r}: timezone {zone!r} is of no use without a schedule")
        return None
    # The calendar is for those who have a schedule.
    from rowcrew.model.calendar import BadRule, Rule

    seconds = schedule.total_seconds() if isinstance(schedule, timedelta) else None
    if seconds is not None and (seconds < 1 or seconds != int(seconds)):
        raise CrewError(f"type {type!r}: schedule: {schedule} must be whole seconds, and at least one")
    cron = None if isinstance(schedule, timedelta) else schedule
    declared = DeclaredSchedule(
        cron=cron, every_seconds=None if seconds is None else int(seconds), timezone=zone or "UTC"
    )
    now = datetime.now(UTC)
    try:
        next(Rule(cron, declared.every_seconds, declared.timezone, None, None, now).ticks_after(now))
        binding.decode("{}")
    except BadRule as error:
        raise CrewError(f"type {type!r}: schedule: {error}") from error
    except PermanentError as error:
        raise CrewError(
            f"type {type!r}: the jobs of a schedule have no payload, and the handler needs one ({error}):"
            " give its parameters defaults, or insert a row into schedules"
        ) from error
    return declared


def _timeout_seconds(type: str, timeout: float | timedelta | None) -> float | None:
    seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
    if seconds is not None and not 0 < seconds < 2**31:
        raise CrewError(f"type {type!r}: timeout: {timeout!r} must be more than 0 and less than 2^31 seconds")
    return seconds


def _keep_seconds(type: str, keep_result: float | timedelta | None) -> float | None:
    seconds = keep_result.total_seconds() if isinstance(keep_result, timedelta) else keep_result
    if seconds is not None and not 0 <= seconds < 2**31:
        raise CrewError(
            f"type {type!r}: keep_result: {keep_result!r} must be from 0 to less than 2^31 seconds"
        )
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
