"""Who keeps vacuum from removing dead rows, in words: told by workers in their log, and by the doctor.

In: what the server shows of one holder. Out: a sentence, and the way out. Pure.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from rowcrew.model.duration import duration

OLD_SECONDS: Final = 300.0
# Slots and stand-bys do not say since when they hold, so the transactions behind them count.
OLD_TRANSACTIONS: Final = 100_000
# Whoever holds most is named; with so many gone, the next are.
MOST_NAMED: Final = 5


class Holder(NamedTuple):
    """A session, prepared transaction, replication slot or stand-by with an old snapshot.

    Attributes:
        name: the session's application, the transaction's or the slot's name.
        state: of the session; whether a slot is in use.
        since: when its transaction began, if it has one.
        transactions: how many have begun since.
    """

    kind: str
    pid: int | None
    role: str | None
    name: str
    state: str
    since: datetime | None
    seconds: float | None
    transactions: int

    @property
    def words(self) -> str:
        """Who it is."""
        who = f"{self.kind} {self.name!r}" + (f" (pid {self.pid})" if self.pid is not None else "")
        of = f" of the role {self.role}" if self.role else ""
        open_for = f" for {duration(self.seconds)}" if self.seconds is not None else ""
        return f"{who}{of}, {self.state}{open_for}, {self.transactions} transactions old"

    @property
    def way_out(self) -> str:
        """What to do about it."""
        match self.kind:
            case "session":
                return f"let it end its transaction, or end it: pg_terminate_backend({self.pid})"
            case "prepared transaction":
                return f"COMMIT PREPARED '{self.name}' or ROLLBACK PREPARED '{self.name}'"
            case "replication slot":
                drop = f"pg_drop_replication_slot('{self.name}')"
                return f"let its consumer catch up; if nobody uses it, {drop}"
        return "end the long query on the stand-by, or switch its hot_standby_feedback off"
