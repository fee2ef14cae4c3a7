"""Calls what a crew wants done when its runner leaves in good order: one hook after another, last one first.

In: the hooks of the crew. Out: their effects, and lines of the log about those that failed or took too long.
Called by a runner after its last run, on its event loop.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from rowcrew.hooks import ShutdownHook
from rowcrew.runner import leaving


async def shut_down(hooks: Sequence[ShutdownHook]) -> None:
    """Call all of them in a process that is the runner's own, which may take as long as they may together."""
    leaving.allow(sum(hook.seconds for hook in hooks))
    await call_hooks(hooks)


async def call_hooks(hooks: Sequence[ShutdownHook]) -> None:
    """Call all of them, whatever becomes of each."""
    for hook in reversed(hooks):
        await _call(hook)


async def _call(hook: ShutdownHook) -> None:
    log, name = logging.getLogger("rowcrew"), getattr(hook.function, "__qualname__", hook.function)
    calling = asyncio.create_task(_error_of(hook.function))
    ended, _ = await asyncio.wait({calling}, timeout=hook.seconds)  # a deaf one stays behind
    if not ended:
        calling.cancel()
        log.error("shutdown hook %s: not done within %g seconds, left behind", name, hook.seconds)
    elif (error := calling.result()) is not None:
        log.error("shutdown hook %s failed", name, exc_info=error)


async def _error_of(function: Callable[[], Any]) -> BaseException | None:
    """What it raised, such as SystemExit: no task may end the event loop now."""
    try:
        answer = function() if inspect.iscoroutinefunction(function) else await _in_thread(function)
        if inspect.isawaitable(answer):
            await answer
    except BaseException as error:
        return error
    return None


async def _in_thread(function: Callable[[], Any]) -> Any:
    """In a thread that keeps nobody: neither the event loop nor Python waits for its end."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Any] = loop.create_future()

    def settle(value: Any, error: BaseException | None) -> None:
        if answer.done():  # given up
            return
        if error is None:
            answer.set_result(value)
        else:
            answer.set_exception(error)

    def call() -> None:
        value, error = None, None
        try:
            value = function()
        except BaseException as raised:
            # A future takes no StopIteration.
            error = RuntimeError(repr(raised)) if isinstance(raised, StopIteration) else raised
        with suppress(RuntimeError):  # the event loop has ended without it
            loop.call_soon_threadsafe(settle, value, error)

    threading.Thread(target=call, name="shutdown hook", daemon=True).start()
    return await answer
