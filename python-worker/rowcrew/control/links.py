"""The four connections of a worker that carry statements; the fifth listens (`wake_up`)."""

from __future__ import annotations

from typing import Final

from rowcrew.control.road.writing import LOCK_TIMEOUT
from rowcrew.log import Log
from rowcrew.model.patience import Patience
from rowcrew.table.hosts import Timelines
from rowcrew.table.link import Link
from rowcrew.table.opening import CALL_SECONDS

# A reserve brings payloads along, and to have waited too short for one costs its rows a detour.
RESERVE_SECONDS: Final = 5.0


class Links:
    """One connection for each kind of commit, so that no statement waits behind another kind.

    Reserve and record learn how soon their answers come. One that is overdue is not waited for: an end is
    told again over another connection, which changes nothing if the first telling did.

    Attributes:
        reserve: commits asynchronously, since a lost reservation is only repeated.
        record: commits durably: an end is believed when the disk has it.
        heartbeat: touches the row of this worker, and reads. Nothing on it ever waits for a row of `jobs`.
        chores: everything else.
        timelines: what keeps all of them from an old primary.
    """

    def __init__(self, address: str, log: Log) -> None:
        self.timelines = timelines = Timelines(lambda facts: log.event("database.old_primary", **facts))
        reserve_patience = Patience(least=RESERVE_SECONDS, most=CALL_SECONDS)
        asynchronous = {"synchronous_commit": "off"}
        self.reserve = Link(
            address, purpose="reserve", session=asynchronous, patience=reserve_patience, timelines=timelines
        )
        record_patience = Patience(most=CALL_SECONDS)
        with_limit = {"lock_timeout": LOCK_TIMEOUT}
        self.record = Link(
            address, purpose="record", session=with_limit, patience=record_patience, timelines=timelines
        )
        self.heartbeat = Link(address, purpose="heartbeat", timelines=timelines)
        self.chores = Link(address, purpose="chores", timelines=timelines)

    async def close(self) -> None:
        for link in (self.reserve, self.record, self.heartbeat, self.chores):
            await link.close()
