"""Events and who is told of them: lists, telling again, and what the doctor says of receivers.

In: a link. Out: rows, and checks. Called by every face.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rowcrew.admin.check import Check, check
from rowcrew.settings import Settings
from rowcrew.table import operator
from rowcrew.table.link import Link
from rowcrew.table.rows import EventState, ListedEvent, ListedReceiver, Redelivered

_FAILING_ATTEMPTS: Final = 3


async def list_events(
    link: Link,
    *,
    kinds: Sequence[str] | None = None,
    states: Sequence[EventState] | None = None,
    limit: int = 20,
) -> list[ListedEvent]:
    """The newest events, newest first; None = any."""
    return await operator.list_events(link, kinds=kinds, states=states, limit=limit)


async def list_receivers(link: Link) -> list[ListedReceiver]:
    """Who is told, what waits for each, and what went wrong last."""
    return await operator.list_receivers(link)


async def redeliver(
    link: Link, *, ids: Sequence[int] | None = None, receiver: str | None = None
) -> list[Redelivered]:
    """Tell again of these events, or of all that were given up; under the same ids."""
    return await operator.redeliver(link, ids=ids, receiver=receiver)


async def receiver_checks(link: Link, settings: Settings) -> list[Check]:
    """One line for each receiver that fails or that a worker with these settings cannot tell."""
    receivers = await list_receivers(link)
    wrong = [found for receiver in receivers for found in _checks(receiver, settings)]
    if receivers and not wrong:
        return [check("events", "ok", f"nothing went wrong with {', '.join(one.name for one in receivers)}")]
    return wrong


def _checks(receiver: ListedReceiver, settings: Settings) -> Iterator[Check]:
    name = receiver.name
    if receiver.via == "webhook" and name not in {one.receiver for one in settings.event_secrets}:
        what = f"a worker with this environment has no secret for the receiver {name}, and does not tell it"
        yield check("events", "warning", what, f"set EVENT_SECRETS='{name}=whsec_…' for the workers")
    if receiver.via == "command" and receiver.target not in {one.name for one in settings.event_commands}:
        what = f"a worker with this environment knows no program {receiver.target}, which {name} names"
        yield check("events", "warning", what, "name it in EVENT_COMMANDS for the workers")
    if (receiver.attempts or 0) >= _FAILING_ATTEMPTS or receiver.failed:
        given_up = f", {receiver.failed} given up" if receiver.failed else ""
        what = f"the receiver {name} keeps failing, {receiver.waiting} waiting{given_up}: {receiver.error}"
        remedy = f"mend it, then: rowcrew events redeliver --failed --receiver {name}"
        yield check("events", "warning", what, remedy)
    elif receiver.error:
        what = f"the receiver {name} could not be told, {receiver.waiting} waiting: {receiver.error}"
        yield check("events", "warning", what, "workers try again by themselves, unless the reason stays")
