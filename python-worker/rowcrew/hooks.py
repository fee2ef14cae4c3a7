"""What a crew does around every run of its types, such as renewing a framework's connections, and in the end.

In: functions that `Crew.before_run`, `after_run` and `on_shutdown` register. Out: the calls, around a
handler, where the handler runs: in its thread, or on the event loop. Called by the runner's `invoke`, and in
the end by its `shutdown`.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, ExitStack
from datetime import timedelta
from typing import Any, Final

import msgspec

from rowcrew.context import CurrentJob
from rowcrew.model.errors import CrewError

SHUTDOWN_SECONDS: Final = 2.0
MOST_SHUTDOWN_SECONDS: Final = 300


class Hook(msgspec.Struct, frozen=True):
    """One registered function. Takes nothing, or the facts of the job."""

    function: Callable[..., Any]
    takes_job: bool
    is_async: bool

    def __call__(self, job: CurrentJob) -> Any:
        return self.function(job) if self.takes_job else self.function()

    async def wait(self, job: CurrentJob) -> None:
        answer = self(job)
        if inspect.isawaitable(answer):
            await answer


class ShutdownHook(msgspec.Struct, frozen=True):
    """A function to call when a runner leaves in good order, and how long it may take."""

    function: Callable[[], Any]
    seconds: float


class Hooks:
    """The hooks of one crew. `some`: there are any, which every run asks."""

    def __init__(self) -> None:
        self.before: list[Hook] = []
        self.after: list[Hook] = []
        self.some = False

    def add(self, hooks: list[Hook], function: Callable[..., Any]) -> None:
        hooks.append(_hook(function))
        self.some = True

    async def around_async(self, job: CurrentJob, call: Callable[[], Awaitable[Any]]) -> Any:
        """Everything on the event loop."""
        return await _around(self.before, self.after, job, call)

    async def around_plain(self, job: CurrentJob, call: Callable[[], Awaitable[Any]]) -> Any:
        """The asynchronous hooks of a plain handler; `call` makes the others, in the handler's thread."""
        return await _around(_async(self.before), _async(self.after), job, call)

    def in_thread(self, job: CurrentJob, call: Callable[[], Any]) -> Any:
        """The plain hooks, where a plain handler runs."""
        with ExitStack() as afterwards:
            for hook in self.after:
                if not hook.is_async:
                    afterwards.callback(hook, job)
            for hook in self.before:
                if not hook.is_async:
                    hook(job)
            return call()


async def _around(
    before: Sequence[Hook], after: Sequence[Hook], job: CurrentJob, call: Callable[[], Awaitable[Any]]
) -> Any:
    """All hooks after a run are called, whatever the run and other hooks do; the last registered first."""
    async with AsyncExitStack() as afterwards:
        for hook in after:
            afterwards.push_async_callback(hook.wait, job)
        for hook in before:
            await hook.wait(job)
        return await call()


def _async(hooks: Sequence[Hook]) -> list[Hook]:
    return [hook for hook in hooks if hook.is_async]


def shutdown_hook(function: Callable[..., Any], timeout: float | timedelta) -> ShutdownHook:
    """A function without parameters, and its limit.

    Raises:
        CrewError: it needs something, or the limit cannot be.
    """
    seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
    if _hook(function).takes_job:
        raise CrewError(f"{_name(function)}: a hook that is called at shutdown takes nothing")
    if not 0 < seconds <= MOST_SHUTDOWN_SECONDS:
        raise CrewError(
            f"{_name(function)}: timeout: {timeout!r} must be more than 0 and"
            f" at most {MOST_SHUTDOWN_SECONDS} seconds"
        )
    return ShutdownHook(function, seconds)


def _name(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__qualname__", function))


def _hook(function: Callable[..., Any]) -> Hook:
    parameters = inspect.signature(function).parameters.values()
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    needed = [
        p for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    if len(positional) > 1 or [p for p in needed if p not in positional]:
        raise CrewError(f"{_name(function)}: a hook takes nothing, or the facts of the job")
    return Hook(function, bool(positional), inspect.iscoroutinefunction(function))
