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


@crew.job("talk_for_a_while")
async def talk_for_a_while() -> None:
    for word in ("one", "two", "three"):
        print(word)  # noqa: T201 - what is said is kept with the job
        await asyncio.sleep(0.7)
