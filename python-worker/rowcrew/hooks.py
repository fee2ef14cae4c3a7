"""What a crew does before and after every run of its types, such as renewing a framework's connections.

In: functions that `Crew.before_run` and `Crew.after_run` register. Out: the calls, around a handler,
where the handler runs: in its thread, or on the event loop. Called by the runner's `invoke`.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, ExitStack
from typing import Any

import msgspec

from rowcrew.context import CurrentJob
from rowcrew.model.errors import CrewError


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


def _hook(function: Callable[..., Any]) -> Hook:
    parameters = inspect.signature(function).parameters.values()
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    needed = [
        p for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    if len(positional) > 1 or [p for p in needed if p not in positional]:
        raise CrewError(f"{function.__qualname__}: a hook takes nothing, or the facts of the job")
    return Hook(function, bool(positional), inspect.iscoroutinefunction(function))
