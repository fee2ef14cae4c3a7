"""The threads of a runner, in which plain handlers run.

The standard pool queues a call before it starts a thread for it. When no thread can be started it raises, and
makes the call all the same as soon as another of its threads is free: after the run was said to have failed.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Threads(ThreadPoolExecutor):
    """A thread pool that never makes a call which it refused."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """As the standard pool's.

        Raises:
            RuntimeError: there is no thread for it, nor will it be called later.
        """
        call = _Call(functools.partial(fn, *args, **kwargs))
        try:
            super().submit(call)
        except RuntimeError:
            if call.take():
                raise
        return call.future


class _Call(Generic[T]):
    """A call that one thread makes, or nobody, when it was taken back before."""

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._taken = threading.Lock()
        self.future: Future[T] = Future()

    def take(self) -> bool:
        return self._taken.acquire(blocking=False)

    def __call__(self) -> Any:
        if not self.take() or not self.future.set_running_or_notify_cancel():
            return
        try:
            self.future.set_result(self._function())
        except BaseException as error:  # whatever it is, the one who waits for the future gets it
            self.future.set_exception(error)
