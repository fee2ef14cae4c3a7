"""The event loop that control and runners run on: uvloop where it is installed, asyncio elsewhere."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T], *, broken: Callable[[BaseException], None] | None = None) -> T:
    """Run a program's main coroutine to its end.

    `broken` is told of an error that ends the loop before tasks that are left are cancelled.

    What is loaded by now lives as long as the process, and a job makes many objects that die young: with its
    own thresholds the collector takes a tenth of a no-op job's processor time. A runner calls it by the clock
    as well.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    runner = asyncio.Runner(loop_factory=loop_factory())
    try:
        return runner.run(main)
    except BaseException as error:
        if broken is not None:
            broken(error)
        raise
    finally:
        with suppress(OSError, RuntimeError):  # uvloop wants descriptors for the turn that ends it
            runner.close()


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """What makes the fastest event loop that is installed; None = the standard library's own."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
