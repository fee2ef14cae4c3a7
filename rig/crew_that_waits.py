"""Handlers whose jobs wait for each other, loaded by runner processes as `crew_that_waits:crew`."""

from __future__ import annotations

import msgspec

from rowcrew import Context, Crew
from rowcrew.client import enqueue

crew = Crew()


class Broken(Exception):
    """What `part` raises on demand."""


@crew.job("part", max_attempts=1)
def part(number: int) -> int:
    if number < 0:
        raise Broken(f"part {number}")
    return number


@crew.job("total", max_attempts=1)
def total(context: Context) -> dict[str, int | None]:
    return {str(each.id): each.result for each in context.dependencies}


@crew.job("fan_out", max_attempts=1)
async def fan_out(context: Context, parts: list[int], besides: list[int] | None = None) -> list[str]:
    parted = await context.dependencies
    if not parted:
        context.wait_for([*(part.new_job(number) for number in parts), *(besides or [])])
    return sorted(f"{each.type} {each.status} {each.result} attempt {context.job.attempt}" for each in parted)


@crew.job("keyed", max_attempts=1)
def keyed(context: Context, key: str) -> int:
    """Waits for the only job of this key, whoever enqueued it."""
    known = list(context.dependencies)
    context.wait_for([] if known else [msgspec.structs.replace(part.new_job(7), unique_key=key)])
    return known[0].id


@crew.job("circle", max_attempts=1)
def circle(context: Context) -> None:
    context.wait_for([msgspec.structs.replace(part.new_job(1), after=(context.job.id,))])


@crew.job("with_transaction", max_attempts=1)
def with_transaction(context: Context) -> None:
    """Completes by its own transaction, and enqueues one that waits for it."""
    with context.transaction() as connection:
        connection.execute("SELECT 1")
    context.enqueue(msgspec.structs.replace(part.new_job(5), after=(context.job.id,)))


@crew.job("reads_on_the_loop", max_attempts=1)
async def reads_on_the_loop(context: Context) -> None:
    list(context.dependencies)


@crew.job("enqueues_a_chain", max_attempts=1)
def enqueues_a_chain() -> list[int]:
    first = part.enqueue(1)
    second = part.using(after=[first]).enqueue(2)
    return [first.id, second.id, enqueue("total", after=[first, second]).id]
