"""The four connections of a worker that carry statements; the fifth listens (`wake_up`)."""

from __future__ import annotations

from rowcrew.control.road.writing import LOCK_TIMEOUT
from rowcrew.table.link import Link


class Links:
    """One connection for each kind of commit, so that no statement waits behind another kind.

    Attributes:
        reserve: commits asynchronously, since a lost reservation is only repeated.
        record: commits durably: an end is believed when the disk has it.
        heartbeat: touches the row of this worker, and reads. Nothing on it ever waits for a row of `jobs`.
        chores: everything else.
    """

    def __init__(self, address: str) -> None:
        self.reserve = Link(address, purpose="reserve", session={"synchronous_commit": "off"})
        self.record = Link(address, purpose="record", session={"lock_timeout": LOCK_TIMEOUT})
        self.heartbeat = Link(address, purpose="heartbeat")
        self.chores = Link(address, purpose="chores")

    async def close(self) -> None:
        for link in (self.reserve, self.record, self.heartbeat, self.chores):
            await link.close()
