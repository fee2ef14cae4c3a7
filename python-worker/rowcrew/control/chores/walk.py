"""Walks a table by its key in small batches that block nobody, so that no index is needed for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import psycopg

from rowcrew.table.link import is_about_data

BATCH: Final = 2_000
_BREATH_SECONDS: Final = 0.05

Place = TypeVar("Place", int, str)


async def past_odd(
    step: Callable[[Place, int], Awaitable[tuple[Place | None, int]]],
    pass_over: Callable[[Place, psycopg.Error], Awaitable[tuple[Place | None, int]]],
    after: Place,
    batch: int,
) -> tuple[Place | None, int]:
    """One step; a row with which it fails is halved down to and passed over, and the others are taken."""
    try:
        return await step(after, batch)
    except psycopg.Error as error:
        if not is_about_data(error):
            raise
        if batch == 1:
            return await pass_over(after, error)
    came_to, done = await past_odd(step, pass_over, after, batch // 2)
    if came_to is None:
        return None, done
    further, more = await past_odd(step, pass_over, came_to, batch - batch // 2)
    return further or came_to, done + more


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
