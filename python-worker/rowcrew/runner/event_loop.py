"""The event loop that control and runners run on: uvloop where it is installed, asyncio elsewhere."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a program's main coroutine to its end.

    What is loaded by now lives as long as the process, and a job makes many objects that die young: with its
    own thresholds the collector takes a tenth of a no-op job's processor time. A runner calls it by the clock
    as well.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    return uvloop.run(main)
