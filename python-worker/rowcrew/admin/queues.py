"""Queues and the workers that serve them: how they stand, and which crowds wait.

In: a link. Out: rows, and for each waiting crowd what live workers offer it. Called by every face.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from rowcrew.model.why import HeldBack, Service, meant
from rowcrew.table import operator, worker
from rowcrew.table.link import Link
from rowcrew.table.rows import (
    Crowd,
    ListedQueue,
    ListedType,
    PublishedType,
    ShownQueue,
)


class ServedCrowd(NamedTuple):
    """Jobs of one queue and type that wait, what live workers offer them, and which limits stop the queue."""

    crowd: Crowd
    service: Service
    held_back: list[HeldBack]


async def list_queues(link: Link) -> list[ListedQueue]:
    """Every queue with its jobs by status, what waits, and who serves it. Counts ended jobs too."""
    return await operator.list_queues(link)


async def show_queue(link: Link, queue: str) -> ShownQueue | None:
    """A queue's row, what waits and runs there, and who serves it; None when nobody has named it."""
    return await operator.show_queue(link, queue)


async def meant_queue(link: Link, queue: str) -> str:
    """The end of a sentence about a queue that nobody has named: the name that was meant, if one is close."""
    return meant(queue, await operator.queue_names(link))


async def meant_type(link: Link, type: str) -> str | None:
    """The same about a type that no worker has published; None = one has."""
    known = [one.type for one in await operator.list_types(link)]
    return None if type in known else meant(type, known)


async def set_queue(
    link: Link,
    queue: str,
    columns: Mapping[str, int | str | bool | None],
    *,
    seconds: int | None = None,
    check: Callable[[ShownQueue | None], None] | None = None,
) -> None:
    """Change the row of a queue, which gets one if it has none. Workers heed it at their next look.

    Args:
        columns: new values by column name; what is not named stays.
        seconds: how long changed limits hold, before the former come back; None = until the next change.
        check: sees the queue as nobody else changes it meanwhile; what it raises leaves all as it was.
    """
    async with link.transaction():
        if check is not None:
            await operator.lock_queue(link, queue)
            check(await operator.show_queue(link, queue))
        await worker.add_queue(link, queue)
        await operator.set_queue(
            link, queue=queue, columns=msgspec.json.encode(columns).decode(), seconds=seconds
        )


async def waiting_crowds(link: Link) -> list[ServedCrowd]:
    """What waits, by queue and type; the fifty largest crowds."""
    crowds = await operator.waiting(link)
    services = await operator.service(
        link, queues=[crowd.queue for crowd in crowds], types=[crowd.type for crowd in crowds]
    )
    offered = {(service.queue, service.type): service for service in services}
    ready = {crowd.queue for crowd in crowds if crowd.ready}
    held_back = {queue: await operator.held_back(link, queue=queue, key=None) for queue in ready}
    return [
        ServedCrowd(crowd, offered[crowd.queue, crowd.type], held_back.get(crowd.queue, []))
        for crowd in crowds
    ]


async def list_types(link: Link) -> list[ListedType]:
    """What workers have published."""
    return await operator.list_types(link)


async def show_type(link: Link, type: str) -> PublishedType | None:
    """A type with the JSON Schema of its payload; None when no worker has published it."""
    return await operator.show_type(link, type)
