"""Who did what: an event for each change that somebody made over HTTP.

In: an operation and what was given. Out: a row of `events`, which receivers may hear of. Called when the
change is made.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rowcrew import client
from rowcrew.model.event import NewEvent
from rowcrew.table.link import Link
from rowcrew.web.api.operation import Given, Operation

_MOST_SUBJECT = 200


async def note(
    link: Link, operation: Operation, given: Given, tells: Mapping[str, Any] | None = None
) -> None:
    """The kind is the operation, such as `web.cancel_job`; the subject is the id or name in its path."""
    kind = re.sub("(?<=[a-z])(?=[A-Z])", "_", operation.name).lower()
    subject = " ".join(given.path.values())[:_MOST_SUBJECT]
    detail = {"actor": given.user.name, "role": given.user.role, "path": operation.path, **(tells or {})}
    await client.emit_async(NewEvent(f"web.{kind}", subject, detail=detail), on=link)
