"""A call that takes long, made in a thread, while the run stays one that can be stopped.

In: a call, and what to look at meanwhile. Out: what the call gives. Called by `asking`.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Thread
from typing import Final, TypeVar

T = TypeVar("T")
_LOOK_SECONDS: Final = 0.2


def in_background(call: Callable[[], T], look: Callable[[], None]) -> T:
    """What `call` gives; `look` may raise meanwhile, which leaves the call to its own end."""
    future: Future[T] = Future()
    Thread(target=_answer, args=(call, future), daemon=True).start()
    while not wait([future], timeout=_LOOK_SECONDS).done:
        look()
    return future.result()


def _answer(call: Callable[[], T], future: Future[T]) -> None:
    try:
        future.set_result(call())
    except BaseException as error:
        future.set_exception(error)
