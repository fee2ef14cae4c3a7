"""Where to look for ready rows: the floors of each set of types, and which lines there are.

In: what looks learned and took. Out: probes for the reserve statement. The arithmetic is `model.floors`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from rowcrew.model.floors import BOTTOM, Floor, Floors, Probes
from rowcrew.model.job import Job
from rowcrew.table.limits import Skipped
from rowcrew.table.worker import ReadyLine

_DEFAULT_QUEUES: Final = ("default",)
Types = tuple[str, ...]


class Places:
    """The floors of one worker.

    Args:
        types: all types that it serves; the floors of these are always kept.
        queues: the queues that it serves; none = all.

    Attributes:
        recent: a time of the database; a short sweep begins here.
        has_rows: whether any line had queued rows when the lines were last learned. Those of queues with a
            limit do not count: `limited` looks there.
        with_keys: the queues in which rows with a limited key may lie.
    """

    def __init__(self, *, types: Types, queues: Sequence[str]) -> None:
        self._types = types
        self._queues = tuple(queues) or _DEFAULT_QUEUES
        self._floors: dict[Types, Floors] = {}
        self._lines: list[tuple[str, int]] = []
        self._settled = BOTTOM
        self._limited: set[str] = set()
        self.recent = BOTTOM
        self.with_keys: set[str] = set()

    @property
    def has_rows(self) -> bool:
        return bool(self._lines)

    def learn(self, rows: Sequence[ReadyLine]) -> None:
        """Take note of the lines, and of what time it is for the database."""
        self._settled, self.recent = rows[0].settled, rows[0].recent
        self._lines = [
            (row.queue, row.priority)
            for row in rows
            if row.queue is not None and row.priority is not None and not row.limited
        ]
        self._limited = {row.queue for row in rows if row.queue is not None and row.limited}
        self.with_keys = {
            row.queue for row in rows if row.queue is not None and row.named_keys
        } - self._limited
        for floors in self._floors.values():
            floors.leave(self._limited)
            floors.learn(self._lines)
            floors.forget(self._lines)
            if not self._lines:  # then nothing is reserved either, and no row is skipped
                floors.settle(self._settled)

    def probes(self, types: Types, lowest: str | None) -> Probes:
        return self._floors_of(types).probes(lowest)

    def move(self, types: Types, jobs: Sequence[Job], *, filled: bool, swept: bool) -> None:
        """Move the floors by what a look took; `jobs` are in the order of the ready line."""
        floors = self._floors_of(types)
        last = {(job.queue, job.priority): job for job in jobs}
        places = [(queue, priority, Floor(job.run_at, job.id)) for (queue, priority), job in last.items()]
        if filled and swept:
            floors.fall(places)
        else:
            floors.rise(places)
        if not filled:
            floors.settle(self._settled)

    def passed(self, types: Types, skipped: Iterable[Skipped]) -> None:
        """These stretches of the lines hold only rows that are found by their keys."""
        places = [(row.queue, row.priority, Floor(row.run_at, row.id)) for row in skipped]
        self._floors_of(types).rise(places)

    def lines_with_keys(self, types: Types) -> Probes:
        """The floors as they are, of the queues in which rows with a limited key may lie."""
        return self._floors_of(types).probes(only=self.with_keys)

    def _floors_of(self, types: Types) -> Floors:
        """Floors hold for a set of types: below them lie rows that were skipped because of their type."""
        if types not in self._floors:
            floors = Floors(self._queues)
            floors.leave(self._limited)
            floors.learn(self._lines)
            self._floors = {known: self._floors[known] for known in self._floors if known == self._types}
            self._floors[types] = floors
        return self._floors[types]
