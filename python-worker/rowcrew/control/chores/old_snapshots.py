"""Names who holds up vacuum: once for each holder, as long as it holds.

In: what the server shows to this role. Out: a line in the log. Dead rows that nobody removes slow sweeps down
and let the table grow, and nothing else says why.
"""

from __future__ import annotations

from datetime import datetime

from rowcrew.control.chores.chore import EVERY_MINUTE
from rowcrew.log import Log
from rowcrew.model.holder import MOST_NAMED, OLD_SECONDS, OLD_TRANSACTIONS, Holder
from rowcrew.table import worker as table
from rowcrew.table.link import Link


class OldSnapshots:
    """The chore that looks for old snapshots.

    Args:
        seconds: how old the transaction of a session is when it is told.
        transactions: how many transactions a slot or a stand-by is behind by then.
    """

    name = "old snapshots"
    period_seconds = EVERY_MINUTE
    jitter_seconds = EVERY_MINUTE

    def __init__(
        self,
        *,
        link: Link,
        log: Log,
        seconds: float = OLD_SECONDS,
        transactions: int = OLD_TRANSACTIONS,
    ) -> None:
        self._link = link
        self._log = log
        self._seconds = seconds
        self._transactions = transactions
        self._told: set[tuple[str, str, int | None, datetime | None]] = set()

    async def once(self) -> None:
        holders = await table.snapshot_holders(
            self._link, seconds=self._seconds, transactions=self._transactions
        )
        self._told &= {_key(holder) for holder in holders}
        for holder in holders[:MOST_NAMED]:
            if _key(holder) not in self._told:
                self._told.add(_key(holder))
                facts = {"holder": holder.words, "pid": holder.pid, "remedy": holder.way_out}
                self._log.event("vacuum.held_up", **facts)


def _key(holder: Holder) -> tuple[str, str, int | None, datetime | None]:
    """The same transaction has the same key, whenever it is seen."""
    return holder.kind, holder.name, holder.pid, holder.since
