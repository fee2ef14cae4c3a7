"""What a worker asks of events: one function for each statement in `sql/events/`, of the same name.

In: a link and plain values. Out: rows with names. Each raises psycopg.Error when the link is lost, the
deadline is over or the server refuses. Called by the chores that tell of events.
"""

from __future__ import annotations

import uuid
from typing import Final, NamedTuple

from rowcrew.model.event import Message, Receiver
from rowcrew.table.link import CHORE_SECONDS, Link
from rowcrew.table.statements import SQL

MOST_MERGED: Final = 5000
BATCH: Final = 1000


class Merged(NamedTuple):
    """How many events went into how many messages."""

    events: int
    messages: int


async def receivers(link: Link) -> list[Receiver]:
    return [Receiver(*row) for row in await link.fetch(SQL["events/receivers"], {}, CHORE_SECONDS)]


async def merge(link: Link, *, merge_seconds: float, most: int = MOST_MERGED) -> Merged:
    """Make messages of at most so many events; nothing while another worker does."""
    parameters = {"merge_seconds": merge_seconds, "most": most}
    (row,) = await link.fetch(SQL["events/merge"], parameters, CHORE_SECONDS)
    return Merged(*row)


async def claim(link: Link, *, receiver: str, claim: uuid.UUID, claim_seconds: float) -> Message | None:
    """The next message that is due for this receiver."""
    parameters = {"receiver": receiver, "claim": claim, "claim_seconds": claim_seconds}
    rows = await link.fetch(SQL["events/claim"], parameters, CHORE_SECONDS)
    return Message(*rows[0]) if rows else None


async def settle(
    link: Link,
    *,
    id: int,
    receiver: str,
    claim: uuid.UUID,
    error: str | None,
    most: int,
    backoff_seconds: float,
) -> bool | None:
    """Whether the message was given up; None when the claim had run out. `error` None = it was told."""
    parameters = {
        "id": id,
        "receiver": receiver,
        "claim": claim,
        "error": error,
        "most": most,
        "backoff_seconds": backoff_seconds,
    }
    rows = await link.fetch(SQL["events/settle"], parameters, CHORE_SECONDS)
    return bool(rows[0][0]) if rows else None


async def tell_deep_queues(link: Link) -> list[str]:
    """The queues that were told of."""
    return [queue for (queue,) in await link.fetch(SQL["events/tell_deep_queues"], {}, CHORE_SECONDS)]


async def prune_events(link: Link, *, keep: float, batch: int = BATCH) -> int:
    """Delete a batch of each that is older than `keep` seconds; how many rows."""
    parameters = {"keep": keep, "batch": batch}
    ((deleted,),) = await link.fetch(SQL["events/prune_events"], parameters, CHORE_SECONDS)
    return int(deleted)
