"""Waiting for a condition in tests: with a generous deadline, never for a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(probe: Callable[[], T], deadline_seconds: float = 30) -> T:
    """Ask until the answer is truthy, and return it; fail with the last answer when the deadline passes."""
    deadline = time.monotonic() + deadline_seconds
    while not (answer := probe()):
        assert time.monotonic() < deadline, f"not within {deadline_seconds} s; the last answer was {answer!r}"
        time.sleep(0.02)
    return answer


async def as_far_as_it_gets(turns: int = 100) -> None:
    """Let every task go on until it waits for something, or somebody, outside of this loop.

    By turns of the loop, and not by time: a busy machine may let any time pass before the next turn.
    """
    for _ in range(turns):
        await asyncio.sleep(0)


async def comes_true(probe: Callable[[], object], deadline_seconds: float = 30) -> None:
    """`eventually`, while the event loop goes on."""
    async with asyncio.timeout(deadline_seconds):
        while not probe():  # noqa: ASYNC110 - a row changes in another process
            await asyncio.sleep(0.01)
