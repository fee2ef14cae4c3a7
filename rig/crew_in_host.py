"""Handlers that run on the event loop of the host of their worker; loaded as `rig.crew_in_host:crew`.

What they tell stands in `told`, an object of the host's that no other process would see.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rowcrew import Context, Crew

crew = Crew()
told: list[str] = []
gates: dict[str, asyncio.Event] = {}


@contextmanager
def fresh() -> Iterator[None]:
    """Nothing of an earlier test is told."""
    told.clear()
    gates.clear()
    yield


def gate(name: str) -> asyncio.Event:
    return gates.setdefault(name, asyncio.Event())


@crew.job
async def where() -> dict[str, Any]:
    return {"pid": os.getpid(), "loop": id(asyncio.get_running_loop())}


@crew.job
async def wait_at(context: Context, name: str) -> str:
    """Waits at a gate, and obeys when it is told to end."""
    told.append(f"begins {context.job.attempt}")
    try:
        await gate(name).wait()
    except asyncio.CancelledError:
        told.append("is cancelled")
        raise
    return "through"


@crew.job(timeout=0.2, max_attempts=2)
async def deaf(context: Context, name: str) -> str:
    """Waits at a gate whatever it is told, at its first attempt."""
    told.append(f"begins {context.job.attempt}")
    while context.job.attempt == 1 and not gate(name).is_set():
        try:
            await gate(name).wait()
        except asyncio.CancelledError:
            told.append("passes over")
    told.append(f"ends {context.job.attempt}")
    return f"by attempt {context.job.attempt}"


@crew.job
async def write(context: Context, text: str) -> None:
    async with context.transaction() as connection:
        await connection.execute("CREATE TABLE written AS SELECT %s::text AS text", (text,))


@crew.on_shutdown()
async def leave() -> None:
    told.append("leaves")
