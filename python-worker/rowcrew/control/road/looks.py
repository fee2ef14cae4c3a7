"""When to look for rows: by wake-ups and the poll interval, now and then from further down than the floors.

In: the time, and what looks cost. Out: what kind of look is next, and how long to wait for one. Pure: every
call is told what time it is.
"""

from __future__ import annotations

from collections import deque
from typing import Final, Literal, NamedTuple

# After a wake-up rows may commit a moment later: look again soon, then poll. Some looks also learn the lines.
QUICK_LOOKS: Final = ((0.005, False), (0.020, True), (0.080, False), (0.320, True))
SHORT_SWEEP_SECONDS: Final = 0.1
FULL_SWEEP_SECONDS: Final = 5.0
SWEEP_SHARE: Final = 20  # a sweep may take one twentieth of the time
# In a steady stream of rows one look takes what four milliseconds brought; an idle worker looks at once.
PACE_SECONDS: Final = 0.004

SweepKind = Literal["full", "short"]


class Look(NamedTuple):
    """What to do besides looking above the floors: learn the lines, begin further down."""

    learns: bool = False
    sweep: SweepKind | None = None


class Sweep:
    """When a costly look is due: not too often, and never for more than its share of the time.

    It passes over the entries of rows reserved before, while an old snapshot keeps vacuum away all of them.
    """

    def __init__(self, every_seconds: float, now: float) -> None:
        self._every_seconds = every_seconds
        self._due = now

    def is_due(self, now: float) -> bool:
        return now >= self._due

    def done(self, started: float, now: float) -> None:
        self._due = now + max(self._every_seconds, SWEEP_SHARE * (now - started))


class Looks:
    """The timetable of one reserving worker."""

    def __init__(self, *, poll_seconds: float, now: float) -> None:
        self._poll_seconds = poll_seconds
        self._sweeps: dict[SweepKind, Sweep] = {
            "full": Sweep(FULL_SWEEP_SECONDS, now),
            "short": Sweep(SHORT_SWEEP_SECONDS, now),
        }
        self._learning = Sweep(0.0, now)
        self._learn_next = True
        self._quick_looks = deque[tuple[float, bool]]()
        self._began = 0.0

    def begin(self, now: float) -> Look:
        """The look that begins now."""
        self._began = now
        sweep = next((kind for kind, sweep in self._sweeps.items() if sweep.is_due(now)), None)
        learns = (self._learn_next and self._learning.is_due(now)) or sweep == "full"
        self._learn_next = self._learn_next and not learns
        return Look(learns, sweep)

    def learned(self, now: float) -> None:
        """The look that began last has learned the lines."""
        self._learning.done(self._began, now)

    def swept(self, kind: SweepKind, now: float) -> None:
        """The look that began last is over, and was such a sweep."""
        self._sweeps[kind].done(self._began, now)

    def pause(self) -> float:
        """How long to wait when a look found fewer rows than asked for, unless a wake-up comes."""
        seconds, self._learn_next = (
            self._quick_looks.popleft() if self._quick_looks else (self._poll_seconds, True)
        )
        return seconds

    def woken(self) -> None:
        """A wake-up came."""
        self._learn_next = False
        self._quick_looks = deque(QUICK_LOOKS)

    def pace(self, now: float) -> float:
        """How long a wake-up has to wait, so that it does not follow too close on the last look."""
        return max(0.0, self._began + PACE_SECONDS - now)
