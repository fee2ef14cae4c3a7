"""Tells of queues that grow too deep: those with a row in `queue_alarms`, once a minute, whoever looks first.

In: the rows. Out: an event `queue.depth.high` for each queue where more jobs are ready than its row allows.
"""

from __future__ import annotations

from rowcrew.control.chores.chore import EVERY_MINUTE, UNTIL_WOKEN
from rowcrew.table import events as table
from rowcrew.table.link import Link


class DeepQueues:
    """The chore that looks at the depth of queues; the rows keep workers from looking at one twice."""

    name = "deep queues"
    period_seconds = UNTIL_WOKEN
    jitter_seconds = EVERY_MINUTE

    def __init__(self, *, link: Link) -> None:
        self._link = link

    async def once(self) -> None:
        await table.tell_deep_queues(self._link)
