"""Where to look for ready jobs: above the last one reserved, not at the start of the line every time.

A reserved row leaves an entry in the ready index that stays until a vacuum may remove it, and an old
snapshot anywhere keeps vacuum from it. Whoever starts at the head walks over all of them at every look. So
a worker remembers for each (queue, priority) where its last reservation ended. Rows that appear below, from
transactions that commit late, are found by sweeps, which look from further down.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from typing import Final, NamedTuple

BOTTOM: Final = "-infinity"
# Priorities with a name are always looked at, so that the first urgent job waits for no discovery.
NAMED_PRIORITIES: Final = (20, 10, 0, -10)
MOST_LINES: Final = 32


class Floor(NamedTuple):
    """A place in a line: "runAt" as text in UTC, and id.

    Places compare as the ready index orders them: dates of one form as text, and `-infinity` below them all.
    """

    run_at: str
    id: int


class Probes(NamedTuple):
    """The arrays that the reserve statement takes, one element a probe, best first."""

    queues: list[str]
    priorities: list[int]
    floors: list[str]
    floor_ids: list[int]


class Floors:
    """The floors of one worker for one set of types."""

    def __init__(self, queues: Iterable[str]) -> None:
        self._floors: dict[tuple[str, int], Floor] = {}
        self._turn = 0
        self._own_queues = frozenset(queues)
        self.learn((queue, priority) for queue in self._own_queues for priority in NAMED_PRIORITIES)

    def learn(self, lines: Iterable[tuple[str, int]]) -> None:
        """Take note of (queue, priority) pairs with rows; the named priorities of their queues come along."""
        for queue, priority in lines:
            for known in (priority, *NAMED_PRIORITIES):
                self._floors.setdefault((queue, known), Floor(BOTTOM, 0))

    def leave(self, queues: Container[str]) -> None:
        """Forget these queues: who comes back to one begins at the bottom, since others have looked there."""
        for line in [line for line in self._floors if line[0] in queues]:
            del self._floors[line]

    def forget(self, lines: Iterable[tuple[str, int]]) -> None:
        """Drop learned lines with no rows, once there are so many that looking at all of them costs."""
        if len(self._floors) <= MOST_LINES:
            return
        live = set(lines)
        kept = {queue for queue, _ in live} | self._own_queues
        for queue, priority in list(self._floors):
            named = priority in NAMED_PRIORITIES and queue in kept
            if (queue, priority) not in live and not named:
                del self._floors[queue, priority]

    def probes(self, lowest: str | None = None, *, only: Container[str] | None = None) -> Probes:
        """Higher priorities first; queues take turns. `lowest` pulls floors down to that time."""
        queues = sorted({queue for queue, _ in self._floors if only is None or queue in only})
        if queues:
            self._turn = (self._turn + 1) % len(queues)
            queues = queues[self._turn :] + queues[: self._turn]
        place = {queue: index for index, queue in enumerate(queues)}
        known = [line for line in self._floors if line[0] in place]
        lines = sorted(known, key=lambda line: (-line[1], place[line[0]]))
        floors = [self._floors[line] for line in lines]
        if lowest is not None:
            floors = [min(floor, Floor(lowest, 0)) for floor in floors]
        return Probes(
            [queue for queue, _ in lines],
            [priority for _, priority in lines],
            [_as_timestamp(floor.run_at) for floor in floors],
            [floor.id for floor in floors],
        )

    def rise(self, reserved: Sequence[tuple[str, int, Floor]]) -> None:
        """Move floors up to the last rows reserved."""
        for queue, priority, floor in reserved:
            if floor > self._floors.get((queue, priority), Floor(BOTTOM, 0)):
                self._floors[queue, priority] = floor

    def fall(self, reserved: Sequence[tuple[str, int, Floor]]) -> None:
        """After a sweep that was filled: what lies below may be more, so begin where it came to."""
        highest: dict[tuple[str, int], Floor] = {}
        for queue, priority, floor in reserved:
            line = (queue, priority)
            if line not in highest or floor > highest[line]:
                highest[line] = floor
        self._floors.update(highest)

    def settle(self, run_at: str) -> None:
        """Everything visible up to this time was seen: all floors move there (never down)."""
        settled = Floor(run_at, 0)
        for line, floor in self._floors.items():
            if floor < settled:
                self._floors[line] = settled


def _as_timestamp(run_at: str) -> str:
    return run_at if run_at == BOTTOM else f"{run_at}Z"
