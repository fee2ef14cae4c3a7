"""What a handler returns or raises becomes one outcome, whatever it is."""

from __future__ import annotations

import asyncio
import contextvars
import dataclasses
import functools
import math
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy
import pydantic
import pytest

import rowcrew
from rowcrew import Cancel, Context, Crew, PermanentError, Retry, Snooze
from rowcrew.context import RunStopped
from rowcrew.model.job import Job
from rowcrew.model.outcome import (
    LARGEST_JSON_BYTES,
    Cancelled,
    Completed,
    Errored,
    Outcome,
    Released,
    Snoozed,
)
from rowcrew.runner.invoke import current_job, invoke
from rowcrew.runner.invoke import outcome_of as meaning_of
from rowcrew.runner.port import Port
from tests.model.made import a_job

pytestmark = pytest.mark.anyio

Run = Callable[..., Awaitable[Outcome]]
PACKAGE = str(Path(rowcrew.__file__).parent)


async def outcome_of(handler: Callable[..., Any], *, stopping: bool = False, **job: Any) -> Outcome:
    """Run the handler once, as a runner does."""
    crew = Crew()
    crew.job("model_run")(handler)
    made = a_job(**job)
    port = Port(job=made, crew=crew, database_url="", queue=None, tell=lambda port: None)
    port.stopping = stopping
    with ThreadPoolExecutor(1) as threads:
        return await invoke(made, crew.types["model_run"], port, threads)


def plain(act: Callable[[], Any]) -> Callable[..., Any]:
    def handler() -> Any:
        return act()

    return handler


def asynchronous(act: Callable[[], Any]) -> Callable[..., Any]:
    async def handler() -> Any:
        await asyncio.sleep(0)
        return act()

    return handler


both = pytest.mark.parametrize("kind", [plain, asynchronous])


def raising(error: BaseException | type[BaseException]) -> Callable[[], Any]:
    def act() -> Any:
        raise error

    return act


@dataclasses.dataclass
class Point:
    x: int


class Price(msgspec.Struct):
    price: float


class Model(pydantic.BaseModel):
    at: datetime


@both
@pytest.mark.parametrize(
    ("value", "result"),
    [
        (None, None),
        (0, b"0"),
        ("", b'""'),
        (False, b"false"),
        ({"a": [1, 2.5, None]}, b'{"a":[1,2.5,null]}'),
        (Point(1), b'{"x":1}'),
        (Price(1.5), b'{"price":1.5}'),
        (Model(at=datetime(2026, 1, 1, tzinfo=UTC)), b'{"at":"2026-01-01T00:00:00Z"}'),
        ({"p": Model(at=datetime(2026, 1, 1, tzinfo=UTC))}, b'{"p":{"at":"2026-01-01T00:00:00Z"}}'),
        (numpy.float64(1.5), b"1.5"),
        (numpy.arange(3), b"[0,1,2]"),
        ("a\0b", b'"ab"'),
        ((1, 2), b"[1,2]"),
    ],
    ids=repr,
)
async def test_a_return_completes_the_job_with_the_value_as_json(
    kind: Callable[..., Any], value: Any, result: bytes | None
) -> None:
    assert await outcome_of(kind(lambda: value)) == Completed(result)


class Broken:
    def model_dump(self, mode: str) -> Any:  # noqa: ARG002 - pydantic's signature
        raise KeyError("field")


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@both
@pytest.mark.parametrize(
    "value", [object(), 1j, "\ud800", Broken(), {"a": lambda: 1}, (n for n in [1]), nested(100_000)]
)
async def test_a_value_without_json_fails_the_job_for_good(kind: Callable[..., Any], value: Any) -> None:
    outcome = await outcome_of(kind(lambda: value))
    assert isinstance(outcome, Errored)
    assert outcome.error.startswith("the result cannot be stored as JSON: ")
    assert outcome.permanent


@both
async def test_a_number_that_json_has_not_is_refused_with_its_path(kind: Callable[..., Any]) -> None:
    outcome = await outcome_of(kind(lambda: {"a": [None, numpy.float64("nan")]}))
    assert isinstance(outcome, Errored)
    assert outcome.error.endswith(
        "JSON: ValueError: result.a[1]: nan is not a JSON number: give null or text"
    )


async def test_a_plain_wrapper_round_an_async_handler_is_awaited() -> None:
    async def handler() -> str:
        await asyncio.sleep(0)
        return "awaited"

    @functools.wraps(handler)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return handler(*args, **kwargs)

    assert await outcome_of(wrapper) == Completed(b'"awaited"')
    assert await outcome_of(wrapper, stopping=True) == Released("stopped")


@both
async def test_a_result_too_large_for_a_row_fails_the_job_for_good(kind: Callable[..., Any]) -> None:
    assert isinstance(await outcome_of(kind(lambda: "x" * (LARGEST_JSON_BYTES - 2))), Completed)
    outcome = await outcome_of(kind(lambda: "x" * (LARGEST_JSON_BYTES - 1)))
    assert isinstance(outcome, Errored)
    assert outcome.error.startswith("the result has 1,000,001 bytes of JSON, more than 1,000,000; store it")
    assert outcome.permanent


ASKED: list[tuple[Exception, Outcome]] = [
    (Snooze(5), Snoozed(5.0)),
    (Snooze(timedelta(minutes=1)), Snoozed(60.0)),
    (Snooze(-5), Snoozed(0.0)),
    (Cancel("no longer wanted"), Cancelled("no longer wanted")),
    (Cancel("two\nlines password=x"), Cancelled("two lines password=***")),
    (Cancel(), Cancelled("cancelled by its handler")),
    (Cancel(""), Cancelled("")),
]


@both
@pytest.mark.parametrize(("asked", "outcome"), ASKED, ids=repr)
async def test_what_a_handler_asks_for_may_be_raised_or_returned(
    kind: Callable[..., Any], asked: Exception, outcome: Outcome
) -> None:
    assert await outcome_of(kind(raising(asked))) == outcome
    assert await outcome_of(kind(lambda: asked)) == outcome


@both
async def test_a_retry_comes_after_the_time_it_names(kind: Callable[..., Any]) -> None:
    for act in (raising(Retry(90, "busy")), lambda: Retry(timedelta(seconds=90), "busy")):
        outcome = await outcome_of(kind(act))
        assert isinstance(outcome, Errored)
        assert (outcome.error, outcome.after_seconds, outcome.permanent) == ("busy", 90.0, False)


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 60), (4, 480), (5, 600), (32_000, 600)])
async def test_an_unknown_key_is_waited_for_minutes_at_any_attempt(attempt: int, seconds: float) -> None:
    async def handler(known: int) -> None: ...

    outcome = await outcome_of(handler, payload={"known": 1, "new": 2}, attempt=attempt)
    assert isinstance(outcome, Errored)
    assert outcome.after_seconds == seconds
    assert "unknown field `new`; a newer worker may know it" in outcome.error


@both
async def test_a_permanent_error_ends_the_job(kind: Callable[..., Any]) -> None:
    class NoSuchMonth(PermanentError):
        pass

    outcome = await outcome_of(kind(raising(NoSuchMonth("13"))))
    assert isinstance(outcome, Errored)
    assert (outcome.error, outcome.permanent) == ("NoSuchMonth: 13", True)


def grouped(*errors: BaseException) -> BaseException:
    return BaseExceptionGroup("unhandled errors in a TaskGroup", list(errors))


def caused_by(cause: BaseException) -> BaseException:
    error = ValueError("wrapped")
    error.__cause__ = cause
    return error


PERMANENT, CANCEL = PermanentError("no such month"), Cancel("unwanted")


class NotYet(Snooze):
    """As people write them: without the constructor of the class above."""

    def __init__(self, **facts: Any) -> None:
        self.__dict__ |= facts


@pytest.mark.parametrize("delay", [None, "soon", 10**400, math.nan], ids=["none", "words", "huge", "nan"])
def test_a_delay_that_is_none_fails_the_attempt_and_is_told(delay: object) -> None:
    outcome = meaning_of(NotYet(delay_seconds=delay), stopping=False)
    assert isinstance(outcome, Errored)
    assert "cannot be followed" in outcome.error


def test_a_class_below_snooze_is_taken_at_its_word() -> None:
    assert meaning_of(NotYet(delay_seconds=timedelta(minutes=2)), stopping=False) == Snoozed(120.0)
    assert isinstance(meaning_of(NotYet(), stopping=False), Errored)


RETRY, SNOOZE = Retry(9, "busy"), Snooze(5)


@both
@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (grouped(SNOOZE), "Snoozed"),
        (grouped(grouped(SNOOZE), grouped(SNOOZE)), "Snoozed"),
        (grouped(SNOOZE, ValueError()), "ExceptionGroup"),
        (grouped(SNOOZE, RETRY, ValueError()), "busy"),
        (grouped(SNOOZE, RETRY, CANCEL), "Cancelled"),
        (grouped(SNOOZE, RETRY, grouped(CANCEL, caused_by(PERMANENT))), "PermanentError: no such month"),
        (caused_by(SNOOZE), "Snoozed"),
        (caused_by(caused_by(PERMANENT)), "PermanentError: no such month"),
        (caused_by(grouped(CANCEL)), "Cancelled"),
        (caused_by(KeyError()), "ValueError: wrapped"),
    ],
    ids=repr,
)
async def test_of_several_exceptions_the_gravest_meaning_counts(
    kind: Callable[..., Any], error: BaseException, meaning: str
) -> None:
    outcome = await outcome_of(kind(raising(error)))
    if isinstance(outcome, Errored):
        assert outcome.error.startswith(meaning)
        assert outcome.permanent == (meaning == "PermanentError: no such month")
        assert (outcome.after_seconds == 9.0) == (meaning == "busy")
    else:
        assert type(outcome).__name__ == meaning


async def test_a_task_group_whose_child_snoozes_snoozes() -> None:
    async def child() -> None:
        raise Snooze(5)

    async def handler() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(child())
            group.create_task(asyncio.sleep(60))

    assert await outcome_of(handler) == Snoozed(5.0)


async def test_a_group_of_stops_is_a_stop_only_where_the_run_was_stopped() -> None:
    stops = grouped(RunStopped(), asyncio.CancelledError())
    assert await outcome_of(plain(raising(stops)), stopping=True) == Released("stopped")
    assert isinstance(await outcome_of(plain(raising(stops))), Errored)
    late = caused_by(asyncio.CancelledError())  # as asyncio.timeout raises
    assert isinstance(await outcome_of(plain(raising(late)), stopping=True), Errored)


async def test_an_error_that_is_its_own_cause_is_an_error() -> None:
    error = ValueError("a circle")
    error.__cause__ = error
    outcome = await outcome_of(plain(raising(error)))
    assert isinstance(outcome, Errored)
    assert outcome.error == "ValueError: a circle"


class Rude(BaseException):
    pass


class Mute(Exception):
    def __str__(self) -> str:
        raise SystemExit


ERRORS: list[tuple[BaseException | type[BaseException], str]] = [
    (ValueError("no such month"), "ValueError: no such month"),
    (KeyError("spot"), "KeyError: 'spot'"),
    (MemoryError(), "MemoryError"),
    (SystemExit(3), "SystemExit: 3"),
    (KeyboardInterrupt(), "KeyboardInterrupt"),
    (asyncio.CancelledError(), "CancelledError"),
    (RunStopped(), "RunStopped"),
    (StopAsyncIteration(), "StopAsyncIteration"),
    (GeneratorExit(), "GeneratorExit"),
    (Rude("!"), "Rude: !"),
    (Mute(), "Mute"),
    (ExceptionGroup("two", [ValueError()]), "ExceptionGroup: two (1 sub-exception)"),
    (ValueError("\0password=hunter2\ud800"), "ValueError: password=***"),
]


@both
@pytest.mark.parametrize(("error", "described"), ERRORS, ids=lambda value: type(value).__name__)
async def test_any_error_fails_the_attempt_and_nothing_else(
    kind: Callable[..., Any], error: BaseException, described: str
) -> None:
    outcome = await outcome_of(kind(raising(error)))
    assert isinstance(outcome, Errored)
    assert outcome.error == described
    assert (outcome.permanent, outcome.after_seconds) == (False, None)
    assert outcome.memory_bytes is not None
    assert outcome.memory_bytes > 10 * 2**20


async def test_stop_iteration_fails_the_attempt_like_any_error() -> None:
    outcome = await outcome_of(plain(lambda: next(iter([]))))
    assert isinstance(outcome, Errored)
    assert outcome.error == "StopIteration"
    outcome = await outcome_of(asynchronous(lambda: next(iter([]))))
    assert isinstance(outcome, Errored)
    assert outcome.error == "RuntimeError: coroutine raised StopIteration"


@both
async def test_endless_recursion_fails_the_attempt(kind: Callable[..., Any]) -> None:
    def deeper() -> None:
        deeper()

    outcome = await outcome_of(kind(deeper))
    assert isinstance(outcome, Errored)
    assert outcome.error.startswith("RecursionError: ")
    assert outcome.traceback is not None


@both
@pytest.mark.parametrize("error", [RunStopped(), asyncio.CancelledError()], ids=repr)
async def test_a_run_that_ends_because_it_was_stopped_is_given_back(
    kind: Callable[..., Any], error: BaseException
) -> None:
    assert await outcome_of(kind(raising(error)), stopping=True) == Released("stopped")


@both
async def test_a_run_that_was_stopped_and_fails_in_its_own_way_has_failed(kind: Callable[..., Any]) -> None:
    outcome = await outcome_of(kind(raising(ValueError("late"))), stopping=True)
    assert isinstance(outcome, Errored)
    assert await outcome_of(kind(lambda: 1), stopping=True) == Completed(b"1")


NOTES: dict[str, Callable[[Context, str], None]] = {
    "progress": lambda context, text: context.progress(1, message=text),
    "checkpoint": lambda context, text: context.checkpoint(text),
}


@pytest.mark.parametrize("what", NOTES)
async def test_progress_or_a_checkpoint_too_large_for_a_row_fails_the_job_for_good(what: str) -> None:
    def tells(context: Context) -> None:
        NOTES[what](context, "x" * (LARGEST_JSON_BYTES - 100))
        NOTES[what](context, "x" * LARGEST_JSON_BYTES)

    outcome = await outcome_of(tells)
    assert isinstance(outcome, Errored)
    assert outcome.error.startswith(f"PermanentError: the {what} has 1,000,0")
    assert outcome.error.endswith("more than 1,000,000; store it elsewhere and leave where it is")
    assert outcome.permanent


@pytest.mark.parametrize("tell", ["progress", "checkpoint"])
async def test_a_stopped_run_ends_at_its_next_word(tell: str) -> None:
    after: list[str] = []

    def handler(context: Context) -> None:
        try:
            getattr(context, tell)(1)
        except Exception:
            after.append("caught")
        after.append("went on")

    assert await outcome_of(handler, stopping=True) == Released("stopped")
    assert after == []


def trace_of(outcome: Outcome) -> list[str]:
    assert isinstance(outcome, Errored)
    assert outcome.traceback is not None
    return outcome.traceback.splitlines()


async def test_the_traceback_begins_at_the_handler() -> None:
    def handler(spot: float) -> None:
        raise ValueError("here")

    async def async_handler(spot: float) -> None:
        raise ValueError("here")

    for each in (handler, async_handler):
        lines = trace_of(await outcome_of(each, payload={"spot": 1}))
        assert lines[0] == "Traceback (most recent call last):"
        assert lines[1].startswith(f'  File "{__file__}", line ')
        assert lines[1].endswith(f"in {each.__name__}")
        assert lines[-1] == "ValueError: here"
        assert not any(PACKAGE in line for line in lines)


async def test_the_traceback_shows_causes_and_no_secrets() -> None:
    def handler() -> None:
        try:
            dict[str, int]()["postgresql://app:hunter2@db/app"]
        except KeyError as error:
            raise ValueError("outer") from error

    trace = "\n".join(trace_of(await outcome_of(handler)))
    assert "KeyError: 'postgresql://app:***@db/app'" in trace
    assert trace.index("KeyError") < trace.index("ValueError: outer")
    assert "hunter2" not in trace


async def test_a_payload_that_does_not_fit_never_reaches_the_handler() -> None:
    called: list[float] = []

    def handler(spot: float) -> None:
        called.append(spot)

    outcome = await outcome_of(handler, payload={"spot": "x"})
    assert isinstance(outcome, Errored)
    assert outcome.error == (
        "PermanentError: payload is not what this type takes: Expected `float`, got `str` - at `payload.spot`"
    )
    assert (outcome.permanent, outcome.traceback, called) == (True, None, [])


@pytest.fixture
def colour() -> Iterator[contextvars.ContextVar[str]]:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("colour")
    token = variable.set("red")
    yield variable
    variable.reset(token)


@both
async def test_a_run_knows_its_job_and_its_callers_context(kind: Callable[..., Any]) -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("colour")
    variable.set("red")

    def act() -> Any:
        job = current_job.get()
        return [variable.get(), job and job.id]

    assert await outcome_of(kind(act), id=42) == Completed(b'["red",42]')


async def test_what_a_thread_sets_stays_in_its_run() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("colour", default="none")

    def handler() -> str:
        before = variable.get()
        variable.set("blue")
        return before

    assert await outcome_of(handler) == Completed(b'"none"')
    assert await outcome_of(handler) == Completed(b'"none"')


async def test_a_handler_sees_the_facts_of_its_job() -> None:
    seen: list[Any] = []

    def handler(context: Context) -> None:
        seen.append((context.job, context.cancelled))

    await outcome_of(handler, id=42, attempt=2, queue="ai", priority=10, checkpoint='{"row": 5}')
    ((job, cancelled),) = seen
    assert (job.id, job.type, job.queue, job.priority, job.attempt) == (42, "model_run", "ai", 10, 2)
    assert (job.max_attempts, job.checkpoint, cancelled) == (3, {"row": 5}, False)


def test_a_delay_that_no_row_could_hold_is_refused_where_it_is_given() -> None:
    for make in (Snooze, Retry):
        for delay in (float("inf"), float("nan"), timedelta.max, 1e300):
            with pytest.raises(ValueError, match="give at most 36,500 days"):
                make(delay)


def test_a_made_job_is_the_one_that_runs_everywhere_else() -> None:
    assert isinstance(a_job(payload={"a": 1}), Job)
