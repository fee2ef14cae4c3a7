"""Walks a table by its key in small batches that block nobody, so that no index is needed for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

BATCH: Final = 2_000
_BREATH_SECONDS: Final = 0.05

Place = TypeVar("Place", int, str)


async def walk(
    step: Callable[[Place, int], Awaitable[tuple[Place | None, int]]],
    after: Place,
    *,
    start: Place,
    idle_batches: int | None,
) -> tuple[int, Place]:
    """From the row after this one to the end, or until so many batches in a row had nothing to delete.

    Args:
        step: deletes within so many rows after a place; answers where it came to, and how many went.
        start: the place before all rows.

    Returns:
        How many rows were deleted, and the place to go on from: `start` after the end.
    """
    deleted, idle = 0, 0
    while idle_batches is None or idle < idle_batches:
        came_to, gone = await step(after, BATCH)
        if came_to is None:
            return deleted, start
        deleted, after = deleted + gone, came_to
        idle = 0 if gone else idle + 1
        await asyncio.sleep(_BREATH_SECONDS)
    return deleted, after
