"""What a worker remembers of one queue under limits: where to look, from where to count, when to look next.

In: what looks found, and the time. Out: what the next look is told. Pure: every call is told the time.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from rowcrew.control.road.looks import FULL_SWEEP_SECONDS, SHORT_SWEEP_SECONDS, Sweep, SweepKind
from rowcrew.model.floors import BOTTOM, Floor, Floors, Probes
from rowcrew.table.limits import Granted, Skipped
from rowcrew.table.worker import ReadyLine

# A reservation that knew of no limit may still be under way when the first limit of a queue is seen.
GAP_SECONDS: Final = 1.0
ADOPT_SECONDS: Final = 5.0
_ADOPT_ALWAYS_SECONDS: Final = 2.0
# Places are free and no row was found: rows may commit a moment later, as after a wake-up.
_EMPTY_PAUSES: Final = (0.005, 0.020, 0.080, 0.320)
_IDLE_SECONDS: Final = 0.1
# While jobs come by their keys, the rows in front of the line are passed no oftener.
_PASS_SECONDS: Final = 0.1
_LOCK_LOST_SECONDS: Final = 0.002
_LONGEST_LOCK_PAUSE: Final = 0.032
_FEWEST_STEPS, _MOST_STEPS = 16, 128


class Sight(NamedTuple):
    """What the next look is told.

    Attributes:
        place_floor: from where to count places; `-infinity` counts all.
        counts_all: whether the floors of keys are not to be used either.
    """

    probes: Probes
    place_floor: str
    after: str
    steps: int
    line_turn: int
    counts_all: bool


class LimitedQueue:
    """The memory of one queue.

    Args:
        is_new: whether its first limit may be so young that runs are not yet counted.

    Attributes:
        due: when to look next.
        full: whether no place was free when it was looked at last.
        after: the key after which the next walk begins.
        limited: whether the queue itself has a limit; else only some keys in it have.
        unseen: whether its rows have not been looked at yet, its first limit being so young.
        rereads: whether the next look would read again what the last one read of the line in vain.
        per_key: whether every key has a limit; `has_keys`, whether some key has.
    """

    def __init__(self, queue: str, *, limited: bool, is_new: bool, poll_seconds: float, now: float) -> None:
        self.queue = queue
        self.limited = limited
        self.due = now + GAP_SECONDS if is_new else now
        self.unseen = is_new
        self.full = False
        self.rereads = False
        self.after = ""
        self.per_key = False
        self.has_keys = False
        self._is_idle = True
        self._place_heard = False
        self._recent = BOTTOM
        self._poll_seconds = poll_seconds
        self._place_floor = BOTTOM
        self._floors = Floors([queue])
        self._line_turn = 0
        self._empty = 0
        self._lost = 0
        self._began = now
        self._not_before = self.due
        self._adopt_due = now
        self._adopt_always_until = self.due + _ADOPT_ALWAYS_SECONDS
        self._sweeps: dict[SweepKind, Sweep] = {
            "full": Sweep(FULL_SWEEP_SECONDS, now),
            "short": Sweep(SHORT_SWEEP_SECONDS, now),
        }
        self._sweep: SweepKind | None = None
        self._passes = Sweep(_PASS_SECONDS, now)

    def learn(self, lines: Sequence[ReadyLine], now: float) -> None:
        """Take note of the priorities that have rows, if any, and of what keys the limits hold for."""
        line = lines[0]
        self._recent = line.recent
        if line.per_key != self.per_key:  # other rows than before are found by their keys
            self._floors = Floors([self.queue])
        self.per_key, self.has_keys = line.per_key, line.per_key or line.named_keys
        known = [(self.queue, line.priority) for line in lines if line.priority is not None]
        self._floors.learn(known)
        self._floors.forget(known)
        if known and self._is_idle:
            self.due = max(self._not_before, min(self.due, now))
        self._is_idle = not known

    @property
    def needs_places(self) -> bool:
        """Whether rows may wait here for a place that a run of this worker leaves."""
        return self.full or self.has_keys

    def woken(self, now: float, *, place: bool) -> None:
        """Rows may be ready; with `place` a place may be free as well."""
        self._place_heard = self._place_heard or place
        if self._is_idle:  # the rows may well be in other queues
            self.due = max(self._not_before, min(self.due, now + _IDLE_SECONDS))
        elif place or not self.full:
            self._empty = 0
            self.due = max(self._not_before, now)

    def begin(self, room: int, now: float) -> Sight:
        """The look that begins now."""
        self._place_heard = False
        self.rereads = False
        self._began = now
        self._sweep = next((kind for kind, sweep in self._sweeps.items() if sweep.is_due(now)), None)
        lowest = {"full": BOTTOM, "short": self._recent, None: None}[self._sweep]
        self._line_turn = 2 - self._line_turn
        return Sight(
            probes=self._floors.probes(lowest),
            place_floor=BOTTOM if self._sweep == "full" else self._place_floor,
            after=self.after,
            steps=min(_MOST_STEPS, max(_FEWEST_STEPS, 2 * room)),
            line_turn=self._line_turn,
            counts_all=self._sweep == "full",
        )

    def adopts(self, now: float) -> bool:
        """Whether runs without a place are to be given theirs now."""
        return now < self._adopt_always_until or now >= self._adopt_due

    def adopted(self, now: float) -> None:
        self._adopt_due = now + ADOPT_SECONDS

    def lock_lost(self, now: float) -> None:
        """Another worker reserves from this queue at the moment."""
        pause = min(_LOCK_LOST_SECONDS * 1.5**self._lost, _LONGEST_LOCK_PAUSE)
        self._lost = min(self._lost + 1, 8)
        self.due = now + pause * random.uniform(0.5, 1.5)  # noqa: S311 - jitter

    def found(self, rows: Sequence[Granted], room: int, now: float, *, counts: bool) -> None:
        """What the look that began last was answered; `counts` when it counted this queue's places."""
        self._lost = 0
        self.unseen = False
        if not rows:  # paused
            self.due = now + self._poll_seconds
            return
        answer = rows[0]
        line = [row for row in rows if row.from_line]
        self._move(line, answer)
        self._place_floor = answer.place_floor if counts else BOTTOM
        if self._sweep is not None:
            self._sweeps[self._sweep].done(self._began, now)
        taken = sum([row.id is not None for row in rows])
        self.full = answer.free == 0 or taken >= answer.free
        self.rereads = answer.line_done and not line and (not taken or self._passes.is_due(now))
        pause = self._pause(answer, taken, room, now)
        # A look may have counted before the place that it was told of meanwhile was free.
        self.due = now if self._place_heard else now + pause
        self.after = answer.walked_to

    def count_all(self) -> None:
        """The next look counts all places: what was seen says nothing about those of another server."""
        self._place_floor = BOTTOM

    def passed(self, skipped: Iterable[Skipped], began: float, now: float) -> None:
        """These stretches of the lines hold only rows that are found by their keys."""
        self._passes.done(began, now)
        self._floors.rise([(row.queue, row.priority, Floor(row.run_at, row.id)) for row in skipped])

    def line(self) -> Probes:
        """The floors as they are."""
        return self._floors.probes()

    def _pause(self, answer: Granted, taken: int, room: int, now: float) -> float:
        again = self._poll_seconds if answer.again_seconds is None else max(0.001, answer.again_seconds)
        if taken and taken >= room:  # all that was asked for: there may be more
            self._empty = 0
            return 0.0
        if self.full:
            self._empty = 0
            return min(again, self._poll_seconds)
        if taken == 0 and answer.walked_to > self.after:  # more keys to look at before it is an empty look
            return now - self._began
        if taken:
            self._empty = 0
        pause = _EMPTY_PAUSES[self._empty] if self._empty < len(_EMPTY_PAUSES) else self._poll_seconds
        self._empty += 1
        return min(again, pause)

    def _move(self, line: Sequence[Granted], answer: Granted) -> None:
        """The floors follow the rows taken from the line, never those found by their keys."""
        places = [(row.queue, row.priority, Floor(row.run_at, row.id)) for row in line if row.id is not None]
        if self._sweep is not None and not answer.line_done:
            last = {(queue, priority): floor for queue, priority, floor in sorted(places)}
            self._floors.fall([(*line, floor) for line, floor in last.items()])
        else:
            self._floors.rise(places)
        if answer.line_done:
            self._floors.settle(answer.settled)
