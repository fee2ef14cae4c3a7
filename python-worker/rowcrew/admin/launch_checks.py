"""What the doctor says of launches: the queues whose workers were started in vain, and why.

In: a link. Out: a check for each of them. Called by `database_checks`.
"""

from __future__ import annotations

from rowcrew.admin.check import Check, check
from rowcrew.model.counting import counted
from rowcrew.model.duration import duration
from rowcrew.table import operator
from rowcrew.table.link import Link


async def launch_checks(link: Link) -> list[Check]:
    """A warning for each queue for which no worker has come since its last launches failed."""
    return [
        check(
            f"launches, queue {failed.queue}",
            "warning",
            f"{counted(failed.launches, 'worker')} launched in vain,"
            f" the last {duration(failed.since_seconds)} ago: {failed.error or 'no reason is known'}",
            "mend what the reason names; the log of the worker that was started says more",
        )
        for failed in await operator.failed_launches(link)
    ]
