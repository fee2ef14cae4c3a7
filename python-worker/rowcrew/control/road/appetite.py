"""How much to ask for: any type for a free slot; of a backlog short types ahead too, with turns in between.

In: the runs at hand, what runs of each type take, and what looks found. Out: what `reserve` asks for next.
The arithmetic is `model.appetite`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from rowcrew.control.asked import Requests
from rowcrew.control.ledger import Ledger
from rowcrew.control.road.dispatch import Dispatcher
from rowcrew.model.appetite import LARGEST_BATCH, BatchSize, RunTimes, jobs_ahead
from rowcrew.model.catalogue import Catalogue
from rowcrew.model.job import Job
from rowcrew.model.stay import Limits, jobs_left

LEVEL_SECONDS: Final = 0.1
MOST_UNRECORDED: Final = 2_000


class Ask(NamedTuple):
    """What to ask for next: so many rows of these types, as soon as there is room for at least `least`.

    Attributes:
        ahead: of these, those for which no slot is free.
    """

    types: tuple[str, ...]
    room: int
    least: int
    ahead: int = 0

    @property
    def fits(self) -> bool:
        return self.room >= self.least

    def less(self, rows: int) -> Ask:
        """What is left to ask for when so many rows came."""
        return self._replace(room=self.room - rows, ahead=min(self.ahead, self.room - rows))


class Appetite:
    """What one worker can take now."""

    def __init__(
        self,
        *,
        slots: int,
        most_rows: int | None,
        ledger: Ledger,
        dispatcher: Dispatcher,
        catalogue: Catalogue,
        requests: Requests,
        limits: Limits,
        run_times: RunTimes,
        now: float,
    ) -> None:
        self._slots = slots
        self._ledger = ledger
        self._dispatcher = dispatcher
        self._requests = requests
        self._limits = limits
        self._types = catalogue.names
        self._run_times = run_times
        self._batch = BatchSize(cap=most_rows or LARGEST_BATCH)
        self._level_due = now
        self._has_backlog = False

    def ask(self, now: float, *, limited: bool = False) -> Ask:
        """With `limited`, rows under limits are to be looked for: those are for free slots alone."""
        resting = self._requests.draining or self._ledger.unrecorded > MOST_UNRECORDED
        left = jobs_left(self._limits, self._ledger.taken)
        if resting or not left or not self._dispatcher.takes_jobs:
            return Ask(self._types, 0, 1)
        free = self._slots - self._ledger.in_flight
        batch = min(self._batch.value(), left)
        short = tuple(type for type in self._types if self._dispatcher.is_short(type))
        others_turn = limited or (len(short) < len(self._types) and now >= self._level_due)
        if not (self._has_backlog and short and self._dispatcher.takes_ahead) or others_turn:
            return Ask(self._types, min(batch, free), 1)
        ahead = jobs_ahead(self._slots - self._ledger.long_in_flight, self._run_times.longest_short(), batch)
        least = min(batch, self._slots + ahead) // 2 if ahead else 1
        room = min(batch, free + ahead)
        return Ask(short, room, max(1, least), room - max(0, min(room, free)))

    def took(self, ask: Ask, jobs: Sequence[Job], now: float) -> None:
        """Learn from what a look that asked for this took."""
        self._batch.learn(ask.room, len(jobs), sum([len(job.payload) for job in jobs]))
        if ask.types == self._types:
            self._level_due = now + LEVEL_SECONDS

    def found(self, ask: Ask, rows: int, now: float) -> bool:
        """Whether there may be more rows to take at once."""
        self._has_backlog = rows >= ask.room
        if not self._has_backlog and ask.types != self._types:
            self._level_due = now  # short ones are done; see at once whether others wait
            return True
        return self._has_backlog
