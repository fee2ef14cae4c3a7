"""Calls a handler once and turns whatever it does into one `Outcome`.

In: a reserved job, its handler and the port its context speaks through. Out: an outcome, never an exception.
Called by the runner and by `rowcrew.testing`, so that tests run handlers as workers do.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import resource
import sys
import traceback
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog

from rowcrew import payload
from rowcrew.context import (
    Cancel,
    Context,
    CurrentJob,
    PermanentError,
    Retry,
    RunPort,
    RunStopped,
    Snooze,
    Wait,
    seconds_of,
)
from rowcrew.crew import HandledType
from rowcrew.model.backoff import Backoff
from rowcrew.model.cleaning import clean_json, clean_line, clean_text, describe, text_of
from rowcrew.model.job import Job
from rowcrew.model.json_values import json_text
from rowcrew.model.outcome import (
    LARGEST_JSON_BYTES,
    Cancelled,
    Completed,
    Errored,
    Outcome,
    Parked,
    Released,
    Snoozed,
)
from rowcrew.runner.exceptions import meant_by
from rowcrew.runner.forking import end_if_copy

STOPPED: Final = Released("stopped")
_UNKNOWN_KEY: Final = Backoff(base_seconds=60.0, cap_seconds=600.0)
_OWN_CODE: Final = (str(Path(__file__).parent), payload.__file__)

current_job: Final[contextvars.ContextVar[Job | None]] = contextvars.ContextVar("rowcrew_job", default=None)


async def invoke(job: Job, handled: HandledType, port: RunPort, threads: Executor) -> Outcome:
    """Run the handler with the job's payload; plain functions run in a thread of `threads`."""
    current_job.set(job)
    try:
        arguments = _arguments(job, handled, port)
        if handled.hooks.some:
            value = await _with_hooks(job, handled, arguments, port, threads)
        elif handled.is_async:
            value = await handled.handler(**arguments)
        else:
            value = await _plain(handled.handler, arguments, port, threads)
    except BaseException as error:  # a handler may raise SystemExit or worse; it ends the run, not the runner
        end_if_copy(error)
        port.raised(error)
        return outcome_of(error, stopping=port.stopping)
    end_if_copy()
    if value is None:
        return Completed()
    if isinstance(value, BaseException):
        port.raised(value)
        return outcome_of(value, stopping=port.stopping)
    return _completed(value)


def _arguments(job: Job, handled: HandledType, port: RunPort) -> dict[str, Any]:
    binding = handled.binding
    try:
        arguments = binding.decode(job.payload)
    except payload.UnknownKey as error:
        # A rolling deploy: producers are new, and old workers go within minutes.
        reason = f"{error}; a newer worker may know it"
        raise Retry(_UNKNOWN_KEY.ceiling(job.attempt), reason) from error
    if binding.context_parameter is not None:
        arguments[binding.context_parameter] = _context(job, port)
    return arguments


async def _with_hooks(
    job: Job, handled: HandledType, arguments: dict[str, Any], port: RunPort, threads: Executor
) -> Any:
    told, hooks = facts(job), handled.hooks
    call = functools.partial(handled.handler, **arguments)
    if handled.is_async:
        return await hooks.around_async(told, call)
    in_thread = functools.partial(hooks.in_thread, told, call)
    return await hooks.around_plain(told, lambda: _plain(in_thread, {}, port, threads))


async def _plain(
    handler: Callable[..., Any], arguments: Mapping[str, Any], port: RunPort, threads: Executor
) -> Any:
    """In a thread; what an async handler in a plain wrapper has made there is awaited here."""
    value = await _in_thread(handler, arguments, threads)
    return await _on_loop(value, port) if inspect.iscoroutine(value) else value


async def _in_thread(handler: Callable[..., Any], arguments: Mapping[str, Any], threads: Executor) -> Any:
    """What a plain handler returns or raises, both as a value.

    A future cannot carry StopIteration, and SystemExit must not reach the thread pool.
    """
    call = functools.partial(contextvars.copy_context().run, _returned_or_raised, handler, arguments)
    return await asyncio.get_running_loop().run_in_executor(threads, call)


async def _on_loop(coroutine: Coroutine[Any, Any, Any], port: RunPort) -> Any:
    if port.stopping:
        coroutine.close()
        raise RunStopped
    port.cancellable = True
    return await coroutine


def _returned_or_raised(handler: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    try:
        value = handler(**arguments)
    except BaseException as error:
        end_if_copy(error)
        return error
    end_if_copy()
    return value


def _context(job: Job, port: RunPort) -> Context:
    return Context(job=facts(job), port=port, log=structlog.get_logger())


def facts(job: Job) -> CurrentJob:
    return CurrentJob(
        id=job.id,
        type=job.type,
        queue=job.queue,
        priority=job.priority,
        attempt=job.attempt,
        max_attempts=job.max_attempts,
        checkpoint=None if job.checkpoint is None else msgspec.json.decode(job.checkpoint),
    )


def _completed(value: Any) -> Outcome:
    try:
        result = clean_json(json_text(value, "result"))
    except Exception as error:  # the value's own methods may raise anything
        return Errored(f"the result cannot be stored as JSON: {describe(error)}", permanent=True)
    if len(result) > LARGEST_JSON_BYTES:
        return Errored(
            f"the result has {len(result):,} bytes of JSON, more than {LARGEST_JSON_BYTES:,}; "
            "store it elsewhere and return where it is",
            permanent=True,
        )
    return Completed(result)


def outcome_of(error: BaseException, *, stopping: bool) -> Outcome:
    """What an exception out of a handler means; the traceback is of all of it."""
    try:
        return _outcome_of(error, stopping=stopping)
    except Exception as broken:  # a class of the user's own below `Snooze`, without its delay
        return _errored(error, f"{describe(error)} cannot be followed: {describe(broken)}")


def _outcome_of(error: BaseException, *, stopping: bool) -> Outcome:
    match meant := meant_by(error):
        case Snooze():
            return Snoozed(seconds_of(meant.delay_seconds))
        case Wait():
            return Parked(meant.children, meant.ids)
        case Cancel():
            return Cancelled(describe_reason(meant.reason))
        case Retry():
            return _errored(
                error, describe_reason(meant.reason), after_seconds=seconds_of(meant.after_seconds)
            )
        case PermanentError():
            return _errored(error, describe(meant), permanent=True)
        case RunStopped() | asyncio.CancelledError() if stopping:
            return STOPPED
        case _:
            return _errored(error, describe(error))


def describe_reason(reason: object) -> str:
    return clean_line(text_of(reason))


def _errored(
    error: BaseException, message: str, *, permanent: bool = False, after_seconds: float | None = None
) -> Errored:
    return Errored(message, _traceback(error), permanent, after_seconds, peak_memory_bytes())


def _traceback(error: BaseException) -> str | None:
    """The traceback from the handler on; None if the handler was not reached."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_OWN_CODE):
        trace = trace.tb_next
    if trace is None:
        return None
    try:
        return clean_text("".join(traceback.format_exception(type(error), error, trace, limit=-50)))
    except Exception:
        return None


def peak_memory_bytes() -> int:
    """The most memory this process has had in use."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
