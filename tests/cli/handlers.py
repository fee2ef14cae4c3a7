"""The crew of these tests' workers."""

from __future__ import annotations

import asyncio

from rowcrew import Context, Crew

crew = Crew()


@crew.job("greet", queue="hello", priority="high", max_attempts=2)
async def greet(name: str) -> dict[str, str]:
    """Say hello."""
    return {"greeting": f"Hello {name}"}


@crew.job("step")
async def step(context: Context) -> str:
    context.progress(5, 10, "Processing chunks")
    await asyncio.sleep(0.3)
    return "done"


@crew.job("broken", max_attempts=1)
async def broken() -> None:
    raise ValueError("no such customer")


@crew.job("endless")
async def endless() -> None:
    await asyncio.Event().wait()
