"""The runs this worker holds, from the reservation until their end is recorded. All organs share it."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import contextmanager

from rowcrew.control.clock import Clock
from rowcrew.control.run import Run
from rowcrew.model.job import Job


class Ledger:
    """Runs by lease.

    Attributes:
        taken: how many runs there have been so far.
        in_flight: runs that hold a slot, or wait for one; those that are over stay until recorded.
        long_in_flight: of these the runs of types that are not short.
        reserving_since: when the reservation under way began, whose rows are not here yet; else None.
        changed: set when a slot became free or an end was recorded.
        placed: the runs that limits count, and the queue of each.
        freed: how many such runs have ended since somebody looked, by queue.
        woken: set when there is a reason to look for rows.
    """

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._runs: dict[str, Run] = {}
        self.reserving_since: float | None = None
        self.taken = 0
        self.in_flight = 0
        self.long_in_flight = 0
        self.changed = asyncio.Event()
        self.placed: dict[str, str] = {}
        self.freed: dict[str, int] = {}
        self.woken = asyncio.Event()

    def __len__(self) -> int:
        return len(self._runs)

    def __iter__(self) -> Iterator[Run]:
        return iter(list(self._runs.values()))

    def __contains__(self, lease_id: str) -> bool:
        return lease_id in self._runs

    @property
    def unrecorded(self) -> int:
        return len(self._runs) - self.in_flight

    @contextmanager
    def reserving(self) -> Iterator[None]:
        """A reservation is under way until the block ends, which must also hand its rows over.

        It may be many statements long, and last for many heartbeats, where a row is odd.
        """
        self.reserving_since = self._clock.now()
        try:
            yield
        finally:
            self.reserving_since = None

    def add(self, jobs: Iterable[Job], long_types: Container[str]) -> list[Run]:
        now = self._clock.now()
        runs = [Run(job, now, job.type in long_types) for job in jobs]
        self._runs.update([(run.job.lease_id, run) for run in runs])
        self.taken += len(runs)
        self.in_flight += len(runs)
        self.long_in_flight += sum([run.is_long for run in runs])
        return runs

    def close(self, run: Run) -> None:
        """The run is over; its slot is free."""
        run.over()
        self.in_flight -= 1
        self.long_in_flight -= run.is_long
        self.changed.set()

    def forget(self, lease_ids: Sequence[str]) -> None:
        """Their ends are recorded, or somebody else's business."""
        for lease_id in lease_ids:
            self._runs.pop(lease_id, None)
        if self.placed:
            self._free_places(lease_ids)
        self.changed.set()

    def _free_places(self, lease_ids: Sequence[str]) -> None:
        for lease_id in lease_ids:
            if (queue := self.placed.pop(lease_id, None)) is not None:
                self.freed[queue] = self.freed.get(queue, 0) + 1
                self.woken.set()
